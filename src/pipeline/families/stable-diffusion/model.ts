// A Stable Diffusion model without its weights: the configs of its networks, its limits and its defaults.
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
import { splitPasses } from "../../complete-hires.js";
import { ipAdapterSettings } from "../../image-prompt-schema.js";
import type { ImageSettings } from "../../image-request.js";
import type { RequestContext } from "../../request-context.js";
import { type Autoencoder, readAutoencoder } from "./autoencoder.js";
import { getHiresSteps } from "./hires.js";
import {
  checkImagePrompt,
  type ImageEmbedding,
  type ImageEmbeddingDescription,
  readImageEmbedding,
} from "./image-embedding.js";
import { checkAttendedImages, type IpAdapter } from "./ip-adapter.js";
import { getVectorWidth } from "./programs.js";

type Json = Readonly<Record<string, unknown>>;

/** The configs of a model's files. */
export interface StableDiffusionDescription {
  readonly name: string;
  readonly unet: Json;
  readonly vae: Json;
  /** Of the autoencoder for previews. */
  readonly previewVae?: Json;
  readonly textEncoders: readonly Json[];
  /** Of a Stable unCLIP model. */
  readonly imageEmbedding?: ImageEmbeddingDescription;
  readonly ipAdapter?: IpAdapter;
  readonly scheduler: Json;
  readonly zerosForEmptyPrompt: boolean;
}

export interface StableDiffusionModel {
  readonly name: string;
  readonly unet: ConditionalUnetConfig;
  readonly autoencoder: Autoencoder;
  /** Decodes previews in place of the model's own autoencoder. */
  readonly previewAutoencoder?: Autoencoder;
  readonly textEncoders: readonly ClipTextConfig[];
  /** Lets the denoiser attend to images. */
  readonly ipAdapter?: IpAdapter;
  /** Conditions the denoiser on an image's embedding; requests must then have an image prompt. */
  readonly imageEmbedding?: ImageEmbedding;
  readonly scheduler: TrainedScheduler;
  readonly zerosForEmptyPrompt: boolean;
  readonly context: RequestContext;
}

/** One tokenizer for each text encoder. */
export type Tokenizers = readonly ClipTokenizer[];

const leastSide = 64;
const mostSide = 4096;

/** Reads the configs of a model. @throws NishikiError "checkpoint" for unsupported or mismatched configs */
export function readModel(files: StableDiffusionDescription): StableDiffusionModel {
  const unet = readConditionalUnetConfig(files.unet);
  const autoencoder = readAutoencoder(files.vae);
  const previewAutoencoder = files.previewVae && readAutoencoder(files.previewVae);
  const textEncoders = files.textEncoders.map(readClipTextConfig);
  const scheduler = readScheduler(files.scheduler, getPipelineKind(unet));
  checkFit(unet, autoencoder, textEncoders, files.imageEmbedding !== undefined);
  const imageEmbedding = files.imageEmbedding && readImageEmbedding(files.imageEmbedding, unet);
  if (previewAutoencoder) checkPreview(autoencoder, previewAutoencoder);
  const { ipAdapter } = files;
  const parts = {
    ...{ unet, autoencoder, textEncoders, scheduler },
    ...(imageEmbedding && { imageEmbedding }),
    ...(ipAdapter && { ipAdapter }),
  };
  const context = getContext(files, parts);
  const { name, zerosForEmptyPrompt } = files;
  return { name, ...parts, zerosForEmptyPrompt, context, ...(previewAutoencoder && { previewAutoencoder }) };
}

/** The diffusers pipeline whose rules apply; Stable unCLIP's takes a scheduler as it is, as XL's does. */
export function getPipelineKind({
  addition,
  timeConditionWidth,
  classEmbedding,
}: ConditionalUnetConfig): PipelineKind {
  if (timeConditionWidth !== undefined) return "consistency";
  return addition || classEmbedding?.kind === "projection" ? "xl" : "stable-diffusion";
}

function checkPreview(main: Autoencoder, preview: Autoencoder): void {
  if (preview.latentChannels === main.latentChannels && preview.scale === main.scale) return;
  const describe = ({ latentChannels, scale }: Autoencoder) =>
    `${latentChannels} channels at 1/${scale} of the size`;
  throw new NishikiError(
    "checkpoint",
    `previewVae: expected an autoencoder with latents of ${describe(main)}, got ${describe(preview)}.`,
  );
}

function checkFit(
  unet: ConditionalUnetConfig,
  { latentChannels }: Autoencoder,
  encoders: readonly ClipTextConfig[],
  hasClass: boolean,
): void {
  const refuse = (reason: string): never => {
    throw new NishikiError("checkpoint", `The model's parts do not fit together: ${reason}.`);
  };
  if (unet.classEmbedding && !hasClass)
    refuse(
      `the denoiser takes a class embedding (${unet.classEmbedding.kind}), which no other part provides`,
    );
  const width = encoders.reduce((sum, encoder) => sum + encoder.width, 0);
  if (width !== unet.crossWidth)
    refuse(`the text encoders' states are ${width} wide, but the denoiser takes ${unet.crossWidth}`);
  if (unet.outChannels !== latentChannels)
    refuse(`the denoiser outputs ${unet.outChannels} channels, but the autoencoder takes ${latentChannels}`);
  const known = [latentChannels, 2 * latentChannels + 1];
  if (!known.includes(unet.inChannels)) {
    refuse(
      `the denoiser takes ${unet.inChannels} channels; expected ${known[0]}, or ${known[1]} for inpainting`,
    );
  }
  const actual = encoders.at(-1)!.projection;
  const expected = unet.addition && getVectorWidth(unet.addition);
  if (expected !== undefined && expected !== actual) {
    const pooled = actual ?? "none";
    refuse(`the denoiser takes a text vector of ${expected} numbers, but the text encoder outputs ${pooled}`);
  }
}

type Parts = Pick<
  StableDiffusionModel,
  "unet" | "autoencoder" | "textEncoders" | "imageEmbedding" | "ipAdapter" | "scheduler"
>;

/** @throws NishikiError "usage" */
function checkSettings(
  settings: ImageSettings,
  { unet, textEncoders, imageEmbedding, ipAdapter, scheduler }: Parts,
): void {
  const { clipSkip = 0, sampler, steps, schedule } = settings;
  const layers = Math.min(...textEncoders.map((encoder) => encoder.layers));
  const most = layers - textEncoders.length; // XL never takes the last layer
  if (clipSkip > most) {
    const limit = `expected at most ${most}, as this model's text encoder has ${layers} layers`;
    throw new NishikiError("usage", `clipSkip: ${limit}; got ${clipSkip}.`);
  }
  if (scheduler.sampler === undefined && sampler === scheduler.className) {
    const names = Object.keys(samplers).join(", ");
    const published = `this model was published with ${quote(sampler)}, which is unknown`;
    throw new NishikiError("usage", `sampler: ${published}; choose one of ${names}.`);
  }
  if (imageEmbedding) checkImagePrompt(settings, imageEmbedding);
  if (ipAdapter) checkAttendedImages(settings, ipAdapter, unet);
  planSteps(scheduler, {
    sampler: getSampler(sampler).name,
    stepSchedule: schedule as StepScheduleName | undefined,
    steps,
    strength: settings.init?.strength ?? 1,
  });
  const { second } = splitPasses(settings);
  if (!second) return;
  planSteps(scheduler, {
    sampler: getSampler(second.sampler).name,
    stepSchedule: second.schedule as StepScheduleName | undefined,
    ...getHiresSteps(settings.hires!),
  });
}

/** The model's default settings; guidance scales match diffusers' pipelines. */
function getDefaults({ unet, imageEmbedding, scheduler }: Parts): RequestContext["defaults"] {
  const common = {
    // checkSettings rejects an unknown scheduler by name, unless the request names a sampler.
    sampler: scheduler.sampler ?? scheduler.className,
    rng: "torch-cpu" as const,
  };
  if (imageEmbedding) return { ...common, steps: 20, guidance: 10 };
  if (unet.timeConditionWidth !== undefined) return { ...common, sampler: "lcm", steps: 4, guidance: 8 };
  if (scheduler.sampler === "lcm") return { ...common, steps: 4, guidance: 1 };
  // Models distilled to one to four steps are published with trailing spacing (Sauer et al. 2023).
  const isTurbo = scheduler.spacing === "trailing" && scheduler.prediction === "eps";
  if (isTurbo) return { ...common, steps: unet.addition ? 4 : 1, guidance: 0 };
  return { ...common, steps: 25, guidance: unet.addition ? 5 : 7.5 };
}

const adapterCures = Object.fromEntries(
  ipAdapterSettings.map((name) => [name, "load an IP-Adapter of its family with ipAdapter"]),
);

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
    composesPrompts: true,
    takes: [
      "schedule",
      "eta",
      "rng",
      "init",
      "inpaint",
      "variation",
      "hires",
      "clipSkip",
      "seamless",
      "deepCache",
      "stopAt",
      "promptSpread",
      "cads",
      ...(parts.imageEmbedding?.encoder ? (["imagePrompt"] as const) : []),
      ...(parts.imageEmbedding?.prior ? (["prior"] as const) : []),
      ...(parts.ipAdapter ? ipAdapterSettings : []),
    ],
    ...(!parts.imageEmbedding && !parts.ipAdapter && { cures: adapterCures }),
    check: (settings) => checkSettings(settings, parts),
  };
}
