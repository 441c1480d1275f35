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
  /** The optional settings and groups that this model supports. */
  readonly takes: readonly OptionalSetting[];
  /** Checks model-specific limits and combinations. @throws NishikiError "usage" */
  readonly check?: (settings: ImageSettings) => void;
}

/** The sizes that a model can draw. */
export interface ImageSizes {
  /** The default size; the only one unless `range` or `enlarging` is set. */
  readonly usual: ImageSize;
  /** Other sizes: both sides a multiple of `step`, from `least` to `most`. */
  readonly range?: { readonly step: number; readonly least: number; readonly most: number };
  /** Integer factors by which {@link usual} can be enlarged, and the methods. */
  readonly enlarging?: { readonly factors: readonly number[]; readonly ways: readonly UpscaleName[] };
}

export const isSameSize = (a: ImageSize, b: ImageSize) => a.width === b.width && a.height === b.height;

/** The factor that enlarges the usual size to this one; undefined if the model has no such factor. */
export function getEnlargingFactor({ usual, enlarging }: ImageSizes, size: ImageSize): number | undefined {
  return enlarging?.factors.find((factor) =>
    isSameSize({ width: usual.width * factor, height: usual.height * factor }, size),
  );
}

/** The size that the first diffusion draws, and so that of an init image: an enlarged image begins at the usual size. */
export const getDrawnSize = (sizes: ImageSizes, size: ImageSize): ImageSize =>
  getEnlargingFactor(sizes, size) === undefined ? size : sizes.usual;
