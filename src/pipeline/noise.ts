// The random numbers of one picture, from whichever generator its seed is meant for.
//
// Nishiki's own numbers are addressed by what they are for; PyTorch's come one after another from one generator, so that
// there the order of the calls is what makes a seed of another program give that program's picture: what an encoder needs,
// then the noise that drawing begins with, then each step's (as in diffusers' pipelines).
import { getInitialNoise, getNoiseSource, type NoiseSource } from "../diffusion/index.js";
import { sizeOf } from "../graph/index.js";
import { makeTorchCpu, makeTorchCuda, random } from "../random/index.js";

/** The generators that a seed may be meant for. */
export const randomNames = ["nishiki", "torch-cpu", "torch-cuda"] as const;
export type RandomName = (typeof randomNames)[number];

/** What the numbers are for. */
export type NoisePurpose = "image" | "masked image";

export interface PictureNoise {
  /** Standard normals for an encoder's latents, in the shape of latents. */
  encoding(purpose: NoisePurpose): Float32Array;
  /** What drawing begins with, in the shape of latents. */
  initial(): Float32Array;
  /** What samplers add on the way. */
  readonly steps: NoiseSource;
}

/** The noise of one picture with latents of `shape`. */
export function makePictureNoise(rng: RandomName, seed: number, shape: readonly number[]): PictureNoise {
  const size = sizeOf(shape);
  if (rng !== "nishiki") {
    const generator = rng === "torch-cpu" ? makeTorchCpu(seed) : makeTorchCuda(seed);
    const next = () => generator.normals(size);
    return { encoding: next, initial: next, steps: next };
  }
  return {
    encoding: (purpose) => random(seed, "encoding", purpose).normals(size),
    initial: () => getInitialNoise([seed], size),
    steps: getNoiseSource([seed], size),
  };
}

/**
 * Between two noises, on the arc that keeps their length: `share` 0 is the first, 1 the second. As
 * stable-diffusion-webui does it: columns of a channel by themselves.
 * @param shape Of the latents, [a, b, c]; lengths are those along b.
 */
export function mixNoise(
  first: Float32Array,
  second: Float32Array,
  share: number,
  [a, b, c]: readonly [number, number, number],
): Float32Array {
  const arcs = new Float64Array(a * c);
  const at = (i: number, j: number, k: number) => (i * b + j) * c + k;
  for (let i = 0; i < a; i++) {
    for (let k = 0; k < c; k++) {
      let [dot, one, two] = [0, 0, 0];
      for (let j = 0; j < b; j++) {
        const [x, y] = [first[at(i, j, k)]!, second[at(i, j, k)]!];
        dot += x * y;
        one += x * x;
        two += y * y;
      }
      arcs[i * c + k] = dot / Math.sqrt(one * two);
    }
  }
  const isOneLine = arcs.reduce((sum, arc) => sum + arc, 0) / arcs.length > 0.9995;
  return first.map((x, index) => {
    const y = second[index]!;
    if (isOneLine) return (1 - share) * x + share * y;
    const arc = Math.acos(Math.min(1, Math.max(-1, arcs[Math.floor(index / (b * c)) * c + (index % c)]!)));
    return (Math.sin((1 - share) * arc) * x + Math.sin(share * arc) * y) / Math.sin(arc);
  });
}
