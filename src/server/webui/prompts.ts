// What webui reads out of prompts before they reach a model: extra networks, such as <lora:name:0.8>, and styles.
import type { Addition, JobLoad, ModelInfo } from "../api/index.js";
import { refuse } from "./errors.js";

/** A style of prompts: "{prompt}" in its texts stands for the prompt; otherwise they follow it. */
export interface PromptStyle {
  readonly name: string;
  readonly prompt: string;
  readonly negative_prompt: string;
}

function addStyle(prompt: string, style: string): string {
  if (style.includes("{prompt}")) return style.replaceAll("{prompt}", () => prompt);
  return [prompt.trim(), style.trim()].filter((part) => part !== "").join(", ");
}

/** The prompts with styles applied. Unknown names are refused. */
export function applyStyles(
  prompts: { readonly prompt: string; readonly negative: string },
  names: readonly string[],
  styles: readonly PromptStyle[],
): { readonly prompt: string; readonly negative: string } {
  let { prompt, negative } = prompts;
  for (const name of names) {
    if (name === "" || name === "None") continue;
    const style = styles.find((one) => one.name === name);
    if (!style) refuse(404, `Style not found: ${name}`);
    prompt = addStyle(prompt, style.prompt);
    negative = addStyle(negative, style.negative_prompt);
  }
  return { prompt, negative };
}

/** A name as people write it: without the ending of its file, in lower case. */
const simplify = (name: string) => name.toLowerCase().replace(/\.(?:safetensors|ckpt|pt|bin)$/, "");

export function findAddition(
  additions: readonly Addition[],
  kind: Addition["kind"],
  name: string,
): Addition | undefined {
  const wanted = simplify(name);
  const ofKind = additions.filter((addition) => addition.kind === kind);
  return ofKind.find(({ id, name: own }) => [id, own].some((one) => simplify(one) === wanted));
}

const extraNetwork = /<(\w+):([^<>]+)>/g;

/** The prompt without its extra networks, and what they load. */
export function readExtraNetworks(
  prompt: string,
  additions: readonly Addition[],
  isDisabled: boolean,
): { readonly prompt: string; readonly loras: NonNullable<JobLoad["loras"]> } {
  const weights = new Map<string, number>();
  const rest = prompt.replaceAll(extraNetwork, (_, kind: string, body: string) => {
    if (isDisabled) return "";
    if (kind !== "lora" && kind !== "lyco")
      refuse(422, `<${kind}:…> in the prompt: of extra networks, this server takes lora only.`);
    const [name = "", ...values] = body.split(":").map((part) => part.trim());
    const addition = findAddition(additions, "lora", name);
    if (!addition) refuse(404, `LoRA not found: ${name}. GET /sdapi/v1/loras lists those that are here.`);
    weights.set(addition.id, readWeight(body, values));
    return "";
  });
  return { prompt: rest, loras: [...weights].map(([id, weight]) => ({ id, weight })) };
}

/** One weight for text encoder and denoiser: "0.8", "te=0.8:unet=0.8", or nothing, which is 1. */
function readWeight(body: string, values: readonly string[]): number {
  const numbers = values.map((value) => Number(value.replace(/^(?:te|unet)=/, "")));
  const [weight = 1, ...others] = numbers;
  const isPlain = values.every((value) => /^(?:(?:te|unet)=)?[+-]?(?:\d+\.?\d*|\.\d+)$/.test(value));
  if (!isPlain || Math.abs(weight) > 10 || others.some((other) => other !== weight))
    refuse(422, `<lora:${body}> in the prompt: expected one weight from -10 to 10, such as <lora:name:0.8>.`);
  return weight;
}

/** Models described by another name than the family whose text encoder they have. */
const textEncoderFamilies: Readonly<Record<string, string>> = { "Stable unCLIP 2.1": "Stable Diffusion 2.x" };

/** Whether an addition was made for a model; true where its files do not say what it was made for. */
export function fitsModel(
  { family }: Pick<Addition, "family">,
  { family: room, what }: Pick<ModelInfo, "family" | "what">,
): boolean {
  // "Stable Diffusion 1.x, inpainting"
  const [name = ""] = what.split(", ");
  return family === null || [room, name, textEncoderFamilies[name]].includes(family);
}

/** The textual inversions that the prompts mention by name, as webui finds them. */
export function findEmbeddings(texts: readonly string[], additions: readonly Addition[]): string[] {
  const all = texts.join("\n").toLowerCase();
  const isMentioned = (word: string) => {
    const plain = simplify(word).replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return plain !== "" && new RegExp(`(?<![\\p{L}\\p{N}_])${plain}(?![\\p{L}\\p{N}_])`, "u").test(all);
  };
  return additions
    .filter(({ kind, id, name, words }) => kind === "embedding" && [id, name, ...words].some(isMentioned))
    .map(({ id }) => id);
}
