// A Stable Diffusion model, read but not loaded: configs of its networks, and what may be asked of it.
import {
  getSampler,
  type PipelineKind,
  planSteps,
  readScheduler,
  type StepScheduleName,
  samplers,
  type TrainedScheduler,
} from "../../../diffusion/index.js";
import { NishikiError, quote } from "../../../errors.js";
import {
  type ClipTextConfig,
  type ConditionalUnetConfig,
  readClipTextConfig,
  readConditionalUnetConfig,
} from "../../../models/index.js";
import type { ClipTokenizer } from "../../../tokenizer/index.js";
import type { ImageSettings } from "../../image-request.js";
import type { RequestContext } from "../../request-context.js";
import { type Autoencoder, readAutoencoder } from "./autoencoder.js";
import { getVectorWidth } from "./programs.js";

type Json = Readonly<Record<string, unknown>>;

/** What a model's files say. */
export interface StableDiffusionDescription {
  readonly name: string;
  readonly unet: Json;
  readonly vae: Json;
  /** Of the autoencoder for previews. */
  readonly previewVae?: Json;
  readonly textEncoders: readonly Json[];
  readonly scheduler: Json;
  readonly zerosForEmptyPrompt: boolean;
}

export interface StableDiffusionModel {
  readonly name: string;
  readonly unet: ConditionalUnetConfig;
  readonly autoencoder: Autoencoder;
  /** Decodes previews, where another one than the model's own shall. */
  readonly previewAutoencoder?: Autoencoder;
  readonly textEncoders: readonly ClipTextConfig[];
  readonly scheduler: TrainedScheduler;
  readonly zerosForEmptyPrompt: boolean;
  readonly context: RequestContext;
}

/** One tokenizer for each text encoder. */
export type Tokenizers = readonly ClipTokenizer[];

const leastSide = 64;
const mostSide = 4096;

/** @throws NishikiError "checkpoint" for configs that are not supported, or that do not fit together. */
export function readModel(files: StableDiffusionDescription): StableDiffusionModel {
  const unet = readConditionalUnetConfig(files.unet);
  const autoencoder = readAutoencoder(files.vae);
  const previewAutoencoder = files.previewVae && readAutoencoder(files.previewVae);
  const textEncoders = files.textEncoders.map(readClipTextConfig);
  const scheduler = readScheduler(files.scheduler, getPipelineKind(unet));
  checkFit(unet, autoencoder, textEncoders);
  if (previewAutoencoder) checkPreview(autoencoder, previewAutoencoder);
  const context = getContext(files, { unet, autoencoder, textEncoders, scheduler });
  const { name, zerosForEmptyPrompt } = files;
  const parts = { unet, autoencoder, textEncoders, scheduler };
  return { name, ...parts, zerosForEmptyPrompt, context, ...(previewAutoencoder && { previewAutoencoder }) };
}

/** Whose rules of diffusers' pipelines hold. */
function getPipelineKind({ addition, timeConditionWidth }: ConditionalUnetConfig): PipelineKind {
  if (timeConditionWidth !== undefined) return "consistency";
  return addition ? "xl" : "stable-diffusion";
}

function checkPreview(own: Autoencoder, preview: Autoencoder): void {
  if (preview.latentChannels === own.latentChannels && preview.scale === own.scale) return;
  const describe = ({ latentChannels, scale }: Autoencoder) =>
    `${latentChannels} channels at 1/${scale} of the size`;
  throw new NishikiError(
    "checkpoint",
    `previewVae: expected an autoencoder with latents of ${describe(own)}, got one of ${describe(preview)}.`,
  );
}

function checkFit(
  unet: ConditionalUnetConfig,
  { latentChannels }: Autoencoder,
  encoders: readonly ClipTextConfig[],
): void {
  const refuse = (reason: string): never => {
    throw new NishikiError("checkpoint", `The model's parts do not fit together: ${reason}.`);
  };
  const width = encoders.reduce((sum, encoder) => sum + encoder.width, 0);
  if (width !== unet.crossWidth)
    refuse(`the text encoders give states of ${width} numbers, and the denoiser takes ${unet.crossWidth}`);
  if (unet.outChannels !== latentChannels)
    refuse(`the denoiser gives ${unet.outChannels} channels, and the autoencoder takes ${latentChannels}`);
  const known = [latentChannels, 2 * latentChannels + 1];
  if (!known.includes(unet.inChannels)) {
    const wanted = `${known[0]}, or ${known[1]} for inpainting`;
    refuse(`the denoiser takes ${unet.inChannels} channels; expected ${wanted}`);
  }
  const vector = encoders.at(-1)!.projection;
  const wanted = unet.addition && getVectorWidth(unet.addition);
  if (wanted !== undefined && wanted !== vector) {
    const given = vector ?? "none";
    refuse(`the denoiser takes a text vector of ${wanted} numbers, and the text encoder gives ${given}`);
  }
}

type Parts = Pick<StableDiffusionModel, "unet" | "autoencoder" | "textEncoders" | "scheduler">;

/** @throws NishikiError "usage" */
function checkSettings(settings: ImageSettings, { textEncoders, scheduler }: Parts): void {
  const { clipSkip = 0, sampler, steps, schedule } = settings;
  const layers = Math.min(...textEncoders.map((encoder) => encoder.layers));
  const most = layers - textEncoders.length; // XL never takes the last layer
  if (clipSkip > most) {
    const has = `this model's text encoder has ${layers} layers`;
    throw new NishikiError("usage", `clipSkip: ${has}; expected at most ${most}, got ${clipSkip}.`);
  }
  if (scheduler.sampler === undefined && sampler === scheduler.className) {
    const names = Object.keys(samplers).join(", ");
    const published = `this model was published with ${quote(sampler)}, which is not known here`;
    throw new NishikiError("usage", `sampler: ${published}; name another, one of ${names}.`);
  }
  planSteps(scheduler, {
    sampler: getSampler(sampler).name,
    stepSchedule: schedule as StepScheduleName | undefined,
    steps,
    strength: settings.init?.strength ?? 1,
  });
}

/** Settings that suit a model where nothing else is asked; diffusers' pipelines have the same scales. */
function getDefaults({ unet, scheduler }: Parts): RequestContext["defaults"] {
  const common = {
    // An unknown scheduler is refused by its name, unless a request names a sampler.
    sampler: scheduler.sampler ?? scheduler.className,
    rng: "torch-cpu" as const,
  };
  if (unet.timeConditionWidth !== undefined) return { ...common, sampler: "lcm", steps: 4, guidance: 8 };
  if (scheduler.sampler === "lcm") return { ...common, steps: 4, guidance: 1 };
  // Models that were distilled to a step or four are published with the trailing spacing (Sauer et al. 2023).
  const isTurbo = scheduler.spacing === "trailing" && scheduler.prediction === "eps";
  if (isTurbo) return { ...common, steps: unet.addition ? 4 : 1, guidance: 0 };
  return { ...common, steps: 25, guidance: unet.addition ? 5 : 7.5 };
}

function getContext({ unet: json }: StableDiffusionDescription, parts: Parts): RequestContext {
  const { scale } = parts.autoencoder;
  const { sample_size: side } = json;
  const size = typeof side === "number" ? side * scale : 512;
  if (!(Number.isSafeInteger(size) && size >= leastSide && size <= mostSide)) {
    const expected = `a whole number from ${leastSide / scale} to ${mostSide / scale}`;
    const message = `UNet2DConditionModel config: sample_size: expected ${expected}, got ${side}.`;
    throw new NishikiError("checkpoint", message);
  }
  return {
    defaults: getDefaults(parts),
    sizes: {
      usual: { width: size, height: size },
      range: { step: scale, least: leastSide, most: mostSide },
    },
    takes: ["schedule", "rng", "init", "inpaint", "variation", "clipSkip", "seamless", "deepCache"],
    check: (settings) => checkSettings(settings, parts),
  };
}
