// A model's limits and defaults, as its family declares them: supported settings, sizes and default values.
import type { ImageSettings, OptionalSetting, UpscaleName } from "./image-request.js";
import type { RandomName } from "./noise.js";
import type { ImageSize } from "./request-values.js";

/** A model's defaults for a request. */
export interface RequestDefaults {
  readonly steps: number;
  readonly guidance: number;
  readonly sampler: string;
  readonly schedule?: string;
  readonly rng?: RandomName;
}

/** The settings that a model supports, and their defaults. */
export interface RequestContext {
  readonly defaults: RequestDefaults;
  /** The defaults of requests with `fast`. */
  readonly fast?: RequestDefaults;
  readonly sizes: ImageSizes;
  /** A cascade's sizes where only its first stages are drawn, by their number, from one stage on. The last are `sizes`. */
  readonly stageSizes?: readonly ImageSizes[];
  /** Whether a request must have an init image, which the model enlarges; its prompt may be empty. */
  readonly needsInit?: boolean;
  /** The optional settings and groups that this model supports. */
  readonly takes: readonly OptionalSetting[];
  /** What would make the model support a setting that it does not: how a sentence goes on. */
  readonly cures?: Readonly<Partial<Record<OptionalSetting, string>>>;
  /** Whether prompts may have several weighted parts, joined by AND. Default: AND is a word. */
  readonly composesPrompts?: boolean;
  /** Checks model-specific limits and combinations. @throws NishikiError "usage" */
  readonly check?: (settings: ImageSettings) => void;
}

/** The sizes that a model can draw. */
export interface ImageSizes {
  /** The default size; the only one unless `range` or `enlarging` is set. */
  readonly usual: ImageSize;
  /** Other sizes: both sides a multiple of `step`, from `least` to `most`. */
  readonly range?: { readonly step: number; readonly least: number; readonly most: number };
  /** How many times larger than its init image an image is, per side. Default 1. */
  readonly initScale?: number;
  /** The same where all stages begin with it: an image with a mask, or with a strength for super-resolution. Default: `initScale`. */
  readonly wholeInitScale?: number;
  /** Integer factors by which {@link usual} can be enlarged, and the methods. */
  readonly enlarging?: { readonly factors: readonly number[]; readonly ways: readonly UpscaleName[] };
}

/** The sizes of a request that draws so many stages. */
export const getStageSizes = (
  { sizes, stageSizes }: Pick<RequestContext, "sizes" | "stageSizes">,
  stages: number | undefined,
): ImageSizes => (stages === undefined ? sizes : (stageSizes?.[stages - 1] ?? sizes));

export const isSameSize = (a: ImageSize, b: ImageSize) => a.width === b.width && a.height === b.height;

/** The factor that enlarges the usual size to this one; undefined if the model has no such factor. */
export function getEnlargingFactor({ usual, enlarging }: ImageSizes, size: ImageSize): number | undefined {
  return enlarging?.factors.find((factor) =>
    isSameSize({ width: usual.width * factor, height: usual.height * factor }, size),
  );
}

/** What a request does with its init image. */
export interface InitUse {
  readonly inpaint?: unknown;
  readonly superResolution?: { readonly strength?: unknown } | undefined;
}

/** Whether all stages of a cascade begin with the init image, and not the first alone. */
export const usesInitInAllStages = ({ inpaint, superResolution }: InitUse): boolean =>
  inpaint !== undefined || superResolution?.strength !== undefined;

/** How many times larger than its init image an image is. */
export const getInitScale = (
  { initScale = 1, wholeInitScale = initScale }: ImageSizes,
  use: InitUse,
): number => (usesInitInAllStages(use) ? wholeInitScale : initScale);

/** The size that the first diffusion draws, and so that of an init image: an enlarged image begins smaller. */
export function getDrawnSize(sizes: ImageSizes, size: ImageSize, use: InitUse = {}): ImageSize {
  const { usual } = sizes;
  const initScale = getInitScale(sizes, use);
  if (getEnlargingFactor(sizes, size) !== undefined) return usual;
  return initScale === 1 ? size : { width: size.width / initScale, height: size.height / initScale };
}
