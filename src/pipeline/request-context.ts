// What a family says of its models: which settings they take, which sizes they draw, and what suits them.
import type { ImageSettings, OptionalSetting, UpscaleName } from "./image-request.js";
import type { RandomName } from "./noise.js";
import type { ImageSize } from "./request-values.js";

/** What suits a model where a request leaves it open. */
export interface RequestDefaults {
  readonly steps: number;
  readonly guidance: number;
  readonly sampler: string;
  readonly schedule?: string;
  readonly rng?: RandomName;
}

/** What may be asked of a model, and what it does where it is not asked. */
export interface RequestContext {
  readonly defaults: RequestDefaults;
  /** The defaults of requests with `fast`. */
  readonly fast?: RequestDefaults;
  readonly sizes: ImageSizes;
  /** The settings and groups that this model takes besides those of every model. */
  readonly takes: readonly OptionalSetting[];
  /** The model's own limits, and what goes together in it. @throws NishikiError "usage" */
  readonly check?: (settings: ImageSettings) => void;
}

/** The sizes that a model draws. */
export interface ImageSizes {
  /** The default; the only one without `range` and `enlarging`. */
  readonly usual: ImageSize;
  /** Other sizes: both sides a multiple of `step`, from `least` to `most`. */
  readonly range?: { readonly step: number; readonly least: number; readonly most: number };
  /** Whole factors by which {@link usual} can be enlarged, and how. */
  readonly enlarging?: { readonly factors: readonly number[]; readonly ways: readonly UpscaleName[] };
}

export const isSameSize = (a: ImageSize, b: ImageSize) => a.width === b.width && a.height === b.height;

/** The factor by which a size is the usual one enlarged, if the model enlarges to it. */
export function getEnlargingFactor({ usual, enlarging }: ImageSizes, size: ImageSize): number | undefined {
  return enlarging?.factors.find((factor) =>
    isSameSize({ width: usual.width * factor, height: usual.height * factor }, size),
  );
}
