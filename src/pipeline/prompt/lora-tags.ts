// LoRAs named in a prompt, as stable-diffusion-webui's users write them: "a fox <lora:ink:0.8>".
import { NishikiError, quote } from "../../errors.js";

export interface LoraTag {
  readonly name: string;
  readonly weight: number;
}

const tag = /(?<!\s)\s*<(?:lora|lyco|locon):([^<>]{0,200})(>|(?=<)|$)/gi;
const mostWeight = 10;

/** One weight for text encoder and denoiser: "0.8", "te=0.8:unet=0.8", or nothing, which is 1. */
function readTag(body: string, isClosed: boolean): LoraTag {
  const [name = "", ...values] = body.split(":").map((part) => part.trim());
  const isPlain = values.every((value) => /^(?:(?:te|unet)=)?[+-]?(?:\d+\.?\d*|\.\d+)$/.test(value));
  const [weight = 1, ...others] = values.map((value) => Number(value.replace(/^(?:te|unet)=/, "")));
  const isOne = others.every((other) => other === weight);
  if (isClosed && name !== "" && isPlain && isOne && Math.abs(weight) <= mostWeight) return { name, weight };
  const expected = `expected one weight from ${-mostWeight} to ${mostWeight}, such as <lora:name:0.8>`;
  throw new NishikiError(
    "usage",
    `${quote(`<lora:${body}${isClosed ? ">" : ""}`)} in the prompt: ${expected}.`,
  );
}

/**
 * Takes the LoRAs out of a prompt. Which file a name means is the caller's to say; load it with `lora` in the load options.
 * @returns The prompt without them, and each LoRA once, with the last weight that it was given.
 * @throws NishikiError "usage" for a tag that cannot be read
 *
 * @example
 * ```ts
 * import { takeLoraTags } from "nishiki";
 *
 * const { prompt, loras } = takeLoraTags("a fox <lora:ink:0.8>");
 * console.log(prompt, loras); // → a fox [ { name: 'ink', weight: 0.8 } ]
 * ```
 */
export function takeLoraTags(text: string): { readonly prompt: string; readonly loras: readonly LoraTag[] } {
  const weights = new Map<string, number>();
  const prompt = text.replace(tag, (_, body: string, end: string) => {
    const { name, weight } = readTag(body, end === ">");
    weights.set(name, weight);
    return "";
  });
  if (weights.size === 0) return { prompt: text, loras: [] };
  return { prompt: prompt.trim(), loras: [...weights].map(([name, weight]) => ({ name, weight })) };
}
