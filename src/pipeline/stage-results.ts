// Reads the result of the previous stage.
import { NishikiError } from "../errors.js";
import { fromBytes } from "./pixels.js";
import type { StageResult } from "./plan.js";

/** An image `[height, width, 3]` in [-1, 1]. */
export interface ImageValues {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** The numbers of a result. @throws NishikiError "internal" if it has none */
export function getValues(result: StageResult | undefined): Float32Array {
  if (result?.kind === "values") return result.data;
  throw new NishikiError(
    "internal",
    `Expected numbers from the previous stage, got ${result?.kind ?? "nothing"}.`,
  );
}

/** A result as an image in numbers, from pixels or numbers `[height, width, 3]`. @throws NishikiError "internal" */
export function getImageValues(result: StageResult | undefined): ImageValues {
  if (result?.kind === "pixels") {
    const { width, height, data } = result.pixels;
    return { width, height, data: fromBytes(data) };
  }
  const data = getValues(result);
  const [height, width, channels] = result?.kind === "values" ? result.shape : [];
  if (height !== undefined && width !== undefined && channels === 3) return { width, height, data };
  throw new NishikiError("internal", "Expected an image from the previous stage, got latents.");
}

/** The pixels of a result. @throws NishikiError "internal" if it has none */
export function getResultPixels(result: StageResult | undefined) {
  if (result?.kind === "pixels") return result.pixels;
  throw new NishikiError(
    "internal",
    `Expected pixels from the previous stage, got ${result?.kind ?? "nothing"}.`,
  );
}
