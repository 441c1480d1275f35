// Prompts as Midjourney's users write them: "a cat --ar 3:2 --no grass --seed 7", and permutations, "a {red, green} cat". Each
// parameter becomes the settings that come closest here; what has no counterpart is refused with the reason. A prompt that
// merely contains two dashes is left alone.
import { NishikiError, unknownName } from "../../errors.js";
import type { ImageRequest } from "../image-request.js";
import type { RequestContext } from "../request-context.js";

/** A request from a prompt with parameters. */
export type ParameterRequest = Readonly<Partial<ImageRequest>> & { readonly prompt: string };

export interface ParsedPrompt {
  /** One for each permutation and repetition. */
  readonly requests: readonly ParameterRequest[];
  /** What is done differently here, one sentence each. */
  readonly notices: readonly string[];
  /** Whether the prompt had any parameter or permutation. */
  readonly hasParameters: boolean;
}

interface Draft {
  readonly settings: { -readonly [K in keyof ImageRequest]?: ImageRequest[K] };
  readonly notices: string[];
  repeat: number;
}

type Apply = (value: string, draft: Draft, context: RequestContext) => void;

/** A parameter that is honoured. */
interface Parameter {
  readonly names: readonly string[];
  readonly apply: Apply;
}

function refuse(name: string, expected: string, value: string): never {
  throw new NishikiError("usage", `--${name}: expected ${expected}, got "${value}".`);
}

function readNumber(name: string, value: string, from: number, to: number): number {
  const number = /^-?(?:\d+\.?\d*|\.\d+)$/.test(value) ? Number(value) : Number.NaN;
  return number >= from && number <= to ? number : refuse(name, `a number from ${from} to ${to}`, value);
}

const readWhole = (name: string, value: string, from: number, to: number): number =>
  Number.isInteger(Number(value))
    ? readNumber(name, value, from, to)
    : refuse(name, `a whole number from ${from} to ${to}`, value);

/** Sides of this ratio with as many pixels as the usual size, in the steps that the model draws. */
const applyAspect: Apply = (value, { settings }, { sizes: { usual, range } }) => {
  const [, across, down] = /^(\d{1,5})\s*[:x]\s*(\d{1,5})$/.exec(value) ?? [];
  const ratio = Number(across) / Number(down);
  if (!(ratio >= 1 / 14 && ratio <= 14)) refuse("ar", "a ratio such as 3:2, up to 14:1", value);
  if (!range) {
    if (ratio === 1) return;
    throw new NishikiError(
      "usage",
      `--ar ${value}: this model draws squares only. Leave it out, or choose another model.`,
    );
  }
  // Networks of this kind were trained on multiples of 64.
  const step = Math.max(range.step, 64);
  const round = (side: number) => Math.min(range.most, Math.max(range.least, Math.round(side / step) * step));
  const area = usual.width * usual.height;
  settings.size = { width: round(Math.sqrt(area * ratio)), height: round(Math.sqrt(area / ratio)) };
};

const needs = (context: RequestContext, setting: string, parameter: string): void => {
  if ((context.takes as readonly string[]).includes(setting)) return;
  throw new NishikiError(
    "usage",
    `--${parameter}: this model does not support it. Leave it out, or choose another model.`,
  );
};

/** Guidance is what a scale of style can move here: more style listens less to the prompt. */
const applyStylize: Apply = (value, { settings, notices }, { defaults: { guidance } }) => {
  const stylize = readNumber("stylize", value, 0, 1000);
  if (stylize === 100) return;
  const scale = Number((1 + (guidance - 1) * 2 ** ((100 - stylize) / 400)).toFixed(2));
  settings.guidance = scale;
  notices.push(
    `--stylize ${value} is a guidance scale of ${scale} here: this model has no style of its own to add.`,
  );
};

const parameters: readonly Parameter[] = [
  { names: ["ar", "aspect"], apply: applyAspect },
  {
    names: ["no"],
    apply: (value, { settings, notices }, { defaults }) => {
      if (value === "") refuse("no", "what the image should not show", value);
      settings.negativePrompt = [settings.negativePrompt, value].filter(Boolean).join(", ");
      if (defaults.guidance <= 1)
        notices.push("--no has no effect: this model draws without guidance, which a negative prompt needs.");
    },
  },
  {
    names: ["seed"],
    apply: (value, { settings }) => {
      settings.seed = readWhole("seed", value, 0, Number.MAX_SAFE_INTEGER);
    },
  },
  {
    names: ["chaos", "c"],
    apply: (value, { settings, notices }, context) => {
      const chaos = readNumber("chaos", value, 0, 100);
      needs(context, "variation", "chaos");
      const strength = Number((0.3 + 0.007 * chaos).toFixed(3));
      settings.variation = { ...settings.variation, strength };
      notices.push(`--chaos ${value} draws variations of one image, at a strength of ${strength}.`);
    },
  },
  {
    names: ["quality", "q"],
    apply: (value, { settings }, { defaults: { steps } }) => {
      if (!["0.25", ".25", "0.5", ".5", "1", "2", "4"].includes(value))
        refuse("quality", "0.25, 0.5, 1, 2 or 4", value);
      settings.steps = Math.max(1, Math.round(steps * Number(value)));
    },
  },
  {
    names: ["repeat", "r"],
    apply: (value, draft) => {
      draft.repeat = readWhole("repeat", value, 1, 40);
    },
  },
  { names: ["stylize", "s"], apply: applyStylize },
  {
    names: ["tile"],
    apply: (_, { settings }, context) => {
      needs(context, "seamless", "tile");
      settings.seamless = true;
    },
  },
  // Nothing is ever added to a prompt here.
  { names: ["raw"], apply: () => {} },
  {
    names: ["style"],
    apply: (value) => {
      if (value !== "raw") throw noCounterpart("style", "its styles belong to Midjourney's models");
    },
  },
  {
    names: ["draft"],
    apply: (_, { settings, notices }, { takes, defaults }) => {
      if (takes.includes("fast")) settings.fast = true;
      else {
        settings.steps = Math.max(1, Math.round(defaults.steps / 2));
        notices.push(`--draft draws ${settings.steps} steps: this model has no faster network.`);
      }
    },
  },
];

/** Parameters without a counterpart, and why. */
const refused: Readonly<Record<string, string>> = {
  v: "it names a version of Midjourney's models, which are not here; choose a model with --model",
  version: "it names a version of Midjourney's models, which are not here; choose a model with --model",
  niji: "it names one of Midjourney's models, which are not here; choose a model with --model",
  stop: "every image is drawn to its last step",
  weird: "there is no measure of the unusual to move away from",
  w: "there is no measure of the unusual to move away from",
  exp: "it belongs to Midjourney's models",
  iw: "images are not prompts here; use --image and --strength",
  sref: "no model here takes a style from an image; train a LoRA on images of the style",
  sw: "no model here takes a style from an image",
  sv: "no model here takes a style from an image",
  cref: "no model here takes a character from an image; train a LoRA on images of it",
  cw: "no model here takes a character from an image",
  oref: "no model here takes an object from an image; train a LoRA on images of it",
  ow: "no model here takes an object from an image",
  p: "there is no profile; train a LoRA on images that you like",
  profile: "there is no profile; train a LoRA on images that you like",
  hd: "choose the size with --size",
  sd: "choose the size with --size",
};

/** Parameters of Midjourney's service, which change no picture. */
const service = ["fast", "relax", "turbo", "stealth", "public", "video", "motion", "loop", "end", "bs"];

const noCounterpart = (name: string, reason: string) =>
  new NishikiError("usage", `--${name} has no counterpart here: ${reason}. Leave it out.`);

const findParameter = (name: string) => parameters.find(({ names }) => names.includes(name));
const allNames = [...parameters.flatMap(({ names }) => names), ...Object.keys(refused), ...service];

/** Two dashes, or the one long dash that phones make of them, before a letter. */
const dashes = /(?:^|\s)(?:--|[–—])(?=[a-z])/i;

interface Tail {
  readonly text: string;
  readonly parameters: readonly { readonly name: string; readonly value: string }[];
}

/** Splits off the parameters at the end; a prompt whose first word after dashes is no parameter has none. */
function splitParameters(prompt: string): Tail {
  const [text = "", ...parts] = prompt.split(dashes);
  const all = parts.map((part) => {
    const [, name = "", value = ""] = /^([a-z]+)\s*([\s\S]*)$/i.exec(part) ?? [];
    return { name: name.toLowerCase(), value: value.trim().replace(/^=\s*/, "") };
  });
  const isKnown = all.some(({ name }) => allNames.includes(name));
  return isKnown ? { text: text.trim(), parameters: all } : { text: prompt, parameters: [] };
}

const mostPermutations = 40;

/** The outermost braces with a comma in them: where they begin and end, and their options. */
function findBraces(text: string): { start: number; end: number; options: string[] } | undefined {
  const open: { readonly start: number; readonly commas: number[] }[] = [];
  let found: { start: number; end: number; options: string[] } | undefined;
  for (let i = 0; i < text.length; i++) {
    const sign = text[i]!;
    if (sign === "\\") i++;
    else if (sign === "{") open.push({ start: i, commas: [] });
    else if (sign === ",") open.at(-1)?.commas.push(i);
    else if (sign === "}" && open.length > 0) {
      const { start, commas } = open.pop()!;
      if (commas.length === 0 || (found && found.start < start)) continue;
      const cuts = [start, ...commas, i];
      const options = cuts.slice(1).map((cut, k) => text.slice(cuts[k]! + 1, cut).trim());
      found = { start, end: i + 1, options };
      if (open.length === 0) return found;
    }
  }
  return found;
}

/** "a {red, green} cat" → both; braces without a comma are left alone. "\\," is a comma within an option. */
function expandBraces(text: string): string[] {
  const braces = findBraces(text);
  if (!braces) return [text];
  const expanded: string[] = [];
  for (const option of braces.options) {
    const replaced = `${text.slice(0, braces.start)}${option.replaceAll("\\,", ",")}${text.slice(braces.end)}`;
    expanded.push(...expandBraces(replaced));
    if (expanded.length > mostPermutations)
      throw new NishikiError(
        "usage",
        `The prompt has more than ${mostPermutations} permutations; use fewer.`,
      );
  }
  return expanded;
}

function parseOne(
  prompt: string,
  context: RequestContext,
): { requests: ParameterRequest[]; notices: string[] } {
  const { text, parameters: tail } = splitParameters(prompt);
  const draft: Draft = { settings: {}, notices: [], repeat: 1 };
  if (tail.length > 0 && /\S::/.test(text))
    throw noCounterpart(
      "::",
      "parts of a prompt have no weights of their own; for Stable Diffusion, write (word:1.3)",
    );
  for (const { name, value } of tail) {
    const parameter = findParameter(name);
    if (parameter) parameter.apply(value, draft, context);
    else if (service.includes(name))
      draft.notices.push(`--${name} belongs to Midjourney's service and changes nothing here.`);
    else if (Object.hasOwn(refused, name)) throw noCounterpart(name, refused[name]!);
    else
      throw unknownName(
        "parameter",
        `--${name}`,
        allNames.map((known) => `--${known}`),
      );
  }
  const { seed } = draft.settings;
  const requests = Array.from({ length: draft.repeat }, (_, i) => ({
    ...draft.settings,
    prompt: text,
    // Each repetition has seeds of its own: a request of Midjourney's draws four.
    ...(seed !== undefined && { seed: seed + 4 * i }),
  }));
  return { requests, notices: draft.notices };
}

/**
 * Reads the parameters and permutations of a prompt as Midjourney's users write them.
 * @param context The model's: what it takes, its sizes and its defaults.
 * @throws NishikiError "usage" for a parameter that is unknown, out of range, or without a counterpart here
 */
export function parsePromptParameters(prompt: string, context: RequestContext): ParsedPrompt {
  const variants = expandBraces(prompt);
  const parsed = variants.map((variant) => parseOne(variant, context));
  const requests = parsed.flatMap((one) => one.requests);
  const hasParameters = variants.length > 1 || splitParameters(prompt).parameters.length > 0;
  const several =
    variants.length > 1 ? [`The braces in the prompt make ${variants.length} prompts; each is drawn.`] : [];
  const notices = [...several, ...new Set(parsed.flatMap((one) => one.notices))];
  return { requests, notices, hasParameters };
}
