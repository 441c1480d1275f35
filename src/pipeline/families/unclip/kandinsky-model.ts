// A Kandinsky 2.2 model without its weights: the configs of its networks, its limits and its defaults.
import {
  getSampler,
  getTrainedLimit,
  type Limit,
  planSteps,
  readScheduler,
  type StepScheduleName,
  type TrainedScheduler,
} from "../../../diffusion/index.js";
import { NishikiError } from "../../../errors.js";
import {
  type AddedKvUnetConfig,
  type ConfigRecord,
  getMovqScale,
  getUnetStep,
  type MovqConfig,
  readAddedKvUnetConfig,
  readMovqConfig,
} from "../../../models/index.js";
import type { ImageSettings } from "../../image-request.js";
import type { ImageSizes, RequestContext } from "../../request-context.js";
import { type ImageEncoderModel, readImageEncoder } from "../../vision/image-encoder.js";
import { checkImagePrompt } from "./embeddings.js";
import { getPriorSettings, type PriorModel, planPrior, readPrior, refuse } from "./prior.js";

/** The configs of a model's files. */
export interface KandinskyDescription {
  readonly name: string;
  readonly textEncoder: ConfigRecord;
  readonly prior: ConfigRecord;
  readonly priorScheduler: ConfigRecord;
  /** CLIP's image encoder and its image processor. */
  readonly imageEncoder?: { readonly config: ConfigRecord; readonly processor: ConfigRecord } | undefined;
  readonly unet: ConfigRecord;
  readonly scheduler: ConfigRecord;
  readonly movq: ConfigRecord;
}

export interface KandinskyModel {
  readonly name: string;
  readonly prior: PriorModel;
  readonly images: ImageEncoderModel | undefined;
  readonly unet: AddedKvUnetConfig;
  readonly scheduler: TrainedScheduler;
  readonly limit: Limit | undefined;
  readonly movq: MovqConfig;
  readonly context: RequestContext;
}

/** Reads the configs of a model. @throws NishikiError "checkpoint" for unsupported or mismatched configs */
export function readKandinsky(files: KandinskyDescription): KandinskyModel {
  const { name, imageEncoder } = files;
  const scheduler = readScheduler(files.scheduler, "pixels");
  const model = {
    name,
    prior: readPrior(files.textEncoder, files.prior, files.priorScheduler),
    images: imageEncoder && readImageEncoder(imageEncoder.config, imageEncoder.processor),
    unet: readAddedKvUnetConfig(files.unet),
    scheduler,
    limit: getTrainedLimit(scheduler),
    movq: readMovqConfig(files.movq),
  };
  checkFit(model);
  return { ...model, context: getContext(files, model) };
}

type Parts = Omit<KandinskyModel, "context">;

function checkFit({ prior, images, unet, movq }: Parts): void {
  const { addition, tokens, inChannels, outChannels } = unet;
  if (addition?.kind !== "image" || tokens?.kind !== "image")
    refuse("the denoiser takes more than an image embedding (addition_embed_type, encoder_hid_dim_type)");
  const { outputWidth } = prior.network;
  if (addition?.kind === "image" && addition.imageWidth !== outputWidth)
    refuse(
      `the prior draws embeddings of ${outputWidth} numbers, but the denoiser takes ${addition.imageWidth}`,
    );
  if (images && images.config.projection !== outputWidth)
    refuse(
      `the image encoder's embedding has ${images.config.projection} numbers, but the prior's ${outputWidth}`,
    );
  const latents = movq.latentChannels;
  if (inChannels !== latents && inChannels !== 2 * latents + 1) {
    const expected = `${latents} as the autoencoder's latents have, or ${2 * latents + 1} for inpainting`;
    refuse(`the denoiser takes ${inChannels} channels; expected ${expected}`);
  }
  if (outChannels !== latents && outChannels !== 2 * latents)
    refuse(
      `the denoiser outputs ${outChannels} channels; expected ${latents}, or ${2 * latents} with variances`,
    );
}

/** diffusers rounds sizes up to multiples of this; here they are exact. */
function getSizes({ unet: json }: KandinskyDescription, { unet, movq }: Parts): ImageSizes {
  const scale = getMovqScale(movq);
  const step = scale * Math.max(scale, getUnetStep(unet));
  const { sample_size: side } = json;
  const size = typeof side === "number" ? side * scale : 512;
  if (!(Number.isSafeInteger(size) && size >= step && size <= mostSide && size % step === 0)) {
    const expected = `a multiple of ${step / scale} up to ${mostSide / scale}`;
    throw new NishikiError(
      "checkpoint",
      `UNet2DConditionModel config: sample_size: expected ${expected}, got ${side}.`,
    );
  }
  return { usual: { width: size, height: size }, range: { step, least: step, most: mostSide } };
}

/** The decoder draws an image as a whole, whose memory grows with its size. */
const mostSide = 1024;

function getContext(files: KandinskyDescription, parts: Parts): RequestContext {
  const { scheduler } = parts;
  return {
    defaults: {
      sampler: scheduler.sampler ?? scheduler.className,
      rng: "torch-cpu",
      steps: 50,
      guidance: 4,
    },
    sizes: getSizes(files, parts),
    takes: [
      "schedule",
      "rng",
      "init",
      "inpaint",
      "variation",
      "prior",
      "imagePrompt",
      "stopAt",
      "promptSpread",
      "cads",
    ],
    composesPrompts: true,
    check: (settings) => checkSettings(settings, parts),
  };
}

/** @throws NishikiError "usage" */
function checkSettings(settings: ImageSettings, parts: Parts): void {
  planBase(parts, settings);
  planPrior(parts.prior, getPriorSettings(settings));
  checkImagePrompt(settings, true);
}

/** Plans the steps of the latents' diffusion. @throws NishikiError "usage" */
export function planBase({ scheduler }: Pick<Parts, "scheduler">, settings: ImageSettings) {
  const { sampler, schedule, steps, init } = settings;
  return planSteps(scheduler, {
    sampler: getSampler(sampler).name,
    stepSchedule: schedule as StepScheduleName | undefined,
    steps,
    strength: init?.strength ?? 1,
  });
}
