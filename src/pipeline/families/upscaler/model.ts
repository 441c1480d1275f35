// Stable Diffusion's x4 upscaler without its weights: the configs of its networks, its limits and its defaults.
import {
  getSampler,
  getTrainedSchedule,
  type NoiseSchedule,
  planSteps,
  readScheduler,
  type StepScheduleName,
  type TrainedScheduler,
} from "../../../diffusion/index.js";
import { NishikiError } from "../../../errors.js";
import {
  type ClipTextConfig,
  type ConditionalUnetConfig,
  readClipTextConfig,
  readConditionalUnetConfig,
} from "../../../models/index.js";
import type { ImageSettings } from "../../image-request.js";
import type { RequestContext } from "../../request-context.js";
import { type Autoencoder, readAutoencoder } from "../stable-diffusion/autoencoder.js";

type Json = Readonly<Record<string, unknown>>;

/** The configs of a model's files. */
export interface UpscalerDescription {
  readonly name: string;
  readonly unet: Json;
  readonly vae: Json;
  readonly textEncoder: Json;
  readonly scheduler: Json;
  /** The schedule of the noise on the small image. */
  readonly noising: Json;
  /** The most noise on it: `max_noise_level` of model_index.json. */
  readonly mostNoise: unknown;
}

export interface UpscalerModel {
  readonly name: string;
  readonly unet: ConditionalUnetConfig;
  readonly autoencoder: Autoencoder;
  readonly textEncoders: readonly [ClipTextConfig];
  readonly zerosForEmptyPrompt: boolean;
  readonly scheduler: TrainedScheduler;
  readonly noising: NoiseSchedule;
  readonly mostNoise: number;
  readonly context: RequestContext;
}

/** The defaults of diffusers' pipeline. */
export const upscalerDefaults = { steps: 75, guidance: 9, noiseLevel: 20, mostNoise: 350 } as const;

/** diffusers' pipeline sets this scale, whatever the autoencoder's config says. */
const latentFactor = 0.08333;

const smallChannels = 3;

/** Sides of the image, in pixels: small images have multiples of 4, as diffusers scales them to. */
const sides = { step: 16, least: 64, most: 8192 };

/** Reads the configs of a model. @throws NishikiError "checkpoint" for unsupported or mismatched configs */
export function readUpscaler(files: UpscalerDescription): UpscalerModel {
  const unet = readConditionalUnetConfig(files.unet);
  const autoencoder = readAutoencoder({ ...files.vae, scaling_factor: latentFactor });
  const text = readClipTextConfig(files.textEncoder);
  const scheduler = readScheduler(files.scheduler, "xl"); // whose rules are those of the scheduler alone
  const noising = getTrainedSchedule(readScheduler(files.noising, "pixels"));
  checkFit(unet, autoencoder, text);
  const classes = unet.classEmbedding?.kind === "table" ? unet.classEmbedding.classes : 0;
  const { mostNoise: named } = files;
  const most = typeof named === "number" && Number.isSafeInteger(named) ? named : upscalerDefaults.mostNoise;
  const mostNoise = Math.min(most, classes - 1, noising.levels - 1);
  const { name } = files;
  const parts = { name, unet, autoencoder, textEncoders: [text] as const, zerosForEmptyPrompt: false };
  const model = { ...parts, scheduler, noising, mostNoise };
  return { ...model, context: getContext(files, model) };
}

function checkFit(
  unet: ConditionalUnetConfig,
  { latentChannels, scale }: Autoencoder,
  text: ClipTextConfig,
): void {
  const refuse = (reason: string): never => {
    throw new NishikiError("checkpoint", `The model's parts do not fit together: ${reason}.`);
  };
  if (unet.classEmbedding?.kind !== "table")
    refuse("the denoiser takes no noise level (its config has no num_class_embeds)");
  if (text.width !== unet.crossWidth)
    refuse(`the text encoder's states are ${text.width} wide, but the denoiser takes ${unet.crossWidth}`);
  if (unet.outChannels !== latentChannels)
    refuse(`the denoiser outputs ${unet.outChannels} channels, but the autoencoder takes ${latentChannels}`);
  const channels = latentChannels + smallChannels;
  if (unet.inChannels !== channels)
    refuse(
      `the denoiser takes ${unet.inChannels} channels; expected ${channels}: latents and the small image`,
    );
  if (scale !== 4) refuse(`the autoencoder enlarges ${scale} times, expected 4 (three levels)`);
}

function getContext(
  { unet: json }: UpscalerDescription,
  model: Omit<UpscalerModel, "context">,
): RequestContext {
  const { scale } = model.autoencoder;
  const { sample_size: side } = json;
  const small =
    typeof side === "number" && Number.isSafeInteger(side) && side >= 16 && side <= 512 ? side : 128;
  const size = scale * (small - (small % 4));
  return {
    defaults: {
      sampler: model.scheduler.sampler ?? model.scheduler.className,
      rng: "torch-cpu",
      steps: upscalerDefaults.steps,
      guidance: upscalerDefaults.guidance,
    },
    composesPrompts: true,
    sizes: { usual: { width: size, height: size }, range: sides, initScale: scale },
    needsInit: true,
    takes: ["schedule", "eta", "rng", "init", "variation", "superResolution"],
    check: (settings) => checkSettings(settings, model),
  };
}

/** Noise on the small image. */
export const getNoiseLevel = ({ superResolution }: Pick<ImageSettings, "superResolution">): number =>
  superResolution?.noiseLevel?.[0] ?? upscalerDefaults.noiseLevel;

/** @throws NishikiError "usage" */
function checkSettings(settings: ImageSettings, model: Omit<UpscalerModel, "context">): void {
  const refuse = (sentence: string): never => {
    throw new NishikiError("usage", sentence);
  };
  const { superResolution } = settings;
  if (superResolution?.strength)
    refuse("superResolution.strength: this model enlarges the image, and has no strength; omit it.");
  for (const name of ["steps", "guidance"] as const)
    if (superResolution?.[name])
      refuse(`superResolution.${name}: this model is the super-resolution stage; use ${name}.`);
  if ((superResolution?.noiseLevel?.length ?? 0) > 1)
    refuse("superResolution.noiseLevel: expected one value for the one stage of this model.");
  const level = getNoiseLevel(settings);
  if (level > model.mostNoise)
    refuse(`superResolution.noiseLevel: this model takes up to ${model.mostNoise}, got ${level}.`);
  if (settings.inpaint) refuse("inpaint: this model enlarges whole images, and takes no mask.");
  planUpscale(model, settings);
}

/** Plans the steps. @throws NishikiError "usage" */
export function planUpscale(
  { scheduler }: Pick<UpscalerModel, "scheduler">,
  { sampler, schedule, steps }: Pick<ImageSettings, "sampler" | "schedule" | "steps">,
) {
  const stepSchedule = schedule as StepScheduleName | undefined;
  return planSteps(scheduler, { sampler: getSampler(sampler).name, stepSchedule, steps });
}
