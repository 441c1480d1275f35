// A stage of DeepFloyd IF's cascade (Saharia et al. 2022, arXiv:2205.11487, section 2.4): a diffusion over pixels, in stage 2
// beside the enlarged and noised image of stage 1. Random numbers are drawn in the order of diffusers' pipelines.
import {
  addNoise,
  getDenoiser,
  getPredictionFrame,
  getSampler,
  type Network,
  splitVariance,
} from "../../../diffusion/index.js";
import { NishikiError } from "../../../errors.js";
import type { ImageSettings } from "../../image-request.js";
import { makeInitImage } from "../../init-image.js";
import { pixelEncoder, resizeInit } from "../../pixel-init.js";
import { fromBytes, type Pixels, toBytes } from "../../pixels.js";
import type { DiffusionStage, InitPlan, StageInput, StageRun } from "../../plan.js";
import { getPartWeights } from "../../prompt/composition.js";
import { getTimeLeft, makeConditionNoise } from "../../prompt/condition-noise.js";
import { atSteps, type ChangeRow, getRowShares, type PromptRow } from "../../prompt/prompt-rows.js";
import { usesInitInAllStages } from "../../request-context.js";
import type { ImageSize } from "../../request-values.js";
import { resizeBilinear } from "../../resize-bilinear.js";
import { f32, floats } from "../../tensors.js";
import type { StatesSchedule } from "./conditioning.js";
import { type IfStage, planStage, type StageSettings } from "./model.js";
import type { Networks } from "./networks.js";

/** Names of the stages in events. */
export const getStageName = ({ number }: Pick<IfStage, "number">) =>
  number === 1 ? "base" : "super-resolution";

/** An image as planes `[3, height, width]` in about [-1, 1]. */
interface Planes extends ImageSize {
  readonly data: Float32Array;
}

/** `[height, width, 3]` → planes. */
function toPlanes(pixels: Pixels): Planes {
  const values = fromBytes(pixels.data);
  const places = values.length / 3;
  const data = values.map((_, i) => values[(i % places) * 3 + Math.floor(i / places)]!);
  return { width: pixels.width, height: pixels.height, data };
}

/** Planes → pixels. */
export function toPixels({ width, height, data }: Planes): Pixels {
  const places = width * height;
  const values = data.map((_, i) => data[(i % 3) * places + Math.floor(i / 3)]!);
  return { width, height, channels: 3, data: toBytes(values) };
}

/** The planes of a stage's result. */
export function getPlanes(input: Pick<StageInput, "last">): Planes {
  const { last } = input;
  if (last?.kind === "values" && last.shape.length === 3) {
    const [, height, width] = last.shape as [number, number, number];
    return { width, height, data: last.data };
  }
  throw new NishikiError("internal", `Expected the image of a stage, got ${last?.kind ?? "nothing"}.`);
}

/** What works for one request. */
export interface StageRequest {
  readonly networks: Networks;
  readonly texts: StatesSchedule;
  readonly size: ImageSize;
  /** The settings of the request and of this stage. */
  readonly settings: ImageSettings;
  readonly own: StageSettings;
  readonly isFirst: boolean;
  /** How many stages are drawn until here; undefined for the last one. */
  readonly stages: number | undefined;
}

/** A row of an evaluation, with the states of its text. */
type Row = PromptRow<Float32Array>;

/** The image beside the noisy one, and its noise level. */
interface SmallImage {
  readonly data: Float32Array;
  readonly level: number;
}

function makeNetwork(
  stage: IfStage,
  request: StageRequest,
  getSmall: () => SmallImage | undefined,
): Network<Row> {
  const { networks, size } = request;
  const { unet, number } = stage;
  return async (input, time, conditions) => {
    const rows = conditions.length;
    const small = getSmall();
    const length = input.length / rows;
    const each = length + (small?.data.length ?? 0);
    const sample = new Float32Array(rows * each);
    const { length: count } = conditions[0]!.value;
    const states = new Float32Array(rows * count);
    conditions.forEach(({ value }, i) => {
      sample.set(input.subarray(i * length, (i + 1) * length), i * each);
      if (small) sample.set(small.data, i * each + length);
      states.set(value, i * count);
    });
    const width = unet.tokens && "width" in unet.tokens ? unet.tokens.width : unet.crossWidth;
    const inputs = {
      sample: f32(sample, rows, unet.inChannels, size.height, size.width),
      timestep: f32(new Float32Array(rows).fill(time), rows),
      states: f32(states, rows, count / width, width),
      ...(small && { labels: f32(new Float32Array(rows).fill(small.level), rows) }),
    };
    const outputs = await networks.use({ part: "denoiser", stage: number }, (session) => session.run(inputs));
    return floats(outputs, "prediction");
  };
}

/** The network without the variances that it predicts too. */
function withoutVariance({ unet, scheduler }: IfStage, network: Network<Row>, prompt: string) {
  if (unet.outChannels === 3) return { network };
  const split = splitVariance(network, getRowShares(prompt));
  return scheduler.fields.variance_type === "learned_range" ? split : { network: split.network };
}

/** A stage of the cascade; its result is planes `[3, height, width]`. */
export function makeIfStage(stage: IfStage, request: StageRequest): DiffusionStage {
  const { size, settings, own } = request;
  const plan = planStage(stage, settings.sampler, own);
  const { sigmas, noiseScale, finalScale, options } = plan;
  const shape = [3, size.height, size.width];
  const init = makeStageInit(stage, request);
  const toPreview = (data: Float32Array) => toPixels({ ...size, data });
  const start = (input: StageInput): StageRun => {
    let small: SmallImage | undefined;
    const { network, ...variance } = withoutVariance(
      stage,
      makeNetwork(stage, request, () => small),
      settings.prompt,
    );
    const change = makeChange(request, input.seed, sigmas.length - 1);
    return {
      ...variance,
      denoiser: () => {
        const denoise = getDenoiser(stage.scheduler.prediction, network, plan.schedule);
        return atSteps(denoise, request.texts, sigmas, change);
      },
      preview: async (denoised) => toPreview(denoised),
      ...(stage.noising && {
        drawCondition: (noise) => {
          const large = resizeBilinear(getSmallImage(input, settings), size);
          const level = own.noiseLevel;
          small = { data: addNoise(large, noise.condition(large.length), level, stage.noising!), level };
        },
      }),
    };
  };
  return {
    kind: "diffusion",
    name: getStageName(stage),
    shape,
    steps: {
      sampler: getSampler(settings.sampler).sample,
      sigmas,
      noiseScale,
      finalScale,
      // As in diffusers, the network sees what is outside a mask as it is, without noise, in all steps.
      getMaskSigma: () => 0,
      getMaskScale: (sigma) => 1 / plan.schedule.alphaOf(sigma),
      options,
    },
    guidance: {
      scale: own.guidance <= 1 ? 1 : own.guidance,
      weights: getPartWeights(settings.prompt),
      rescale: settings.guidanceRescale,
      rescaleIn: getPredictionFrame(stage.scheduler.prediction, plan.schedule),
      interval: settings.guidanceInterval,
    },
    limit: stage.limit,
    ...(request.stages !== undefined && {
      picture: { stages: request.stages, read: (last) => toPixels(getPlanes({ last })) },
    }),
    ...(init && { init }),
    start: async (input) => start(input),
  };
}

/** The noise that the request puts on what the prompt says: CADS in the first stage, where it decides what is drawn. */
function makeChange({ settings, own, isFirst }: StageRequest, seed: number, taken: number) {
  const { promptSpread, cads } = settings;
  const noise = makeConditionNoise({ promptSpread, cads: isFirst ? cads : undefined }, seed);
  if (!noise) return undefined;
  const change: ChangeRow<Float32Array> = ({ conditioning, value }, step) => {
    const timeLeft = getTimeLeft(step, taken, Math.max(taken, own.steps));
    return noise(value, { conditioning, part: "states", step, timeLeft });
  };
  return change;
}

/** The image that a stage begins with: the request's, for stage 1, and for stage 2 where all of them begin with it. */
function makeStageInit({ number }: IfStage, { settings, size, isFirst }: StageRequest): InitPlan | undefined {
  if (number === 2 && (isFirst || !usesInitInAllStages(settings))) return undefined;
  const image = makeInitImage(settings);
  return image && { image: resizeInit(image, size), isFullNoise: false, encoder: async () => pixelEncoder };
}

/** What stage 2 enlarges: the image of stage 1, or that of the request. */
function getSmallImage(input: StageInput, { init }: ImageSettings): Planes {
  return input.last ? getPlanes(input) : toPlanes(init!.image);
}
