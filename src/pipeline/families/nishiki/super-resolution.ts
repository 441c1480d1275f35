// Doubles pictures with a network of models/super-resolution.ts: noise on the small picture, then the residual by a sampler.
// Large pictures are computed in tiles inside of each evaluation of the network, whose overlaps are as wide as it sees:
// tiles differ from the whole by rounding only, and there is no seam that a sampler could widen.
import {
  combine,
  getDenoiser,
  getFlowSchedule,
  getSampler,
  getStepSchedule,
} from "../../../diffusion/index.js";
import type { HostTensor, Session } from "../../../engine/index.js";
import { NishikiError } from "../../../errors.js";
import { type Program, trace } from "../../../graph/index.js";
import { type SuperResolutionConfig, superResolutionReach, superResolve } from "../../../models/index.js";
import { random } from "../../../random/index.js";
import { enlargeByLanczos } from "../../lanczos.js";
import { f32, floats } from "../../tensors.js";
import { copyPart, makeTensor, planTiles, type Span } from "../../tiles.js";

/** How a network is sampled. */
export interface SuperResolutionSettings {
  /** Steps of the sampler for each doubling. */
  readonly steps: number;
  /** Deviation of the noise on the small picture, whose pixels are in [-1, 1]. */
  readonly augmentation: number;
}

/** A network that is ready to double pictures. */
export interface SuperResolution extends SuperResolutionSettings {
  readonly config: SuperResolutionConfig;
  /** The session of {@link traceSuperResolution} for one size of large pictures or tiles. */
  readonly open: (height: number, width: number) => Promise<Session>;
  /** Largest side of a tile in pixels of the large picture. Default 544. */
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

/**
 * A picture of twice the size.
 * @param seed Of the picture; `stage` tells one doubling from the next.
 * @throws NishikiError "usage" for sides that the network cannot fold, "aborted", and what sessions throw.
 */
export async function doubleByDiffusion(
  picture: Values,
  network: SuperResolution,
  { seed, stage, signal }: { readonly seed: number; readonly stage: number; readonly signal?: AbortSignal },
): Promise<Values> {
  const { config, steps, augmentation } = network;
  const [width, height] = [picture.width * 2, picture.height * 2];
  if (width % config.fold !== 0 || height % config.fold !== 0) {
    const wanted = `sides that are multiples of ${config.fold / 2}`;
    throw new NishikiError(
      "usage",
      `Super-resolution: expected ${wanted}, got ${picture.width}x${picture.height}.`,
    );
  }
  const flaw = random(seed, "conditioning augmentation", stage).normals(picture.data.length);
  const small = { ...picture, data: combine([1, picture.data], [augmentation, flaw]) };
  const base = enlargeByLanczos(small.data, small.width, small.height, 2);
  const schedule = getFlowSchedule({ shift: 1 });
  const sigmas = getStepSchedule("simple").getSigmas(steps, schedule);
  const predict = (noisy: Float32Array, time: number) => runInTiles(network, small, noisy, time, signal);
  const denoise = getDenoiser<null>("sample", predict, schedule);
  let x = combine([sigmas[0]!, random(seed, "super-resolution", stage).normals(base.length)]);
  for await (const state of getSampler("euler").sample(denoise, x, sigmas, { condition: [null], signal })) {
    x = state.x;
  }
  const data = combine([1, base], [config.residualScale, x]).map((v) => Math.min(1, Math.max(-1, v)));
  return { width, height, data };
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
    if (signal?.aborted)
      throw new NishikiError("aborted", "Stopped: the caller cancelled.", { cause: signal.reason });
    const [down, across] = [widen(part.rows, rows, tiling), widen(part.columns, columns, tiling)];
    const [height, width] = [down.to - down.from, across.to - across.from];
    /** The part of a picture that has `unit` pixels for each folded one. */
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
