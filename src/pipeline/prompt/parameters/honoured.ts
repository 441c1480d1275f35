// Parameters that are honoured, each with what it does here.
import { NishikiError, nearestName, quote } from "../../../errors.js";
import type { FileRequest } from "../../image-request.js";
import { formatSize } from "../../request-values.js";
import {
  type Apply,
  expected,
  isImageName,
  isLink,
  needs,
  readFlag,
  readNumber,
  readWhole,
  refuse,
  splitShare,
} from "./draft.js";
import type { Parameter } from "./table.js";

const round = (value: number, digits: number) => Number(value.toFixed(digits));

/** Sides of this ratio with as many pixels as the usual size, in the steps that the model draws. */
const applyAspect: Apply = (value, { settings }, { context: { sizes } }) => {
  const { usual, range } = sizes;
  const [, across, down] = /^(\d{1,5}(?:\.\d+)?)\s*[:：x×/]\s*(\d{1,5}(?:\.\d+)?)$/.exec(value) ?? [];
  const ratio = Number(across) / Number(down);
  if (!(ratio >= 1 / 14 && ratio <= 14)) expected("ar", "a ratio such as 3:2, up to 14:1", value);
  if (!range) {
    if (ratio === 1) return `draws ${formatSize(usual)} pixels, as always`;
    throw refuse(
      "ar",
      `${value} is no square, and this model draws squares only. Leave it out, or choose another model.`,
    );
  }
  // Networks of this kind were trained on multiples of 64.
  const step = Math.max(range.step, 64);
  const round64 = (side: number) =>
    Math.min(range.most, Math.max(range.least, Math.round(side / step) * step));
  const area = usual.width * usual.height;
  const size = { width: round64(Math.sqrt(area * ratio)), height: round64(Math.sqrt(area / ratio)) };
  settings.size = size;
  return `draws ${formatSize(size)} pixels: the ratio at this model's number of pixels`;
};

const applyNo: Apply = (value, { settings, notices }, { context: { defaults } }) => {
  if (value === "") expected("no", "what the image should not show", value);
  settings.negativePrompt = [settings.negativePrompt, value].filter(Boolean).join(", ");
  if (defaults.guidance > 1) return "is the negative prompt";
  const why = "this model draws without guidance, which a negative prompt needs";
  notices.push(`--no has no effect: ${why}.`);
  return `has no effect: ${why}`;
};

/** Guidance is what a scale of style can move here: more style listens less to the prompt. */
const applyStylize: Apply = (value, { settings, notices }, { context: { defaults } }) => {
  const stylize = readNumber("stylize", value, 0, 1000);
  if (stylize === 100) return "changes nothing: 100 is the model as it is";
  if (defaults.guidance <= 1) {
    notices.push("--stylize has no effect: it moves the guidance, and this model draws without.");
    return "has no effect: it moves the guidance, and this model draws without";
  }
  const scale = round(1 + (defaults.guidance - 1) * 2 ** ((100 - stylize) / 400), 2);
  settings.guidance = scale;
  const why = `is a guidance scale of ${scale} here: this model has no style of its own to add`;
  notices.push(`--stylize ${value} ${why}.`);
  return why;
};

/** What each image strays from the prompt at chaos 100: more of it leaves nothing of the prompt. */
const mostSpread = 0.6;

const applyChaos: Apply = (value, { settings, notices }, help) => {
  const chaos = readNumber("chaos", value, 0, 100);
  if (chaos === 0) return "changes nothing: 0 is how images differ anyway";
  needs(help, "promptSpread", "chaos");
  settings.promptSpread = round((chaos / 100) * mostSpread, 4);
  const why = `lets each image stray from the prompt at random (prompt spread ${settings.promptSpread})`;
  notices.push(`--chaos ${value} ${why}.`);
  return why;
};

const applyWeird: Apply = (value, { settings, notices }, help) => {
  const weird = readNumber("weird", value, 0, 3000);
  if (weird === 0) return "changes nothing";
  needs(help, "cads", "weird");
  const scale = round(weird / 3000, 4);
  settings.cads = { scale, tau1: round(0.6 - 0.4 * scale, 4) };
  const why = `puts noise of ${scale} on the prompt in the first steps (CADS), which varies images at random`;
  notices.push(`--weird ${value} ${why}.`);
  return why;
};

const applyStop: Apply = (value, { settings }, help) => {
  const stop = readWhole("stop", value, 10, 100);
  if (stop === 100) return "changes nothing: all steps are drawn";
  needs(help, "stopAt", "stop");
  settings.stopAt = stop / 100;
  return `stops after ${stop}% of the steps and shows what the model predicts by then`;
};

const applyQuality: Apply = (value, draft, { context: { defaults } }) => {
  if (!["0.25", ".25", "0.5", ".5", "1", "2", "4"].includes(value))
    expected("quality", "0.25, 0.5, 1, 2 or 4", value);
  draft.stepFactor *= Number(value);
  return `draws ${Number(value)} times the usual ${defaults.steps} steps`;
};

const applyDraft: Apply = (value, draft, { context: { takes } }) => {
  readFlag("draft", value);
  if (takes.includes("fast")) {
    draft.settings.fast = true;
    return "draws with the model's settings for few steps (fast)";
  }
  draft.stepFactor *= 0.5;
  draft.isSmall = true;
  draft.notices.push(
    "--draft draws half the steps, and large models a smaller size: this one has no settings for few steps.",
  );
  return "draws half the steps, and large models a smaller size";
};

/** The models of --v and --niji are the user's own names for models that are here. */
const applyModel =
  (name: "v" | "niji"): Apply =>
  (value, draft, { aliases }) => {
    const called = `${name} ${value}`.trim();
    const model = Object.hasOwn(aliases, called) ? aliases[called] : undefined;
    if (model === undefined) {
      const near = nearestName(called, Object.keys(aliases));
      const cure = near
        ? `Did you mean --${near}?`
        : "Leave it out, choose a model (--model), or say which of yours it means (--aliases).";
      throw new NishikiError("usage", `--${called}: that model is Midjourney's, and not here. ${cure}`);
    }
    if (draft.model !== undefined && draft.model !== model)
      throw refuse(name, `${called} asks for a second model. Leave one of them out.`);
    draft.model = model;
    return `draws with ${model}, which you call ${quote(called)}`;
  };

const readImages = (name: string, value: string): ReturnType<typeof splitShare>[] => {
  const words = value.split(/\s+/).filter(Boolean).map(splitShare);
  const stranger = words.find((word) => !isImageName(word.name))?.name;
  if (words.length > 0 && stranger === undefined) return words;
  if (stranger !== undefined && isLink(stranger))
    throw refuse(name, "nothing is fetched from links; save the image, and name its file.");
  if (stranger !== undefined && /^(?:\d+|random)$/.test(stranger))
    throw refuse(
      name,
      `${stranger} is a code of Midjourney's, which means nothing here; name the file of an image.`,
    );
  return expected(name, "the file of an image", value);
};

const applyStyleImage: Apply = (value, { settings, shares }, help) => {
  const read = readImages("sref", value);
  const images = read.map(({ name }) => name);
  needs(help, "styleReference", "sref");
  const before = (settings.styleReference as { images?: readonly string[] } | undefined)?.images ?? [];
  settings.styleReference = { images: [...before, ...images] } as NonNullable<FileRequest["styleReference"]>;
  shares.styleReference.push(...read.map(({ share }) => share));
  return "takes the style of the image, and not what it shows";
};

export const honoured: readonly Parameter[] = [
  { names: ["aspect", "ar"], apply: applyAspect },
  { names: ["no"], apply: applyNo, isList: true },
  {
    names: ["seed"],
    apply: (value, { settings }) => {
      settings.seed = readWhole("seed", value, 0, Number.MAX_SAFE_INTEGER);
      return "is the seed of the first image";
    },
  },
  { names: ["chaos", "c"], apply: applyChaos },
  { names: ["weird", "w"], apply: applyWeird },
  { names: ["stop"], apply: applyStop },
  { names: ["quality", "q"], apply: applyQuality },
  {
    names: ["repeat", "r"],
    apply: (value, draft) => {
      draft.repeat = readWhole("repeat", value, 1, 40);
      return `draws it ${draft.repeat} times, with other seeds`;
    },
  },
  { names: ["stylize", "s"], apply: applyStylize },
  {
    names: ["tile"],
    apply: (value, { settings }, help) => {
      readFlag("tile", value);
      needs(help, "seamless", "tile");
      settings.seamless = true;
      return "makes the image tileable";
    },
  },
  {
    names: ["raw"],
    apply: (value) => {
      readFlag("raw", value);
      return "changes nothing: nothing is ever added to a prompt here";
    },
  },
  {
    names: ["style"],
    apply: (value) => {
      if (value === "raw") return "changes nothing: nothing is ever added to a prompt here";
      throw refuse(
        "style",
        "it has no counterpart here: its styles belong to Midjourney's models. Leave it out.",
      );
    },
  },
  { names: ["draft"], apply: applyDraft },
  { names: ["version", "v"], apply: applyModel("v") },
  { names: ["niji"], apply: applyModel("niji") },
  { names: ["sref"], apply: applyStyleImage, isList: true },
  {
    names: ["sw"],
    apply: (value, draft, help) => {
      const weight = readNumber("sw", value, 0, 1000);
      needs(help, "styleReference", "sw");
      draft.styleWeight = round(Math.min(1.5, weight * 0.006), 3);
      return `is a weight of ${draft.styleWeight} for the style image`;
    },
  },
  {
    names: ["iw"],
    apply: (value, draft, help) => {
      const weight = readNumber("iw", value, 0, 3);
      needs(help, "imagePrompt", "iw");
      draft.imageWeight = round(weight / 2, 3);
      return `is a weight of ${draft.imageWeight} for the images before the prompt`;
    },
  },
];
