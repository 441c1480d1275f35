// The sets of drawings that scenes are made of: npm packages (development dependencies) whose licences allow
// a trained model to be shipped. One row per set; all are keyed by the emoji they draw, so one name gives one
// thing in many styles. Share-alike sets (OpenMoji) are left out on purpose.

import { unknownName } from "../errors.js";

/** Names of the sets, which are also the names of the styles that they draw in. */
export type SetName = "3d" | "flat" | "silhouette" | "noto" | "blob" | "sticker" | "outlined" | "doodle";

/** Source of a style's drawings. */
export interface SpriteSet {
  readonly name: SetName;
  readonly packageName: string;
  /** `webp`: one file per code point. `iconify`: one JSON file of SVG bodies. */
  readonly kind: "webp" | "iconify";
  /** SPDX identifier. */
  readonly licence: string;
  readonly attribution: string;
  /** Things whose drawing in this set shows something else: a piano's keyboard, a program's window. */
  readonly leaveOut?: readonly string[];
}

export const spriteSets: readonly SpriteSet[] = [
  {
    name: "3d",
    packageName: "@lobehub/fluent-emoji-3d",
    kind: "webp",
    licence: "MIT",
    attribution: "Fluent Emoji by Microsoft Corporation, packaged by LobeHub",
  },
  {
    name: "flat",
    packageName: "@iconify-json/fluent-emoji-flat",
    kind: "iconify",
    licence: "MIT",
    attribution: "Fluent Emoji by Microsoft Corporation",
  },
  {
    name: "silhouette",
    packageName: "@iconify-json/fluent-emoji-high-contrast",
    kind: "iconify",
    licence: "MIT",
    attribution: "Fluent Emoji by Microsoft Corporation",
  },
  {
    name: "noto",
    packageName: "@iconify-json/noto",
    kind: "iconify",
    licence: "Apache-2.0",
    attribution: "Noto Emoji by Google Inc",
  },
  {
    name: "blob",
    packageName: "@iconify-json/noto-v1",
    kind: "iconify",
    licence: "Apache-2.0",
    attribution: "Noto Emoji (version 1) by Google Inc",
  },
  {
    name: "sticker",
    packageName: "@iconify-json/twemoji",
    kind: "iconify",
    licence: "CC-BY-4.0",
    attribution: "Twemoji by Twitter, Inc and other contributors",
  },
  {
    name: "outlined",
    packageName: "@iconify-json/emojione",
    kind: "iconify",
    licence: "CC-BY-4.0",
    attribution: "EmojiOne 2.3 by Emoji One, kept by EmojiTwo",
  },
  {
    name: "doodle",
    packageName: "@iconify-json/fxemoji",
    kind: "iconify",
    licence: "Apache-2.0",
    attribution: "FxEmojis by Mozilla",
    leaveOut: ["keyboard", "window", "dice", "train"],
  },
];

/** Gets a set by name. Throws `usage` for unknown names. */
export function spriteSetNamed(name: string): SpriteSet {
  const set = spriteSets.find((each) => each.name === name);
  if (set === undefined) {
    throw unknownName(
      "sprite set",
      name,
      spriteSets.map((set) => set.name),
    );
  }
  return set;
}
