// Midjourney's way of working: from one picture to four more. Each function makes the job that one button asks for.
import type { DrawJobRequest, JobLoad, ModelInfo, StoredImage } from "../../src/server/api/index.js";

type Settings = Readonly<Record<string, unknown>>;

/** What a picture was drawn from: its settings with images by their ids, what was loaded, and its model. */
export interface Source {
  readonly image: Pick<StoredImage, "id" | "width" | "height" | "seed">;
  readonly settings: Settings;
  readonly load: JobLoad;
  /** Undefined if it is not in the catalogue any more. */
  readonly model: Pick<ModelInfo, "id" | "takes" | "sizes"> | undefined;
}

/** Pictures in a grid. */
const inGrid = 4;

/** How far a variation moves: the share of another noise, and the share of the steps that start again from the picture. */
const distances = {
  "vary-subtle": { variation: 0.15, strength: 0.4 },
  "vary-strong": { variation: 0.45, strength: 0.7 },
} as const;

const without = (settings: Settings, ...names: readonly string[]): Settings =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !names.includes(name)));

const makeJob = (
  { image, load, model }: Source,
  action: NonNullable<DrawJobRequest["parent"]>["action"],
  request: Settings,
): DrawJobRequest => ({
  kind: "draw",
  request: request as DrawJobRequest["request"],
  load,
  parent: { image: image.id, action },
  ...(model && { model: model.id }),
});

/** Another four with the same settings and other seeds. */
export const makeMore = (source: Source): DrawJobRequest =>
  makeJob(source, "again", { ...without(source.settings, "seed", "variation"), count: inGrid });

/**
 * Four variations: the same noise mixed with a little of another, so that the composition stays. A picture that is a
 * variation already, that was painted into, or whose model cannot mix, is drawn again from itself instead.
 */
export function makeVariations(
  source: Source,
  action: keyof typeof distances,
  draw: () => number,
): DrawJobRequest | undefined {
  const { settings, model, image } = source;
  const takes = model?.takes ?? [];
  const { variation, strength } = distances[action];
  const isPlain = settings.variation === undefined && settings.inpaint === undefined;
  if (isPlain && takes.includes("variation"))
    return makeJob(source, action, {
      ...settings,
      count: inGrid,
      variation: { seed: draw(), strength: variation },
    });
  if (!takes.includes("init")) return undefined;
  const start = without(
    settings,
    "seed",
    "variation",
    "inpaint",
    "size",
    "upscale",
    "upscaleSampler",
    "fast",
  );
  return makeJob(source, action, { ...start, count: inGrid, init: { image: image.id, strength } });
}

/** What "remix" puts into the prompt bar: everything but the seed. */
export const getRemix = ({ settings }: Source): Settings => without(settings, "seed", "variation", "count");

/** The factors by which a model draws larger by itself, such as 2 and 4. */
function getFactors(sizes: Settings): readonly number[] {
  const enlarging = sizes.enlarging as { readonly factors?: readonly number[] } | undefined;
  return enlarging?.factors ?? [];
}

/**
 * The same picture drawn larger by the model itself, which adds detail: the same seed and settings at a multiple of the
 * size. Undefined where the model cannot; then a filter enlarges the file.
 */
export function makeLarger(source: Source, factor: number): DrawJobRequest | undefined {
  const { settings, model, image } = source;
  const usual = model?.sizes.usual as { readonly width: number; readonly height: number } | undefined;
  const isUsual = usual?.width === image.width && usual.height === image.height;
  if (!model || !isUsual || settings.init !== undefined || !getFactors(model.sizes).includes(factor))
    return undefined;
  const size = { width: image.width * factor, height: image.height * factor };
  return makeJob(source, "enlarge", { ...without(settings, "upscale"), count: 1, size });
}
