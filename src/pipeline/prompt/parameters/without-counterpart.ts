// Parameters without a counterpart, and why.
import { type Apply, refuse } from "./draft.js";
import type { Parameter } from "./table.js";

const because =
  (name: string, reason: string): Apply =>
  () => {
    throw refuse(name, `it has no counterpart here: ${reason}. Leave it out.`);
  };

const reasons: readonly (readonly [names: readonly string[], reason: string])[] = [
  [["exp"], "it belongs to Midjourney's models; --stylize moves the guidance"],
  [["sv"], "there is one way to take a style from an image; choose the image with --sref FILE"],
  [
    ["cref", "cw"],
    "no model here recognises a character; --image-prompt takes all of an image, and a LoRA learns a character from several",
  ],
  [
    ["oref", "ow"],
    "no model here takes an object from one image; --image-prompt takes all of an image, and a LoRA learns an object from several",
  ],
  [["edit"], "no model here edits by instruction; draw into a part of an image with --image and --mask"],
  [
    ["profile", "personalize", "p"],
    "there is no profile of what you like; train a LoRA on images that you like, and name it with <lora:name>",
  ],
  [
    [
      "test",
      "testp",
      "beta",
      "creative",
      "hq",
      "sameseed",
      "uplight",
      "upbeta",
      "upanime",
      "newclip",
      "nostretch",
    ],
    "it belongs to earlier versions of Midjourney's models",
  ],
  [["zoom"], "a prompt draws one whole image; nishiki zoom PICTURE draws more around one"],
  [["hd", "sd"], "a model draws the size that --size says, and --upscale enlarges it"],
];

export const refused: readonly Parameter[] = reasons.flatMap(([names, reason]) =>
  names.map((name) => ({ names: [name], apply: because(name, reason) })),
);

/** Parameters of Midjourney's service, which change no picture. */
export const service: readonly string[] = [
  "fast",
  "relax",
  "turbo",
  "stealth",
  "public",
  "video",
  "motion",
  "loop",
  "end",
  "bs",
];
