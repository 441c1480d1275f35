// The random numbers of one image, from whichever generator its seed is meant for.
//
// Nishiki's own numbers are addressed by what they are for; PyTorch's come one after another from one generator, so that
// there the order of the calls is what makes a seed of another program give that program's image: what an encoder needs,
// then the noise that a stage starts with, then each step's (as in diffusers' pipelines).
import { getInitialNoise, getNoiseSource, type NoiseSource } from "../diffusion/index.js";
import { sizeOf } from "../graph/index.js";
import { makeTorchCpu, makeTorchCuda, random } from "../random/index.js";

/** The generators that a seed may be meant for. */
export const randomNames = ["nishiki", "torch-cpu", "torch-cuda"] as const;
export type RandomName = (typeof randomNames)[number];

/** What the numbers are for. */
export type NoisePurpose = "image" | "masked image";

/** The random numbers of one stage of one image. */
export interface StageNoise {
  /** Standard normals for an encoder's latents, in the shape of the stage's latents. */
  encoding(purpose: NoisePurpose): Float32Array;
  /** What the diffusion starts with, in the shape of its latents. */
  initial(): Float32Array;
  /** What samplers add on the way. */
  readonly steps: NoiseSource;
}

/** Seeds of one image. */
export interface ImageSeeds {
  readonly seed: number;
  /** A second noise that is mixed into the first. */
  readonly variation?: { readonly seed: number; readonly strength: number };
}

/** The random numbers of one image. */
export interface ImageNoise {
  /** Stages are asked for in the order in which they run: PyTorch's numbers go on where the stage before ended. */
  forStage(stage: { readonly name: string; readonly shape: readonly number[] }): StageNoise;
}

/** Nishiki's numbers, at addresses below `stream`. */
export function makeAddressedNoise(
  seed: number,
  size: number,
  stream: readonly (string | number)[],
): StageNoise {
  return {
    encoding: (purpose) => random(seed, ...stream, "encoding", purpose).normals(size),
    initial: () => random(seed, ...stream).normals(size),
    steps: (step) => random(seed, ...stream, "step noise", step).normals(size),
  };
}

/** Nishiki's numbers of the first diffusion, whose addresses are older than stages. */
function makeFirstNoise(seed: number, size: number): StageNoise {
  return {
    encoding: (purpose) => random(seed, "encoding", purpose).normals(size),
    initial: () => getInitialNoise([seed], size),
    steps: getNoiseSource([seed], size),
  };
}

/** From one seed alone. */
function makeSeedNoise(rng: RandomName, seed: number): ImageNoise {
  if (rng !== "nishiki") {
    const generator = rng === "torch-cpu" ? makeTorchCpu(seed) : makeTorchCuda(seed);
    return {
      forStage: ({ shape }) => {
        const next = () => generator.normals(sizeOf(shape));
        return { encoding: next, initial: next, steps: next };
      },
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
  };
}

/** The random numbers of the image with these seeds; variations are mixed into what each stage starts with. */
export function makeImageNoise(rng: RandomName, { seed, variation }: ImageSeeds): ImageNoise {
  const own = makeSeedNoise(rng, seed);
  if (!variation || variation.strength === 0) return own;
  const other = makeSeedNoise(rng, variation.seed);
  return {
    forStage: (stage) => {
      const [noise, mixed] = [own.forStage(stage), other.forStage(stage)];
      const initial = () => mixNoise(noise.initial(), mixed.initial(), variation.strength, stage.shape);
      return { ...noise, initial };
    },
  };
}

/**
 * Between two noises, on the arc that keeps their length: `share` 0 is the first, 1 the second. As
 * stable-diffusion-webui does it: columns of a channel by themselves.
 * @param shape Of the latents, [a, b, c]; lengths are those along b. Of another rank, they are one column.
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
