// Runs the stages of a plan for one image, whatever they compute.
import {
  type Denoiser,
  getStepInterval,
  guide,
  limitDenoiser,
  type SamplerState,
} from "../diffusion/index.js";
import { NishikiError } from "../errors.js";
import { checkAborted, interruptible } from "./cancel.js";
import { makeInitialLatents } from "./initial-latents.js";
import { type ImageNoise, type ImageSeeds, makeImageNoise, type RandomName } from "./noise.js";
import type { Pixels } from "./pixels.js";
import type { Conditioning, DiffusionStage, Plan, Stage, StageInput, StageResult } from "./plan.js";
import type { Probe } from "./probe.js";
import { nameConditioning } from "./prompt/composition.js";
import type { Runtime } from "./runtime.js";

/** A stage starts: a transform is about to run, or a diffusion is about to take its first step. */
export interface StageStart {
  readonly kind: "start";
  readonly stage: Stage;
}

/** A diffusion finished a step. */
export interface StageStep {
  readonly kind: "step";
  readonly stage: DiffusionStage;
  readonly state: SamplerState;
  readonly hasPreview: boolean;
  readonly preview: () => Promise<Pixels>;
}

/** A stage of a cascade finished an image that later stages go on from. */
export interface StagePicture {
  readonly kind: "picture";
  readonly stage: DiffusionStage;
  /** Stages until here. */
  readonly stages: number;
  readonly pixels: Pixels;
}

export type StageEvent = StageStart | StageStep | StagePicture;

/** The seeds of an image, and their generator. */
export interface ImageNumbers {
  readonly seeds: ImageSeeds;
  readonly rng?: RandomName;
}

/**
 * Draws one image.
 * @returns The result of each stage, by stage name; the last one holds the image's pixels.
 * @throws NishikiError "aborted", even during a network run, and the networks' errors
 */
export async function* runPlan(
  { stages }: Plan,
  { seeds, rng = "nishiki" }: ImageNumbers,
  runtime: Runtime = {},
): AsyncGenerator<StageEvent, ReadonlyMap<string, StageResult>, void> {
  const noise = makeImageNoise(rng, seeds);
  const results = new Map<string, StageResult>();
  let last: StageResult | undefined;
  for (const stage of stages) {
    checkAborted(runtime.signal);
    const input = { seed: seeds.seed, seeds, noise, last, results };
    if (stage.kind === "diffusion") last = yield* diffuse(stage, input, noise, runtime);
    else {
      yield { kind: "start", stage };
      last = await interruptible(stage.run(input, runtime), runtime.signal);
    }
    results.set(stage.name, last);
    if (stage.kind !== "diffusion" || !stage.picture) continue;
    const { stages: count, read } = stage.picture;
    yield { kind: "picture", stage, stages: count, pixels: read(last) };
  }
  return results;
}

/** The pixels of a finished plan. @throws NishikiError "internal" if the last stage returned none */
export function getPixels({ stages }: Plan, results: ReadonlyMap<string, StageResult>): Pixels {
  const name = stages.at(-1)?.name ?? "";
  const result = results.get(name);
  if (result?.kind === "pixels") return result.pixels;
  throw new NishikiError("internal", `The plan's last stage "${name}" returned no pixels.`);
}

async function* diffuse(
  stage: DiffusionStage,
  input: StageInput,
  imageNoise: ImageNoise,
  runtime: Runtime,
): AsyncGenerator<StageEvent, StageResult, void> {
  const { signal } = runtime;
  const { sampler, sigmas, options, stopAfter } = stage.steps;
  const run = await interruptible(stage.start(input, runtime), signal);
  const noise = stage.noise?.(input.seed, input.seeds) ?? imageNoise.forStage(stage);
  const initial = await interruptible(makeInitialLatents(stage, run, noise), signal);
  yield { kind: "start", stage };
  const network = observe(initial.network, stage.name, runtime.probe);
  const { denoise: limited, unlimited } = limitStage(stage, network);
  const guided = initial.around(limited);
  const denoise: Denoiser<Conditioning> = (...args) => interruptible(guided(...args), signal);
  const { learnedVariance } = run;
  const imageOptions = {
    condition: ["cond"] as const,
    signal,
    noise: noise.steps,
    ...(learnedVariance && { learnedVariance }),
    ...(unlimited && { unlimited }),
  };
  let latents = initial.x;
  for await (const state of sampler(denoise, initial.x, sigmas, { ...options, ...imageOptions })) {
    latents = state.x;
    const { denoised } = state;
    const hasPreview = run.preview !== undefined;
    yield { kind: "step", stage, state, hasPreview, preview: () => preview(stage, run.preview?.(denoised)) };
    // The prediction is clean, and outside a mask it is the init image already: nothing is left to finish.
    if (state.step === stopAfter && state.step < state.steps)
      return run.finish?.(denoised) ?? { kind: "values", shape: stage.shape, data: denoised };
  }
  const data = initial.finish(latents);
  return run.finish?.(data) ?? { kind: "values", shape: stage.shape, data };
}

async function preview({ name }: DiffusionStage, pixels: Promise<Pixels> | undefined): Promise<Pixels> {
  if (pixels) return pixels;
  throw new NishikiError(
    "usage",
    `The stage "${name}" has no preview: its latents do not represent an image.`,
  );
}

/** Reports the network's predictions before guidance combines them. */
function observe(
  network: Denoiser<Conditioning>,
  stage: string,
  probe: Probe | undefined,
): Denoiser<Conditioning> {
  if (!probe?.onPrediction) return network;
  return async (x, sigma, conditions, signal) => {
    const all = await network(x, sigma, conditions, signal);
    const size = all.length / conditions.length;
    const denoised = Object.fromEntries(
      conditions.map((conditioning, i) => [conditioning, all.slice(i * size, (i + 1) * size)]),
    );
    probe.onPrediction?.({ stage, sigma, x: x.slice(0, size), denoised });
    return all;
  };
}

/** The denoiser with guidance; where the stage limits its predictions, the latest before its limit too. */
function limitStage(stage: DiffusionStage, network: Denoiser<Conditioning>) {
  const guided = guideStage(stage, network);
  if (!stage.limit) return { denoise: guided };
  let latest: Float32Array | undefined;
  const keep: Denoiser<Conditioning> = async (...args) => {
    latest = await guided(...args);
    return latest;
  };
  return { denoise: limitDenoiser(keep, stage.limit), unlimited: () => latest! };
}

function guideStage(
  { guidance, steps: { sigmas } }: DiffusionStage,
  network: Denoiser<Conditioning>,
): Denoiser<Conditioning> {
  if (!guidance) return network;
  const { scale, rescale, rescaleIn, weights, interval: [from, to] = [0, 1] } = guidance;
  const steps = sigmas.length - 1;
  return guide<Conditioning>(network, {
    scale,
    rescale,
    ...(rescaleIn && { rescaleIn }),
    uncond: ["uncond"],
    ...(weights && {
      parts: weights.map((weight, i) => ({ condition: [nameConditioning(i)], weight })),
    }),
    interval: getStepInterval(sigmas, Math.round(from * steps), Math.round(to * steps)),
  });
}
