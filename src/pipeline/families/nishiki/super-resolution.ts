// Doubles images with a network of models/super-resolution.ts: noise on the small image, then the residual by a sampler.
// Large images are computed in tiles inside of each evaluation of the network, whose overlaps are as wide as it sees:
// tiles differ from the whole by rounding only, and there is no seam that a sampler could widen.
import {
  combine,
  type Denoiser,
  getDenoiser,
  getFlowSchedule,
  getSampler,
  getStepSchedule,
} from "../../../diffusion/index.js";
import type { HostTensor } from "../../../engine/index.js";
import { NishikiError } from "../../../errors.js";
import { type Program, sizeOf, trace } from "../../../graph/index.js";
import { type SuperResolutionConfig, superResolutionReach, superResolve } from "../../../models/index.js";
import { random } from "../../../random/index.js";
import { checkAborted } from "../../cancel.js";
import { enlargeByLanczos } from "../../lanczos.js";
import { makeAddressedNoise } from "../../noise.js";
import { toBytes } from "../../pixels.js";
import type { DiffusionStage } from "../../plan.js";
import type { LazySession } from "../../session-pool.js";
import { getImageValues } from "../../stage-results.js";
import { f32, floats } from "../../tensors.js";
import { copyPart, makeTensor, planTiles, type Span } from "../../tiles.js";

/** How a network is sampled. */
export interface SuperResolutionSettings {
  /** Steps of the sampler for each doubling. */
  readonly steps: number;
  /** Deviation of the noise on the small image, whose pixels are in [-1, 1]. */
  readonly augmentation: number;
}

/** A network that is ready to double images. */
export interface SuperResolution extends SuperResolutionSettings {
  readonly config: SuperResolutionConfig;
  /** The session of {@link traceSuperResolution} for one size of large images or tiles. */
  readonly open: (height: number, width: number) => LazySession | Promise<LazySession>;
  /** Largest side of a tile in pixels of the large image. Default 544. */
  readonly tile?: number;
}

/** Numbers `[height, width, 3]` in [-1, 1]. */
export interface Values {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** 512 pixels are one tile, 1024 are four. */
const usualTile = 544;

/** noisy `[1, height, width, 3]`, small `[1, height/2, width/2, 3]`, time, augmentation `[1]` → residual `[1, height, width, 3]` */
export function traceSuperResolution(config: SuperResolutionConfig, height: number, width: number): Program {
  return trace((tracer) => {
    const noisy = tracer.input("noisy", [1, height, width, 3]);
    const small = tracer.input("small", [1, height / 2, width / 2, 3]);
    const time = tracer.input("time", [1]);
    const augmentation = tracer.input("augmentation", [1]);
    return { residual: superResolve(tracer.scope(), { noisy, small, time, augmentation }, config) };
  });
}

/** One doubling, ready to be sampled. */
interface Doubling {
  readonly width: number;
  readonly height: number;
  readonly sigmas: readonly number[];
  readonly denoise: Denoiser<unknown>;
  /** The residual to the large image, in [-1, 1]. */
  readonly finish: (residual: Float32Array) => Float32Array;
}

/** Which image's which doubling: what its random numbers depend on. */
interface Place {
  readonly seed: number;
  /** Tells one doubling from the next. */
  readonly stage: number;
}

function getSigmas(steps: number): readonly number[] {
  return getStepSchedule("simple").getSigmas(steps, getFlowSchedule({ shift: 1 }));
}

/** Numbers of the noise that a doubling starts with. */
const noiseStream = (stage: number) => ["super-resolution", stage] as const;

/** @throws NishikiError "usage" for sides that the network cannot fold. */
function startDoubling(image: Values, network: SuperResolution, { seed, stage }: Place): Doubling {
  const { config, steps, augmentation } = network;
  const [width, height] = [image.width * 2, image.height * 2];
  if (width % config.fold !== 0 || height % config.fold !== 0) {
    const expected = `sides that are multiples of ${config.fold / 2}`;
    throw new NishikiError(
      "usage",
      `Super-resolution: expected ${expected}, got ${image.width}x${image.height}.`,
    );
  }
  const flaw = random(seed, "conditioning augmentation", stage).normals(image.data.length);
  const small = { ...image, data: combine([1, image.data], [augmentation, flaw]) };
  const base = enlargeByLanczos(small.data, small.width, small.height, 2);
  const denoise = getDenoiser<unknown>(
    "sample",
    (noisy, time, _, signal) => runInTiles(network, small, noisy, time, signal),
    getFlowSchedule({ shift: 1 }),
  );
  const finish = (residual: Float32Array) =>
    combine([1, base], [config.residualScale, residual]).map((v) => Math.min(1, Math.max(-1, v)));
  return { width, height, sigmas: getSigmas(steps), denoise, finish };
}

/**
 * An image of twice the size, outside of any pipeline.
 * @throws NishikiError "usage" for sides that the network cannot fold, "aborted", and what sessions throw.
 */
export async function doubleByDiffusion(
  image: Values,
  network: SuperResolution,
  { signal, ...place }: Place & { readonly signal?: AbortSignal },
): Promise<Values> {
  const { width, height, sigmas, denoise, finish } = startDoubling(image, network, place);
  const first = random(place.seed, ...noiseStream(place.stage)).normals(width * height * 3);
  let x = combine([sigmas[0]!, first]);
  for await (const state of getSampler("euler").sample(denoise, x, sigmas, { condition: [null], signal }))
    x = state.x;
  return { width, height, data: finish(x) };
}

interface DoublingPlan {
  /** Width and height before it, in pixels. */
  readonly side: number;
  /** From 0. */
  readonly doubling: number;
  /** The last one gives pixels. */
  readonly isLast: boolean;
  readonly sampler: string;
}

/** One doubling as a stage: after the decoder, or after the doubling before. */
export function makeDoublingStage(
  network: SuperResolution,
  { side, doubling, isLast, sampler }: DoublingPlan,
): DiffusionStage {
  const sigmas = getSigmas(network.steps);
  const shape = [side * 2, side * 2, 3];
  return {
    kind: "diffusion",
    name: doubling === 0 ? "super-resolution" : `super-resolution ${doubling + 1}`,
    shape,
    steps: { sampler: getSampler(sampler).sample, sigmas, noiseScale: sigmas[0]! },
    noise: (seed) => makeAddressedNoise(seed, sizeOf(shape), noiseStream(doubling)),
    start: async ({ seed, last }) => {
      const { width, height, denoise, finish } = startDoubling(getImageValues(last), network, {
        seed,
        stage: doubling,
      });
      const toPixels = (residual: Float32Array) => {
        return { width, height, channels: 3 as const, data: toBytes(finish(residual)) };
      };
      return {
        denoiser: () => denoise,
        finish: (residual) =>
          isLast
            ? { kind: "pixels", pixels: toPixels(residual) }
            : { kind: "values", shape, data: finish(residual) },
        preview: async (denoised) => toPixels(denoised),
      };
    },
  };
}

/** How an image of this size is split: the tiles' size in pixels, and their number. */
export function countTiles(
  config: SuperResolutionConfig,
  width: number,
  height: number,
): { readonly width: number; readonly height: number; readonly count: number } {
  const { fold } = config;
  const [rows, columns] = [height / fold, width / fold];
  const tiling = { tileSize: Math.floor(usualTile / fold), overlap: superResolutionReach(config) };
  return {
    width: Math.min(columns, tiling.tileSize) * fold,
    height: Math.min(rows, tiling.tileSize) * fold,
    count: [...planTiles(rows, columns, tiling)].length,
  };
}

/** One evaluation of the network. */
async function runInTiles(
  { config, augmentation, open, tile = usualTile }: SuperResolution,
  small: Values,
  noisy: Float32Array,
  time: number,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const { fold } = config;
  const [rows, columns] = [(small.height * 2) / fold, (small.width * 2) / fold];
  const tiling = { tileSize: Math.floor(tile / fold), overlap: superResolutionReach(config) };
  const whole = makeTensor([1, 1, rows * fold, columns * fold * 3]);
  const from = {
    noisy: { ...whole, data: noisy },
    small: f32(small.data, 1, 1, small.height, small.width * 3),
  };
  for (const part of planTiles(rows, columns, tiling)) {
    checkAborted(signal);
    const [down, across] = [widen(part.rows, rows, tiling), widen(part.columns, columns, tiling)];
    const [height, width] = [down.to - down.from, across.to - across.from];
    /** The part of an image that has `unit` pixels for each folded one. */
    const cut = (source: HostTensor, unit: number) => {
      const piece = makeTensor([1, 1, height * unit, width * unit * 3]);
      copyPart(source, piece, {
        height: height * unit,
        width: width * unit * 3,
        source: [down.from * unit, across.from * unit * 3],
        target: [0, 0],
      });
      return f32(piece.data as Float32Array, 1, height * unit, width * unit, 3);
    };
    const session = await open(height * fold, width * fold);
    const outputs = await session.run({
      noisy: cut(from.noisy, fold),
      small: cut(from.small, fold / 2),
      time: f32(Float32Array.of(time), 1),
      augmentation: f32(Float32Array.of(augmentation), 1),
    });
    const residual = f32(floats(outputs, "residual"), 1, 1, height * fold, width * fold * 3);
    copyPart(residual, whole, {
      height: (down.end - down.start) * fold,
      width: (across.end - across.start) * fold * 3,
      source: [(down.start - down.from) * fold, (across.start - across.from) * fold * 3],
      target: [down.start * fold, across.start * fold * 3],
    });
  }
  return whole.data as Float32Array;
}

/** A span that reads as much as any other tile, so that one program serves them all. */
function widen(span: Span, length: number, { tileSize }: { readonly tileSize: number }): Span {
  const size = Math.min(length, tileSize);
  const from = Math.min(span.from, length - size);
  return { ...span, from, to: from + size };
}
