// The noise of a batch of images. An image's noise depends only on its seed and the step, so the image is the
// same in any batch and at any position.

import { random } from "../random/index.js";

/**
 * Makes standard normal noise for a step (0 is the first), one number per latent; the same step gives the
 * same noise.
 */
export type NoiseSource = (step: number) => Float32Array;

/** Makes the initial noise of images with these seeds: [seeds.length, size], standard normal. */
export function getInitialNoise(seeds: readonly number[], size: number): Float32Array {
  return fill(seeds, size, ["initial noise"]);
}

/**
 * Makes the noise that stochastic samplers add at each step, for images of `size` numbers with these seeds.
 */
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
