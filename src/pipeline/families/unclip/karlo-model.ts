// A Karlo model without its weights: the configs of its networks, its limits and its defaults.
import {
  getTrainedLimit,
  type Limit,
  planSteps,
  readScheduler,
  type TrainedScheduler,
} from "../../../diffusion/index.js";
import { NishikiError } from "../../../errors.js";
import {
  type AddedKvUnetConfig,
  type ClipTextConfig,
  type ConfigRecord,
  getUnetStep,
  readAddedKvUnetConfig,
  readUnclipTextProjectionConfig,
  readUnconditionalUnetConfig,
  type UnclipTextProjectionConfig,
} from "../../../models/index.js";
import type { ImageSettings } from "../../image-request.js";
import type { ImageSizes, RequestContext } from "../../request-context.js";
import { type ImageEncoderModel, readImageEncoder } from "../../vision/image-encoder.js";
import { checkImagePrompt } from "./embeddings.js";
import {
  getOwnSampler,
  getPriorSettings,
  type PriorModel,
  planPrior,
  readPrior,
  readProjectedText,
  refuse,
} from "./prior.js";

/** The configs of a model's files. */
export interface KarloDescription {
  readonly name: string;
  readonly textEncoder: ConfigRecord;
  /** Absent in a model that draws variations of images only. */
  readonly prior?: { readonly config: ConfigRecord; readonly scheduler: ConfigRecord } | undefined;
  /** CLIP's image encoder and its image processor. */
  readonly imageEncoder?: { readonly config: ConfigRecord; readonly processor: ConfigRecord } | undefined;
  readonly textProjection: ConfigRecord;
  readonly decoder: ConfigRecord;
  readonly decoderScheduler: ConfigRecord;
  readonly superResolution: {
    readonly first: ConfigRecord;
    readonly last: ConfigRecord;
    readonly scheduler: ConfigRecord;
  };
}

/** A diffusion over pixels, and its side in pixels. */
export interface PixelStage {
  readonly scheduler: TrainedScheduler;
  readonly limit: Limit | undefined;
  readonly side: number;
}

export interface KarloModel {
  readonly name: string;
  readonly text: ClipTextConfig;
  readonly prior: PriorModel | undefined;
  readonly images: ImageEncoderModel | undefined;
  readonly textProjection: UnclipTextProjectionConfig;
  readonly decoder: PixelStage & { readonly unet: AddedKvUnetConfig };
  readonly superResolution: PixelStage & {
    readonly first: AddedKvUnetConfig;
    readonly last: AddedKvUnetConfig;
  };
  readonly context: RequestContext;
}

/** The defaults of diffusers' pipelines. */
export const karloDefaults = { steps: 25, guidance: 8, superResolutionSteps: 7 } as const;

const mostSide = 1024;

function readSide(json: ConfigRecord, unet: AddedKvUnetConfig, network: string): number {
  const { sample_size: side } = json;
  const step = getUnetStep(unet);
  if (
    typeof side === "number" &&
    Number.isSafeInteger(side) &&
    side >= step &&
    side <= mostSide &&
    side % step === 0
  )
    return side;
  const expected = `a multiple of ${step} up to ${mostSide}`;
  throw new NishikiError("checkpoint", `${network} config: sample_size: expected ${expected}, got ${side}.`);
}

function readStage(
  json: ConfigRecord,
  unet: AddedKvUnetConfig,
  trained: ConfigRecord,
  network: string,
): PixelStage {
  const scheduler = readScheduler(trained, "pixels");
  return { scheduler, limit: getTrainedLimit(scheduler), side: readSide(json, unet, network) };
}

/** Reads the configs of a model. @throws NishikiError "checkpoint" for unsupported or mismatched configs */
export function readKarlo(files: KarloDescription): KarloModel {
  const { name, prior, imageEncoder, superResolution: large } = files;
  const unet = readAddedKvUnetConfig(files.decoder);
  const [first, last] = [readUnconditionalUnetConfig(large.first), readUnconditionalUnetConfig(large.last)];
  const model = {
    name,
    text: readProjectedText(files.textEncoder),
    prior: prior && readPrior(files.textEncoder, prior.config, prior.scheduler),
    images: imageEncoder && readImageEncoder(imageEncoder.config, imageEncoder.processor),
    textProjection: readUnclipTextProjectionConfig(files.textProjection),
    decoder: { unet, ...readStage(files.decoder, unet, files.decoderScheduler, "UNet2DConditionModel") },
    superResolution: { first, last, ...readStage(large.first, first, large.scheduler, "UNet2DModel") },
  };
  checkFit(model);
  return { ...model, context: getContext(model) };
}

type Parts = Omit<KarloModel, "context">;

function checkFit({ text, prior, images, textProjection, decoder, superResolution }: Parts): void {
  const { clipWidth, timeWidth, crossWidth } = textProjection;
  if (text.width !== clipWidth || text.projection !== clipWidth)
    refuse(
      `the text encoder's states and embedding have ${text.width} and ${text.projection ?? "no"} numbers, but the text projection takes ${clipWidth}`,
    );
  for (const [what, width] of [
    ["prior", prior?.network.outputWidth],
    ["image encoder", images?.config.projection],
  ] as const)
    if (width !== undefined && width !== clipWidth)
      refuse(`the ${what}'s embeddings have ${width} numbers, but the text projection takes ${clipWidth}`);
  const { unet } = decoder;
  if (unet.classEmbedding?.kind !== "identity" || unet.tokens?.kind !== "states" || unet.addition)
    refuse(
      "the decoder takes other conditions than a text projection gives (class_embed_type, encoder_hid_dim, addition_embed_type)",
    );
  if (unet.timeWidth !== timeWidth || unet.crossWidth !== crossWidth)
    refuse(
      `the text projection gives ${timeWidth} numbers for the time and tokens of ${crossWidth}, but the decoder takes ${unet.timeWidth} and ${unet.crossWidth}`,
    );
  if (unet.inChannels !== 3 || unet.outChannels !== 6)
    refuse(
      `the decoder has ${unet.inChannels} channels in and ${unet.outChannels} out; expected 3, and 6 with variances`,
    );
  for (const network of [superResolution.first, superResolution.last])
    if (network.inChannels !== 6 || network.outChannels !== 3)
      refuse(
        `the super-resolution has ${network.inChannels} channels in and ${network.outChannels} out; expected 6 and 3`,
      );
  if (superResolution.side < decoder.side)
    refuse(`the decoder draws ${decoder.side} pixels, but the super-resolution only ${superResolution.side}`);
}

const square = (side: number): ImageSizes => ({ usual: { width: side, height: side } });

function getContext(parts: Parts): RequestContext {
  const { decoder, superResolution } = parts;
  const own = getOwnSampler(decoder.scheduler, "the decoder").name;
  const sizes = [square(decoder.side), square(superResolution.side)];
  return {
    defaults: {
      sampler: own,
      rng: "torch-cpu",
      steps: karloDefaults.steps,
      guidance: karloDefaults.guidance,
    },
    sizes: sizes[1]!,
    stageSizes: sizes,
    takes: ["rng", "init", "inpaint", "variation", "prior", "imagePrompt", "stages", "superResolution"],
    composesPrompts: true,
    check: (settings) => checkSettings(settings, parts),
  };
}

const usage = (sentence: string): never => {
  throw new NishikiError("usage", sentence);
};

/** @throws NishikiError "usage" */
function checkSettings(settings: ImageSettings, parts: Parts): void {
  const own = getOwnSampler(parts.decoder.scheduler, "the decoder").name;
  const { sampler, superResolution, stages, imagePrompt, prompt } = settings;
  if (sampler !== own) usage(`sampler: this model was trained for ${own} alone; omit it, got ${sampler}.`);
  if (superResolution?.guidance)
    usage("superResolution.guidance: this model's super-resolution has none; omit it.");
  if (superResolution?.strength)
    usage("superResolution.strength: this model's super-resolution begins with noise; omit it.");
  if (superResolution?.noiseLevel)
    usage("superResolution.noiseLevel: this model's super-resolution takes none; omit it.");
  if (superResolution && stages === 1)
    usage("superResolution: one stage does not enlarge; omit it, or draw 2 stages.");
  if ((superResolution?.steps?.length ?? 1) > 1)
    usage(`superResolution.steps: expected a value for one stage, got ${superResolution!.steps!.length}.`);
  checkImagePrompt(settings, false);
  if (!parts.prior && !imagePrompt) {
    const words = prompt === "" ? "nothing" : "a prompt alone";
    usage(
      `imagePrompt.images: this model has no prior, and draws variations of images; expected one, got ${words}.`,
    );
  }
  if (parts.prior) planPrior(parts.prior, getPriorSettings(settings));
  planPixels(parts.decoder, settings.steps, "steps", settings.init?.strength);
  planPixels(parts.superResolution, getSuperResolutionSteps(settings), "superResolution.steps");
}

export const getSuperResolutionSteps = ({ superResolution }: ImageSettings): number =>
  superResolution?.steps?.[0] ?? karloDefaults.superResolutionSteps;

/** Plans the steps of a stage. @throws NishikiError "usage" */
export function planPixels({ scheduler }: PixelStage, steps: number, setting: string, strength = 1) {
  if (steps < 2)
    usage(`${setting}: the times of a stage span its schedule; expected at least 2, got ${steps}.`);
  return planSteps(scheduler, { sampler: getOwnSampler(scheduler, "a stage").name, steps, strength });
}
