// A DeepFloyd IF model without its weights: the configs of its stages, its limits and its defaults.
import {
  getSampler,
  getTrainedLimit,
  getTrainedSchedule,
  type Limit,
  type NoiseSchedule,
  planSteps,
  readScheduler,
  type StepScheduleName,
  type TrainedScheduler,
} from "../../../diffusion/index.js";
import { NishikiError } from "../../../errors.js";
import {
  type AddedKvUnetConfig,
  getUnetStep,
  readAddedKvUnetConfig,
  readT5EncoderConfig,
  type T5EncoderConfig,
} from "../../../models/index.js";
import type { ImageSettings } from "../../image-request.js";
import { type ImageSizes, type RequestContext, usesInitInAllStages } from "../../request-context.js";
import type { UpscalerModel } from "../upscaler/model.js";

type Json = Readonly<Record<string, unknown>>;

/** The configs of a stage's files. */
export interface IfStageDescription {
  readonly unet: Json;
  readonly scheduler: Json;
  /** The schedule of the noise on the image that stage 2 enlarges; stage 1 has none. */
  readonly noising?: Json | undefined;
}

export interface IfStage {
  readonly number: 1 | 2;
  readonly unet: AddedKvUnetConfig;
  readonly scheduler: TrainedScheduler;
  readonly limit: Limit | undefined;
  /** Width and height, in pixels. */
  readonly side: number;
  /** Of the noise on the image that it enlarges. */
  readonly noising: NoiseSchedule | undefined;
}

export interface IfModel {
  readonly name: string;
  readonly text: T5EncoderConfig;
  /** Stage 1, stage 2, or both. */
  readonly stages: readonly IfStage[];
  /** Stage 3: Stable Diffusion's x4 upscaler. */
  readonly upscaler: UpscalerModel | undefined;
  readonly context: RequestContext;
}

/** How much larger, per side, the image of stage 2 is. */
export const enlargement = 4;

/** The defaults of diffusers' pipelines. */
export const stageDefaults = {
  1: { steps: 100, guidance: 7, noiseLevel: 0 },
  2: { steps: 50, guidance: 4, noiseLevel: 250 },
  // The noise level that DeepFloyd's documentation takes.
  3: { steps: 75, guidance: 9, noiseLevel: 100 },
} as const;

const refuse = (reason: string): never => {
  throw new NishikiError("checkpoint", `The model's parts do not fit together: ${reason}.`);
};

function readStage({ unet: json, scheduler: trained, noising }: IfStageDescription): IfStage {
  const unet = readAddedKvUnetConfig(json);
  const scheduler = readScheduler(trained, "pixels");
  const { sample_size: side } = json;
  const [least, most] = [getUnetStep(unet), 1024];
  if (
    typeof side !== "number" ||
    !Number.isSafeInteger(side) ||
    side < least ||
    side > most ||
    side % least !== 0
  ) {
    const expected = `a multiple of ${least} up to ${most}`;
    throw new NishikiError(
      "checkpoint",
      `UNet2DConditionModel config: sample_size: expected ${expected}, got ${side}.`,
    );
  }
  const channels = noising ? 6 : 3;
  if (unet.inChannels !== channels)
    refuse(
      `the denoiser takes ${unet.inChannels} channels; expected ${channels} in stage ${noising ? 2 : 1}`,
    );
  if (unet.outChannels !== 3 && unet.outChannels !== 6)
    refuse(`the denoiser outputs ${unet.outChannels} channels; expected 3, or 6 with variances`);
  if (noising && unet.classEmbedding?.kind !== "timestep")
    refuse("the denoiser of stage 2 takes no noise level (class_embed_type is not timestep)");
  const limit = getTrainedLimit(scheduler);
  const noise = noising && getTrainedSchedule(readScheduler(noising, "pixels"));
  return { number: noising ? 2 : 1, unet, scheduler, limit, side, noising: noise };
}

/**
 * Reads the configs of a model.
 * @param stages Those of stage 1, stage 2, or both.
 * @throws NishikiError "checkpoint" for unsupported or mismatched configs
 */
export function readIfModel(
  name: string,
  textEncoder: Json,
  stages: readonly IfStageDescription[],
  upscaler?: UpscalerModel,
): IfModel {
  const text = readT5EncoderConfig(textEncoder);
  const read = stages.map(readStage);
  for (const { number, unet } of read) {
    const width = unet.tokens && "width" in unet.tokens ? unet.tokens.width : unet.crossWidth;
    if (width !== text.width)
      refuse(
        `the text encoder's states are ${text.width} wide, but the denoiser of stage ${number} takes ${width}`,
      );
  }
  const [first, second] = read;
  if (first && second && second.side !== enlargement * first.side)
    refuse(
      `stage 1 draws ${first.side} pixels, so stage 2 should draw ${enlargement * first.side}, not ${second.side}`,
    );
  return { name, text, stages: read, upscaler, context: getContext(read, upscaler) };
}

/** The sizes after a stage; it enlarges the init image where there is one before it. */
function getSizes(stages: readonly IfStage[], index: number): ImageSizes {
  const { side, number } = stages[index]!;
  const initScale = number === 2 ? enlargement : 1;
  const steps = stages
    .slice(0, index + 1)
    .map((stage) => getUnetStep(stage.unet) * (stage.number === 1 ? initScale : 1));
  // Both are powers of two; stage 2 alone takes any image whose side is whole.
  const step = Math.max(initScale, ...steps);
  return {
    usual: { width: side, height: side },
    range: { step, least: Math.max(step, side / 4), most: 4 * side },
    initScale,
    ...(index > 0 && { wholeInitScale: 1 }),
  };
}

/** The sizes after stage 3, which enlarges the last of these. */
function enlargeSizes({ usual, range, initScale = 1, wholeInitScale = initScale }: ImageSizes): ImageSizes {
  const times = (length: number) => enlargement * length;
  const { step, least, most } = range!;
  return {
    usual: { width: times(usual.width), height: times(usual.height) },
    range: { step: times(step), least: times(least), most: times(most) },
    initScale: times(initScale),
    wholeInitScale: times(wholeInitScale),
  };
}

function getContext(stages: readonly IfStage[], upscaler: UpscalerModel | undefined): RequestContext {
  const first = stages[0]!;
  const pixelSizes = stages.map((_, index) => getSizes(stages, index));
  const stageSizes = upscaler ? [...pixelSizes, enlargeSizes(pixelSizes.at(-1)!)] : pixelSizes;
  return {
    defaults: {
      sampler: first.scheduler.sampler ?? first.scheduler.className,
      rng: "torch-cpu",
      steps: stageDefaults[first.number].steps,
      guidance: stageDefaults[first.number].guidance,
    },
    sizes: stageSizes.at(-1)!,
    stageSizes,
    needsInit: first.number === 2,
    composesPrompts: true,
    takes: [
      "promptSpread",
      "cads",
      "schedule",
      "timesteps",
      "rng",
      "init",
      ...(first.number === 1 ? ["inpaint" as const] : []),
      "variation",
      "stages",
      "superResolution",
    ],
    check: (settings) => checkSettings(settings, stages, upscaler),
  };
}

/** What a stage is asked for. */
export interface StageSettings {
  readonly steps: number;
  readonly guidance: number;
  /** Noise on the image that the stage enlarges. */
  readonly noiseLevel: number;
  readonly times?: readonly number[] | undefined;
  readonly schedule?: string | undefined;
  /** The share of the steps that an init image leaves. */
  readonly strength: number;
}

/** The settings of the stages that a request draws: stage 2 has its own, unless it is the only one. */
export function getStageSettings(
  settings: ImageSettings,
  stages: readonly IfStage[],
): readonly StageSettings[] {
  const { superResolution = {}, init, steps, guidance, timesteps: times, schedule } = settings;
  const { strength: later = [0.8] } = superResolution; // diffusers' default
  const drawn = stages.slice(0, settings.stages ?? stages.length);
  return drawn.map(({ number }, i) => {
    const defaults = stageDefaults[number];
    const noiseLevel = superResolution.noiseLevel?.[0] ?? defaults.noiseLevel;
    if (i === 0)
      return {
        steps,
        guidance,
        noiseLevel,
        times,
        schedule,
        strength: number === 1 ? (init?.strength ?? 1) : 1,
      };
    return {
      steps: superResolution.steps?.[0] ?? superResolution.timesteps?.length ?? defaults.steps,
      times: superResolution.timesteps,
      guidance: superResolution.guidance?.[0] ?? defaults.guidance,
      noiseLevel,
      strength: init && usesInitInAllStages(settings) ? later[0]! : 1,
    };
  });
}

/** Whether a request draws stage 3. */
export const drawsThird = (
  { stages: drawn }: Pick<ImageSettings, "stages">,
  { stages, upscaler }: Pick<IfModel, "stages" | "upscaler">,
): boolean => upscaler !== undefined && (drawn === undefined || drawn > stages.length);

/** The request that stage 3 draws: its prompts, with settings of its own. */
export function getThirdSettings(
  settings: ImageSettings,
  { stages, upscaler }: Pick<IfModel, "stages" | "upscaler">,
): ImageSettings {
  const { superResolution = {} } = settings;
  const { steps, guidance, noiseLevel } = stageDefaults[3];
  const before = stages.length - 1; // stages with settings in these lists
  const enlarging = stages.filter(({ number }) => number === 2).length;
  const { schedule: _, timesteps: __, init: ___, inpaint: ____, stages: _____, ...rest } = settings;
  return {
    ...rest,
    sampler: upscaler!.context.defaults.sampler,
    steps: superResolution.steps?.[before] ?? steps,
    guidance: superResolution.guidance?.[before] ?? guidance,
    superResolution: { noiseLevel: [superResolution.noiseLevel?.[enlarging] ?? noiseLevel] },
  };
}

/** Plans a stage's steps. @throws NishikiError "usage" */
export function planStage({ scheduler }: IfStage, sampler: string, settings: StageSettings) {
  const { steps, times, schedule, strength } = settings;
  return planSteps(scheduler, {
    sampler: getSampler(sampler).name,
    stepSchedule: schedule as StepScheduleName | undefined,
    steps,
    times,
    strength,
  });
}

/** @throws NishikiError "usage" */
function checkSettings(
  settings: ImageSettings,
  stages: readonly IfStage[],
  upscaler: UpscalerModel | undefined,
): void {
  const drawn = getStageSettings(settings, stages);
  const third = drawsThird(settings, { stages, upscaler }) ? 1 : 0;
  const later = drawn.length - 1 + third;
  const enlarging = stages.slice(0, drawn.length).filter(({ number }) => number === 2).length + third;
  for (const [name, value] of Object.entries(settings.superResolution ?? {})) {
    const isOfPixels = name === "timesteps" || name === "strength";
    const count = name === "noiseLevel" ? enlarging : isOfPixels ? drawn.length - 1 : later;
    const length = name === "timesteps" ? Math.min(1, value?.length ?? 0) : (value?.length ?? 0);
    if (length > count) throw refuseList(name, count, length, stages[0]!.number === 2);
  }
  if (settings.superResolution?.strength && !settings.init)
    throw new NishikiError("usage", "superResolution.strength: requires an init.image, got none.");
  if (third && settings.inpaint?.onlyMasked !== undefined)
    throw new NishikiError(
      "usage",
      "inpaint.onlyMasked: stage 3 enlarges whole images; omit it, or draw 2 stages.",
    );
  drawn.forEach((one, i) => {
    if (Math.trunc(one.steps * one.strength) < 1) {
      const least = `at least ${1 / one.steps}, which is one step of ${one.steps}`;
      throw new NishikiError("usage", `superResolution.strength: expected ${least}, got ${one.strength}.`);
    }
    planStage(stages[i]!, settings.sampler, one);
  });
  if (third) upscaler!.context.check?.(getThirdSettings(settings, { stages, upscaler }));
}

function refuseList(name: string, count: number, length: number, isSecond: boolean): NishikiError {
  const stages = count === 1 ? "1 super-resolution stage" : `${count} super-resolution stages`;
  const cure = isSecond && count === 0 ? `; this model is the super-resolution stage, so use ${name}` : "";
  const message = `superResolution.${name}: expected values for ${stages}, got ${length}${cure}.`;
  return new NishikiError("usage", message);
}
