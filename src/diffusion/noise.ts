// The noise of a batch of images. Each image's noise comes from its own seed and the step alone, so that an image
// is the same in any batch, at any place in it.

import { random } from "../random/index.js";

/** Fresh standard normal noise for a step (0 is the first), as many numbers as the latents have; equal steps, equal noise. */
export type NoiseSource = (step: number) => Float32Array;

/** The noise that images with these seeds start from: [seeds.length, size], standard normal. */
export function getInitialNoise(seeds: readonly number[], size: number): Float32Array {
  return fill(seeds, size, ["initial noise"]);
}

/** The noise that stochastic samplers add at each step, for images of `size` numbers with these seeds. */
export function getNoiseSource(seeds: readonly number[], size: number): NoiseSource {
  return (step) => fill(seeds, size, ["step noise", step]);
}

function fill(seeds: readonly number[], size: number, stream: (number | string)[]): Float32Array {
  const out = new Float32Array(seeds.length * size);
  seeds.forEach((seed, i) => {
    random(seed, ...stream).fillNormals(out.subarray(i * size, (i + 1) * size));
  });
  return out;
}
