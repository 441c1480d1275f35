// How `nishiki draw` reads a prompt: parameters and permutations as Midjourney's users write them, LoRAs by name, wildcards.
import type { Command } from "commander";
import { NishikiError } from "../errors.js";
import {
  drawSeed,
  type FileRequest,
  fillWildcards,
  type Lists,
  type LoadOptions,
  type LoraTag,
  type ParameterOptions,
  type ParsedPrompt,
  takeLoraTags,
} from "../pipeline/index.js";
import { findLoras, readModelAliases, readWildcards } from "../pipeline/node.js";

export interface PromptOptions {
  readonly literal?: boolean;
  readonly loraFolder?: string;
  readonly wildcards?: string;
  readonly aliases?: string;
  readonly plan?: boolean;
  readonly planFile?: string;
}

export function addPromptOptions(command: Command): Command {
  return command
    .option(
      "--literal",
      "read the prompt as it stands: no --parameters, {permutations}, weights:: and <lora:name>",
    )
    .option("--plan", "draw what the model can draw of the prompt, and say what that is")
    .option(
      "--plan-file <file>",
      "draw this plan instead of the prompt: JSON as nishiki plan prints it, changed by you",
    )
    .option(
      "--lora-folder <folder>",
      "folder in which <lora:name:0.8> in the prompt finds name.safetensors (default: the current folder)",
    )
    .option(
      "--wildcards <folder>",
      "folder of text files: __name__ in the prompt becomes a line of name.txt, and {a|b} one of both, by the image's seed",
    )
    .option(
      "--aliases <file>",
      'JSON file of your names for models, such as {"niji 6": "org/name"}, for --niji and --v',
    );
}

/** A prompt from which everything was taken that decides what is loaded. */
export interface ReadPrompt {
  readonly request: FileRequest;
  readonly load: LoadOptions;
  readonly lists: Lists | undefined;
  readonly aliases: Readonly<Record<string, string>>;
}

/** Reads what belongs to the prompt before a model is opened. @throws NishikiError "usage", "file" */
export async function readPromptFiles(
  request: FileRequest,
  load: LoadOptions,
  options: PromptOptions,
  resolve = (tags: readonly LoraTag[]) => findLoras(tags, options.loraFolder ?? "."),
): Promise<ReadPrompt> {
  const lists = options.wildcards === undefined ? undefined : await readWildcards(options.wildcards);
  const aliases = options.aliases === undefined ? {} : await readModelAliases(options.aliases);
  if (options.literal) return { request, load, lists, aliases };
  const { prompt, loras } = takeLoraTags(request.prompt);
  if (loras.length === 0) return { request, load, lists, aliases };
  const given = load.lora === undefined ? [] : Array.isArray(load.lora) ? load.lora : [load.lora];
  const lora = [...given, ...(await resolve(loras))] as LoadOptions["lora"];
  return { request: { ...request, prompt }, load: { ...load, lora }, lists, aliases };
}

/** How a prompt's parameters become requests: here, or on a server. */
export type ParsePrompt = (prompt: string, options: ParameterOptions) => ParsedPrompt | Promise<ParsedPrompt>;

export interface ReadRequests {
  readonly requests: readonly FileRequest[];
  readonly notices: readonly string[];
}

/** The requests of a prompt: one, or several if it has permutations, repetitions or wildcards. Options win over parameters. */
export async function listRequests(
  { request, lists, aliases }: ReadPrompt,
  { literal = false }: PromptOptions,
  parse: ParsePrompt,
): Promise<ReadRequests> {
  const { prompt, ...given } = request;
  const { count, seed } = given as { readonly count?: number; readonly seed?: number };
  const options = { aliases, count: count ?? 1, ...(seed !== undefined && { seed }) };
  const parsed: Pick<ParsedPrompt, "requests" | "notices"> = literal
    ? { requests: [{ prompt }], notices: [] }
    : await parse(prompt, options);
  const whole = parsed.requests.map((one) => {
    const seeded = one.seed === undefined ? {} : { seed: one.seed };
    return { ...one, ...given, ...seeded, prompt: one.prompt } as FileRequest;
  });
  if (!lists) return { requests: whole, notices: parsed.notices };
  const filled = whole.map((one) => fillRequest(one, lists));
  return { requests: filled.flat(), notices: parsed.notices };
}

/** More images are refused, as the request's schema says. */
const mostImages = 10_000;

/** One request for each image, unless all get the same prompt. @throws NishikiError "usage" for a list that is not there */
function fillRequest(request: FileRequest, lists: Lists): readonly FileRequest[] {
  const { prompt, negativePrompt = "" } = request;
  const { count = 1, seed = drawSeed() } = request as { readonly count?: number; readonly seed?: number };
  // What is no number of images, or no seed, is refused with the rest of the request.
  if (!Number.isSafeInteger(seed) || !(count >= 1 && count <= mostImages)) return [request];
  const { images, isSame, unknown } = fillWildcards({ prompt, negativePrompt }, lists, { seed, count });
  if (unknown.length > 0) {
    const names = unknown.map((name) => `__${name}__`).join(", ");
    throw new NishikiError(
      "usage",
      `${names}: there is no such list. The folder of --wildcards has ${Object.keys(lists).join(", ") || "none"}.`,
    );
  }
  if (isSame) return [{ ...request, ...images[0], count, seed }];
  return images.map((texts, i) => ({ ...request, ...texts, count: 1, seed: seed + i }));
}
