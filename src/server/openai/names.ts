// Names of settings: the project writes negativePrompt and init.strength, this interface negative_prompt and strength.

/** Names that are not the same words in other letters. */
const renamed: Readonly<Record<string, string>> = {
  count: "n",
  "init.image": "image",
  "init.strength": "strength",
  "inpaint.mask": "mask",
  "load.loras": "lora",
};

export const toSnakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** "init.strength" → "strength", "negativePrompt" → "negative_prompt" */
export function toOwnName(path: string): string {
  const plain = path.replace(/^request\./, "");
  const [head = plain] = /^[\w.]+/.exec(plain) ?? [];
  return `${renamed[head] ?? toSnakeCase(head.replace(/^(?:load|inpaint)\./, ""))}${plain.slice(head.length)}`;
}
