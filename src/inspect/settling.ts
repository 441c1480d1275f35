// When a drawing's structure and its detail are decided, from the predictions of its steps: structure is what is left of a picture
// in 16×16 blocks, detail is the rest.

import type { Pixels } from "../pipeline/index.js";
import { checkSizes } from "./image-statistics.js";

/** Shares of the final picture that are there already, 0 to 1. */
export interface Settled {
  readonly structure: number;
  readonly detail: number;
}

const blocks = 16;

interface Split {
  /** Means of the blocks. */
  readonly coarse: Float64Array;
  /** What each pixel differs from the mean of its block. */
  readonly fine: Float64Array;
}

function split({ width, height, channels, data }: Pixels): Split {
  const coarse = new Float64Array(blocks * blocks * channels);
  const counts = new Float64Array(coarse.length);
  const placeOf = (i: number) => {
    const pixel = Math.floor(i / channels);
    const row = Math.floor((Math.floor(pixel / width) * blocks) / height);
    const column = Math.floor(((pixel % width) * blocks) / width);
    return (row * blocks + column) * channels + (i % channels);
  };
  for (let i = 0; i < data.length; i++) {
    coarse[placeOf(i)]! += data[i]!;
    counts[placeOf(i)]! += 1;
  }
  for (let i = 0; i < coarse.length; i++) coarse[i]! /= Math.max(1, counts[i]!);
  return { coarse, fine: Float64Array.from(data, (value, i) => value - coarse[placeOf(i)]!) };
}

/** The share of the variance of `last` that `now` explains, 0 to 1. */
function explain(now: Float64Array, last: Float64Array): number {
  const mean = last.reduce((a, b) => a + b, 0) / last.length;
  let [error, variance] = [0, 0];
  for (let i = 0; i < last.length; i++) {
    error += (now[i]! - last[i]!) ** 2;
    variance += (last[i]! - mean) ** 2;
  }
  return variance === 0 ? 1 : Math.max(0, 1 - error / variance);
}

/**
 * Measures, for each of a drawing's predictions, how much of the last one is there.
 * @throws NishikiError "shape" for images of different sizes
 */
export function measureSettling(images: readonly Pixels[]): readonly Settled[] {
  if (images.length === 0) return [];
  checkSizes(images);
  const last = split(images.at(-1)!);
  return images.map((image) => {
    const now = split(image);
    return { structure: explain(now.coarse, last.coarse), detail: explain(now.fine, last.fine) };
  });
}
