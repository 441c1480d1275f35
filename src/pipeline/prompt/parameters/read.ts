// Prompts as Midjourney's users write them: "a cat --ar 3:2 --no grass --seed 7", permutations, "a {red, green} cat", weights,
// "a forest::2 a fox", and images before the words. Each parameter becomes the settings that come closest here; what has no
// counterpart is refused with the reason. A prompt that merely contains two dashes is left alone.
import { NishikiError, quote, unknownName } from "../../../errors.js";
import type { FileRequest } from "../../image-request.js";
import type { RequestContext } from "../../request-context.js";
import type { ImageSize } from "../../request-values.js";
import {
  type Draft,
  expected,
  type Help,
  isImageName,
  isLink,
  makeDraft,
  type ParameterSettings,
  splitShare,
} from "./draft.js";
import { expandPermutations, mostPermutations } from "./permutations.js";
import { type SplitPrompt, splitParameters, type WrittenParameter } from "./split.js";
import { findParameter, isServiceName, parameterNames } from "./table.js";
import { composeWeights, findLooseColons } from "./weights.js";

/** A request from a prompt with parameters; images are named by their files or ids. */
export type ParameterRequest = Readonly<Partial<FileRequest>> & { readonly prompt: string };

/** A parameter of a prompt. */
export interface PromptParameter {
  /** As it stands in the prompt, such as "--ar 3:2". */
  readonly text: string;
  /** What it does here, or why it is refused: a clause such as "is the negative prompt", or a sentence. */
  readonly effect: string;
  readonly isRefused: boolean;
}

export interface ParsedPrompt {
  /** One for each permutation and repetition. */
  readonly requests: readonly ParameterRequest[];
  /** The model that the prompt asks for, by a name of the user's own; undefined if it asks for none. */
  readonly model: string | undefined;
  /** What is done differently here, one sentence each. */
  readonly notices: readonly string[];
  /** Whether the prompt had any parameter, permutation, weight or image. */
  readonly hasParameters: boolean;
}

/** A prompt that was read without throwing. */
export interface PromptReading extends ParsedPrompt {
  /** The parameters of all permutations, each once. */
  readonly parameters: readonly PromptParameter[];
  /** Why it cannot be drawn; one sentence each, none if it can. */
  readonly faults: readonly string[];
}

export interface ParameterOptions {
  /** Images of each request, and the seed that was chosen apart from the prompt: repetitions count on from it. */
  readonly count?: number;
  readonly seed?: number;
  /** What the user means by --v and --niji: "niji 6" or "v 7", and a model. */
  readonly aliases?: Readonly<Record<string, string>>;
}

const asFault = (error: unknown): string => {
  if (error instanceof NishikiError && error.code === "usage") return error.message;
  throw error;
};

/** More than there are, each given several times. */
const mostParameters = 200;

class Reader {
  readonly #help: Help;
  readonly #options: ParameterOptions;
  readonly parameters = new Map<string, PromptParameter>();
  readonly notices = new Set<string>();
  readonly faults = new Set<string>();
  readonly models = new Set<string>();
  hasParameters = false;

  constructor(context: RequestContext, options: ParameterOptions) {
    this.#help = { context, aliases: options.aliases ?? {} };
    this.#options = options;
  }

  /** The requests of one permutation. */
  read(prompt: string): readonly ParameterRequest[] {
    const split = this.#split(prompt);
    const draft = makeDraft();
    const { parameters } = split;
    if (parameters.length > mostParameters)
      this.faults.add(`The prompt has ${parameters.length} parameters; use at most ${mostParameters}.`);
    else for (const written of this.#dropRepeated(parameters)) this.#apply(written, draft);
    this.#tellService(parameters);
    for (const source of split.strangers)
      this.notices.add(`${quote(source)} is no parameter and is read as words.`);
    for (const source of split.misdashed)
      this.notices.add(`${quote(source)} is read as words; parameters are written as in --ar 3:2.`);
    const text = this.#readText(split.text, draft);
    this.hasParameters ||= split.parameters.length > 0 || text !== prompt;
    for (const shares of Object.values(draft.shares))
      if (shares.length > 0 && !(shares.reduce((sum, share) => sum + share, 0) > 0))
        this.faults.add("The weights of the images add up to 0 or less; their sum must be above 0.");
    finish(draft, this.#help.context);
    for (const notice of draft.notices) this.notices.add(notice);
    if (draft.model !== undefined) this.models.add(draft.model);
    return this.#repeat({ ...draft.settings, prompt: text }, draft.repeat);
  }

  /** Long dashes belong to prose more often than to parameters: if none of what follows them makes sense, they are prose. */
  #split(prompt: string): SplitPrompt {
    const split = splitParameters(prompt);
    const { parameters } = split;
    if (parameters.length === 0 || parameters.some((written) => !written.isLong || this.#makesSense(written)))
      return split;
    for (const { name } of parameters)
      this.notices.add(`${quote(`—${name}`)} is read as words: nothing that it takes stands after it.`);
    return { ...split, text: prompt, parameters: [] };
  }

  #makesSense({ name, value }: WrittenParameter): boolean {
    if (isServiceName(name)) return value === "";
    try {
      findParameter(name)?.apply(value, makeDraft(), this.#help);
      return true;
    } catch (error) {
      asFault(error);
      return false;
    }
  }

  /** Of parameters that are given twice, the last counts, except for lists. */
  #dropRepeated(written: readonly WrittenParameter[]): readonly WrittenParameter[] {
    return written.filter(({ name, value }, i) => {
      const parameter = findParameter(name);
      if (!parameter || parameter.isList) return true;
      const later = written.slice(i + 1).filter((other) => parameter.names.includes(other.name));
      const last = later.at(-1);
      if (!last) return true;
      if (last.value !== value)
        this.notices.add(`${quote(`--${name} ${value}`.trim())} is overruled by ${quote(last.source)}.`);
      return false;
    });
  }

  #apply({ name, value, source }: WrittenParameter, draft: Draft): void {
    const parameter = findParameter(name);
    const add = (effect: string, isRefused: boolean) =>
      this.parameters.set(source, { text: source, effect, isRefused });
    try {
      // "--video 1" has a value; more words would be lost.
      if (isServiceName(name) && /\s/.test(value)) expected(name, "at most one word after it", value);
      if (isServiceName(name)) return;
      if (!parameter)
        throw unknownName(
          "parameter",
          `--${name}`,
          parameterNames.map((known) => `--${known}`),
        );
      add(parameter.apply(value, draft, this.#help), false);
    } catch (error) {
      const fault = asFault(error);
      this.faults.add(fault);
      add(fault, true);
    }
  }

  #tellService(written: readonly WrittenParameter[]): void {
    const names = [...new Set(written.map(({ name }) => name).filter(isServiceName))];
    if (names.length === 0) return;
    const effect = "belongs to Midjourney's service and changes nothing here";
    for (const { name, source } of written)
      if (isServiceName(name) && !this.parameters.has(source))
        this.parameters.set(source, { text: source, effect, isRefused: false });
    const list = names.map((name) => `--${name}`).join(", ");
    const verb = names.length === 1 ? "belongs" : "belong";
    this.notices.add(
      `${list} ${verb} to Midjourney's service and ${names.length === 1 ? "changes" : "change"} nothing here.`,
    );
  }

  /** The words of a prompt, with its weights as parts, and without the images before them. */
  #readText(text: string, draft: Draft): string {
    try {
      const words = this.#takeImages(text, draft);
      const composed = composeWeights(words);
      for (const word of findLooseColons(words))
        this.notices.add(`${quote(word)} is read as words; a space follows a weight, as in a cat::2 a dog.`);
      if (composed !== undefined && composed !== words && !this.#help.context.composesPrompts)
        throw new NishikiError(
          "usage",
          "Weights after ::: this model reads a prompt as one part. Leave them out, or choose another model.",
        );
      return composed ?? words;
    } catch (error) {
      this.faults.add(asFault(error));
      return text;
    }
  }

  #takeImages(text: string, draft: Draft): string {
    const words = text.split(/(?<=\s)(?=\S)/);
    const first = words.findIndex((word) => !isImageName(splitShare(word.trim()).name));
    const link = words.find((word) => isLink(word.trim()));
    const isFirst = link !== undefined && words.indexOf(link) <= Math.max(0, first);
    if (link !== undefined && !isFirst)
      this.notices.add(`${quote(link.trim())} is read as words: nothing is fetched from links.`);
    if (isFirst)
      throw new NishikiError(
        "usage",
        `${quote(link.trim())}: nothing is fetched from links; save the image, and name its file.`,
      );
    // A file's name alone, or in the middle of a prompt, is what to draw.
    if (first <= 0) return text;
    if (!this.#help.context.takes.includes("imagePrompt"))
      throw new NishikiError(
        "usage",
        `${quote(words[0]!.trim())}: this model takes no images as prompts. Start from an image with --image, or choose another model.`,
      );
    const read = words.slice(0, first).map((word) => splitShare(word.trim()));
    const images = read.map(({ name }) => name);
    draft.shares.imagePrompt.push(...read.map(({ share }) => share));
    draft.settings.imagePrompt = { images } as NonNullable<FileRequest["imagePrompt"]>;
    return words.slice(first).join("").trim();
  }

  #repeat(request: ParameterRequest, repeat: number): ParameterRequest[] {
    const { count = 4, seed = request.seed } = this.#options;
    // Each repetition has seeds of its own: they count on from the last one's.
    return Array.from({ length: repeat }, (_, i) => ({
      ...request,
      ...(seed !== undefined && { seed: repeat > 1 ? (seed as number) + count * i : seed }),
    }));
  }
}

/** What follows from all parameters together. */
function finish(draft: Draft, { defaults, sizes }: RequestContext): void {
  const { settings, stepFactor, imageWeight, styleWeight, shares } = draft;
  const limit = (steps: number) => Math.min(1000, Math.max(1, Math.round(steps)));
  if (stepFactor !== 1 && !settings.fast) settings.steps = limit(defaults.steps * stepFactor);
  if (draft.isSmall && sizes.range && sizes.usual.width >= 768) settings.size = shrink(settings, sizes);
  weigh(settings, "imagePrompt", imageWeight, shares.imagePrompt);
  weigh(settings, "styleReference", styleWeight, shares.styleReference);
}

/** Three quarters of the sides, in multiples of 64. */
function shrink({ size }: ParameterSettings, { usual, range }: RequestContext["sizes"]): ImageSize {
  const { width, height } = (size as ImageSize | undefined) ?? usual;
  const toStep = (side: number) => Math.max(range!.least, Math.round((side * 0.75) / 64) * 64);
  return { width: toStep(width), height: toStep(height) };
}

/** @param weight Of each image; undefined: the model's own, which is 1 for all together. */
function weigh(
  settings: ParameterSettings,
  name: "imagePrompt" | "styleReference",
  weight: number | undefined,
  shares: readonly number[],
): void {
  const group = settings[name] as { readonly images: readonly string[] } | undefined;
  const isEven = shares.every((share) => share === shares[0]);
  if (!group || (weight === undefined && isEven)) return;
  const sum = shares.reduce((total, share) => total + share, 0);
  const all = (weight ?? 1 / shares.length) * shares.length;
  const weights = shares.map((share) => (isEven ? all / shares.length : (all * share) / sum));
  Object.assign(settings, { [name]: { ...group, weights: weights.map((one) => Number(one.toFixed(4))) } });
}

/**
 * Reads the parameters, permutations, weights and images of a prompt, and says what each does here. Never throws: what cannot be
 * honoured is in `faults`.
 * @param context The model's: what it takes, its sizes and its defaults.
 */
export function readPromptParameters(
  prompt: string,
  context: RequestContext,
  options: ParameterOptions = {},
): PromptReading {
  const reader = new Reader(context, options);
  let variants: readonly string[] = [prompt];
  try {
    variants = expandPermutations(prompt);
  } catch (error) {
    reader.faults.add(asFault(error));
  }
  const requests = variants.flatMap((variant) => reader.read(variant));
  if (requests.length > mostPermutations && variants.length > 1)
    reader.faults.add(
      `The prompt asks for ${requests.length} drawings, ${variants.length} prompts with repetitions; use at most ${mostPermutations}.`,
    );
  if (reader.models.size > 1)
    reader.faults.add("The prompts of the braces ask for different models; draw them one by one.");
  // Without any text, the request is for an image prompt of its own to complete, or to refuse.
  const isEmpty = (request: ParameterRequest) => request.prompt.trim() === "" && !request.imagePrompt;
  if (reader.hasParameters && requests.some(isEmpty))
    reader.faults.add("There is nothing to draw before the parameters.");
  const several =
    variants.length > 1 ? [`The braces in the prompt make ${variants.length} prompts; each is drawn.`] : [];
  return {
    requests,
    model: [...reader.models][0],
    notices: [...several, ...reader.notices],
    hasParameters: reader.hasParameters || variants.length > 1,
    parameters: [...reader.parameters.values()],
    faults: [...reader.faults],
  };
}

/**
 * Reads the parameters, permutations, weights and images of a prompt as Midjourney's users write them.
 * @param context The model's: what it takes, its sizes and its defaults.
 * @throws NishikiError "usage" with a sentence for each parameter that is unknown, out of range, or without a counterpart here
 *
 * @example
 * ```ts
 * import { openModel, parsePromptParameters } from "nishiki";
 *
 * const { context } = await openModel();
 * const { requests } = parsePromptParameters("a {red, blue} cat --no grass --seed 7", context);
 * console.log(requests.map(({ prompt, seed }) => `${prompt} ${seed}`)); // → [ 'a red cat 7', 'a blue cat 7' ]
 * ```
 */
export function parsePromptParameters(
  prompt: string,
  context: RequestContext,
  options: ParameterOptions = {},
): ParsedPrompt {
  const { requests, model, notices, hasParameters, faults } = readPromptParameters(prompt, context, options);
  if (faults.length > 0) throw new NishikiError("usage", faults.join("\n"));
  return { requests, model, notices, hasParameters };
}
