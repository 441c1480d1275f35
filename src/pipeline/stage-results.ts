// Reading what the stage before gave.
import { NishikiError } from "../errors.js";
import { fromBytes } from "./pixels.js";
import type { StageResult } from "./plan.js";

/** An image `[height, width, 3]` in [-1, 1]. */
export interface ImageValues {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** The numbers of a stage that gives numbers. @throws NishikiError "internal" */
export function valuesOf(result: StageResult | undefined): Float32Array {
  if (result?.kind === "values") return result.data;
  throw new NishikiError(
    "internal",
    `Expected numbers of the stage before, got ${result?.kind ?? "nothing"}.`,
  );
}

/** An image as numbers, from pixels or from numbers `[height, width, 3]`. @throws NishikiError "internal" */
export function toValues(result: StageResult | undefined): ImageValues {
  if (result?.kind === "pixels") {
    const { width, height, data } = result.pixels;
    return { width, height, data: fromBytes(data) };
  }
  const data = valuesOf(result);
  const [height, width, channels] = result?.kind === "values" ? result.shape : [];
  if (height !== undefined && width !== undefined && channels === 3) return { width, height, data };
  throw new NishikiError("internal", "Expected an image of the stage before, got latents.");
}

/** The pixels of a stage that gives pixels. @throws NishikiError "internal" */
export function pixelsOf(result: StageResult | undefined) {
  if (result?.kind === "pixels") return result.pixels;
  throw new NishikiError(
    "internal",
    `Expected pixels of the stage before, got ${result?.kind ?? "nothing"}.`,
  );
}
