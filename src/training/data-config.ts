// The data of a run: composed scenes, or a folder of the user's images.
import {
  backgroundNames,
  colourNames,
  defaultMix,
  type SceneMix,
  type StyleName,
  sceneMix,
  sceneSize,
  styleNames,
  vocabulary,
} from "../data/index.js";
import { NishikiError, nearestName, quote } from "../errors.js";
import { explain, nonEmptyText, numberBetween, oneOf, wholeNumber, z } from "../schema/index.js";

const share = numberBetween(0, 1);

const allThings = vocabulary.map(({ name }) => name);
const isThing = new Set(allThings);

const thing = nonEmptyText.superRefine((name, context) => {
  if (isThing.has(name)) return;
  const nearest = nearestName(name, allThings);
  const cure =
    nearest === undefined
      ? `"nishiki data list" prints all ${allThings.length} things`
      : `did you mean "${nearest}"?`;
  const message = `expected a thing of the vocabulary, got ${quote(name)}; ${cure}${cure.endsWith("?") ? "" : "."}`;
  context.addIssue({ code: "custom", message, input: name });
});

const words = <const T extends readonly [string, ...string[]]>(names: T) => z.array(oneOf(names)).readonly();
const namesOf = <T extends string>(names: readonly T[]) => names as readonly [T, ...T[]];

const styleWeight = numberBetween(0, 1e6).optional();
const stylesSchema = z
  .strictObject(
    Object.fromEntries(styleNames.map((name) => [name, styleWeight])) as Record<
      StyleName,
      typeof styleWeight
    >,
  )
  .readonly();

/** `sceneMix` checks the names: a schema with every style and set would fill a thousand lines. */
const drawingsSchema = z
  .record(z.string(), z.record(z.string(), numberBetween(0, 1e6)).readonly())
  .readonly();

const mixSchema = z
  .strictObject({
    things: explain(
      z
        .union([z.literal("all").transform(() => allThings as readonly string[]), z.array(thing).readonly()])
        .default(defaultMix.things),
      'list of names from the vocabulary, or "all"',
      "the common ones",
    ),
    rarer: explain(share.default(defaultMix.rarer), "share of uncommon things, if the mix has both kinds"),
    styles: explain(
      stylesSchema.default(defaultMix.styles),
      "styles and their weights",
      JSON.stringify(defaultMix.styles),
    ),
    colours: explain(words(namesOf(colourNames)).default(defaultMix.colours), "colours"),
    backgrounds: explain(
      z
        .union([z.literal("all").transform(() => backgroundNames), words(namesOf(backgroundNames))])
        .default(defaultMix.backgrounds),
      'list of backgrounds, or "all"',
      "the first eleven",
    ),
    twoThings: explain(share.default(defaultMix.twoThings), "share of scenes with two things"),
    counts: explain(share.default(defaultMix.counts), "share of scenes with several of one thing"),
    small: explain(share.default(defaultMix.small), "share of small things"),
    recoloured: explain(share.default(defaultMix.recoloured), "share of recoloured things"),
    withBackground: explain(share.default(defaultMix.withBackground), "share of scenes with a background"),
    plainBackground: explain(
      share.default(defaultMix.plainBackground),
      "share of plain backgrounds among all backgrounds",
    ),
    positionJitter: explain(
      share.default(defaultMix.positionJitter),
      "maximum offset of a thing from its position",
    ),
    sizeJitter: explain(share.default(defaultMix.sizeJitter), "maximum variation in size"),
    manyThings: explain(share.optional(), "share of scenes with up to six things, default none"),
    mirrored: explain(share.optional(), "share of things that are mirrored, default none"),
    drawings: explain(
      drawingsSchema.optional(),
      "for each style, the sets that its things are drawn from and their weights",
    ),
    filters: explain(z.literal(2).optional(), "2: the second version of the filters"),
  })
  .transform((mix, context): SceneMix => {
    try {
      return sceneMix(mix);
    } catch (error) {
      if (!(error instanceof NishikiError)) throw error;
      context.addIssue({ code: "custom", message: error.message, input: mix });
      return z.NEVER;
    }
  });

const scenesSchema = z.strictObject({
  sprites: explain(nonEmptyText.default(".data/sprites"), 'folder written by "nishiki data build"'),
  mix: explain(mixSchema.prefault({}), "mix of scenes"),
  workers: explain(wholeNumber(0, 16).default(1), "number of threads that draw scenes"),
  size: explain(wholeNumber(64, 1024).default(sceneSize), "side of a scene in pixels"),
});

const folderSchema = z.strictObject({
  folder: explain(nonEmptyText, "folder of captioned images"),
  size: explain(wholeNumber(8, 4096).default(256), "side in pixels of the cropped and resized images"),
});

/** `{ "scenes": { sprites, mix, workers, size } }` or `{ "folder": path, "size": pixels }`. */
export const dataSchema = z
  .union([z.strictObject({ scenes: scenesSchema }), folderSchema])
  .meta({ expected: '{ "scenes": { … } } or { "folder": "path" }' });

export type DataConfig = z.infer<typeof dataSchema>;
export type ScenesConfig = z.infer<typeof scenesSchema>;
export type FolderConfig = z.infer<typeof folderSchema>;
