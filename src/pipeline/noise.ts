// The random numbers of one image, from the generator that its seed is meant for.
//
// Nishiki's random numbers are addressed by purpose. PyTorch's come from one sequential generator, so the order of calls
// must match diffusers' pipelines for a seed to reproduce their image: first the encoder's numbers, then the initial noise of
// a stage, then the noise of each step.
import { getInitialNoise, getNoiseSource, type NoiseSource } from "../diffusion/index.js";
import { sizeOf } from "../graph/index.js";
import { makeTorchCpu, makeTorchCuda, random } from "../random/index.js";

/** The supported random generators. */
export const randomNames = ["nishiki", "torch-cpu", "torch-cuda"] as const;
export type RandomName = (typeof randomNames)[number];

/** The purpose of an encoder's random numbers. */
export type NoisePurpose = "image" | "masked image";

/** The random numbers of one stage of one image. */
export interface StageNoise {
  /** Standard normals for sampling the encoder's latents, in the shape of the stage's latents. */
  encoding(purpose: NoisePurpose): Float32Array;
  /** The initial noise, in the shape of the latents. */
  initial(): Float32Array;
  /** So many standard normals for an image that conditions the stage, such as the small one that it enlarges. */
  condition(count: number): Float32Array;
  /** The noise that samplers add at each step. */
  readonly steps: NoiseSource;
}

/** Seeds of one image. */
export interface ImageSeeds {
  readonly seed: number;
  /** A second noise to mix into the first. */
  readonly variation?: { readonly seed: number; readonly strength: number };
}

/** The random numbers of one image. */
export interface ImageNoise {
  /** Call this in the order in which stages run: PyTorch's generator continues where the previous stage stopped. */
  forStage(stage: { readonly name: string; readonly shape: readonly number[] }): StageNoise;
  /** Standard normals for anything else than a diffusion; the name tells Nishiki's own apart from others. */
  draw(name: string, size: number): Float32Array;
}

/** Nishiki's random numbers, at addresses below `stream`. */
export function makeAddressedNoise(
  seed: number,
  size: number,
  stream: readonly (string | number)[],
): StageNoise {
  return {
    encoding: (purpose) => random(seed, ...stream, "encoding", purpose).normals(size),
    initial: () => random(seed, ...stream).normals(size),
    condition: (count) => random(seed, ...stream, "condition").normals(count),
    steps: (step) => random(seed, ...stream, "step noise", step).normals(size),
  };
}

/** Nishiki's random numbers of the first diffusion; its addresses predate stages. */
function makeFirstNoise(seed: number, size: number): StageNoise {
  return {
    encoding: (purpose) => random(seed, "encoding", purpose).normals(size),
    initial: () => getInitialNoise([seed], size),
    condition: (count) => random(seed, "condition").normals(count),
    steps: getNoiseSource([seed], size),
  };
}

/** The noise of a single seed. */
function makeSeedNoise(rng: RandomName, seed: number): ImageNoise {
  if (rng !== "nishiki") {
    const generator = rng === "torch-cpu" ? makeTorchCpu(seed) : makeTorchCuda(seed);
    return {
      forStage: ({ shape }) => {
        const next = () => generator.normals(sizeOf(shape));
        return { encoding: next, initial: next, condition: (count) => generator.normals(count), steps: next };
      },
      draw: (_, size) => generator.normals(size),
    };
  }
  let isFirst = true;
  return {
    forStage: ({ name, shape }) => {
      const size = sizeOf(shape);
      const noise = isFirst ? makeFirstNoise(seed, size) : makeAddressedNoise(seed, size, ["stage", name]);
      isFirst = false;
      return noise;
    },
    draw: (name, size) => random(seed, "stage", name).normals(size),
  };
}

/** The random numbers of the image with these seeds; a variation is mixed into each stage's initial noise. */
export function makeImageNoise(rng: RandomName, { seed, variation }: ImageSeeds): ImageNoise {
  const base = makeSeedNoise(rng, seed);
  if (!variation || variation.strength === 0) return base;
  const other = makeSeedNoise(rng, variation.seed);
  return {
    forStage: (stage) => {
      const [noise, mixed] = [base.forStage(stage), other.forStage(stage)];
      const initial = () => mixNoise(noise.initial(), mixed.initial(), variation.strength, stage.shape);
      return { ...noise, initial };
    },
    // What is not a diffusion's beginning is the base image's; the other generator still takes its place in the order.
    draw: (name, size) => {
      other.draw(name, size);
      return base.draw(name, size);
    },
  };
}

/**
 * Interpolates spherically between two noises: `share` 0 is the first, 1 the second. Like stable-diffusion-webui, treats each
 * column of a channel separately.
 * @param shape The latents' shape [a, b, c]; each column runs along b. Latents of any other rank are a single column.
 */
export function mixNoise(
  first: Float32Array,
  second: Float32Array,
  share: number,
  shape: readonly number[],
): Float32Array {
  const [a, b, c] = shape.length === 3 ? (shape as [number, number, number]) : [1, sizeOf(shape), 1];
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
