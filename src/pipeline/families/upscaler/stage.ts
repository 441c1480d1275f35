// The x4 upscaler's diffusion (Rombach et al. 2022, arXiv:2112.10752, section 4.4): latents of the size of the small image, beside
// which the denoiser sees that image, noised to a level that it knows. The autoencoder makes them four times as large.
// Random numbers are drawn in the order of diffusers' StableDiffusionUpscalePipeline.
import {
  addNoise,
  getDenoiser,
  getPredictionFrame,
  getSampler,
  type Network,
} from "../../../diffusion/index.js";
import type { ImageSettings } from "../../image-request.js";
import type { DiffusionStage, StageInput, StageRun } from "../../plan.js";
import { getPartWeights } from "../../prompt/composition.js";
import { getStepAt } from "../../prompt/prompt-editing.js";
import { f32, floats } from "../../tensors.js";
import type { Area, AutoencoderRuns } from "../stable-diffusion/autoencoder-runs.js";
import { type Condition, getCondition } from "../stable-diffusion/condition.js";
import { type ConditioningSchedule, makeRows } from "../stable-diffusion/conditioning.js";
import type { Networks } from "../stable-diffusion/networks.js";
import { type BlendedTiling, evaluateInTiles } from "./blended-tiles.js";
import { getNoiseLevel, planUpscale, type UpscalerModel } from "./model.js";

/**
 * Tiles of a large small image. The denoiser attends to the whole of a tile only at an eighth of its size, so memory grows with
 * the area: a tile takes about a gigabyte for the prompt and as much for the negative prompt.
 */
export const usualTiling: BlendedTiling = { side: 192, overlap: 32 };

/** What works for one request. */
export interface UpscaleRequest {
  readonly networks: Networks;
  readonly autoencoder: AutoencoderRuns;
  readonly conditioning: ConditioningSchedule;
  readonly settings: ImageSettings;
  /** Of the small image, and of the latents. */
  readonly area: Area;
  readonly tiling: BlendedTiling;
}

/** The small image, noised, and the level of its noise. */
interface SmallImage {
  readonly data: Float32Array;
  readonly level: number;
}

/** Where a stage stands in a plan. */
export interface UpscalePlace {
  /** The stage's name in events. */
  readonly name: string;
  /** The small image, as planes `[3, height, width]` in [-1, 1]. */
  getSmall(input: StageInput): Float32Array;
}

export function makeUpscaleStage(
  model: UpscalerModel,
  request: UpscaleRequest,
  { name, getSmall }: UpscalePlace,
): DiffusionStage {
  const { settings, area, autoencoder, conditioning } = request;
  const plan = planUpscale(model, settings);
  const { sigmas, noiseScale, finalScale, options } = plan;
  const { prediction } = model.scheduler;
  const start = (input: StageInput): StageRun => {
    let small: SmallImage | undefined;
    const denoise = getDenoiser(
      prediction,
      makeNetwork(model, request, () => small!),
      plan.schedule,
    );
    return {
      denoiser: () => (x, sigma, conditions, signal) => {
        const rows = conditions.map(getCondition(conditioning, getStepAt(sigmas, sigma), (text) => text));
        return denoise(x, sigma, rows, signal);
      },
      begin: async (noise) => {
        const image = getSmall(input);
        const level = getNoiseLevel(settings);
        small = { data: addNoise(image, noise.condition(image.length), level, model.noising), level };
        return noise.initial().map((value) => value * noiseScale);
      },
      preview: (latents) => autoencoder.decode(latents, area, false),
    };
  };
  const eta = settings.eta === undefined ? {} : { eta: settings.eta };
  return {
    kind: "diffusion",
    name,
    shape: [model.autoencoder.latentChannels, area.height, area.width],
    steps: {
      sampler: getSampler(settings.sampler).sample,
      ...{ sigmas, noiseScale, finalScale },
      options: { ...options, ...eta },
    },
    guidance: {
      scale: settings.guidance <= 1 ? 1 : settings.guidance,
      weights: getPartWeights(settings.prompt),
      rescale: settings.guidanceRescale,
      rescaleIn: getPredictionFrame(prediction, plan.schedule),
      interval: settings.guidanceInterval,
    },
    start: async (input) => start(input),
  };
}

function makeNetwork(
  { unet }: UpscalerModel,
  { area, networks, tiling }: UpscaleRequest,
  getSmall: () => SmallImage,
): Network<Condition> {
  return async (input, time, conditions) => {
    const small = getSmall();
    const rows = conditions.length;
    const length = input.length / rows;
    const each = length + small.data.length;
    const data = new Float32Array(rows * each);
    for (let row = 0; row < rows; row++) {
      data.set(input.subarray(row * length, (row + 1) * length), row * each);
      data.set(small.data, row * each + length);
    }
    const shared = {
      timestep: f32(new Float32Array(rows).fill(time), rows),
      states: makeRows(conditions, ({ text }) => text.states, conditions[0]!.text.tokens, unet.crossWidth),
      labels: { dtype: "i32" as const, shape: [rows], data: new Int32Array(rows).fill(small.level) },
    };
    const key = { part: "denoiser", form: "whole", wraps: false } as const;
    return evaluateInTiles({ data, rows, ...area }, tiling, (tile) =>
      networks.use(key, async (session) => {
        const sample = f32(tile.data, rows, unet.inChannels, tile.height, tile.width);
        return floats(await session.run({ ...shared, sample }), "prediction");
      }),
    );
  };
}
