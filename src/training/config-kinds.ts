// The kinds of training runs and what decides each, as configs are read.
import type {
  AutoencoderConfig,
  DenoiserConfig,
  JudgeConfig,
  SuperResolutionConfig,
} from "../models/index.js";
import type { ModelDefaults, SuperResolutionSettings } from "../pipeline/index.js";
import type { CommonConfig } from "./config-fields.js";
import type { AutoencoderLoss } from "./tasks/autoencoder.js";
import type { TimesConfig } from "./tasks/denoiser.js";

export interface AutoencoderTrainingConfig extends CommonConfig {
  readonly kind: "autoencoder";
  readonly network: AutoencoderConfig;
  /** "decoder": the encoder stays as it is, and with it all latents and what has learned them. */
  readonly part: "both" | "decoder";
  readonly loss: AutoencoderLoss;
  readonly samples: number;
}

/** Where the latents of a denoiser's pictures come from. */
export interface LatentsConfig {
  readonly folder?: string;
  readonly pictures: number;
  readonly perShard: number;
  readonly firstShards: number;
  readonly stepsPerShard: number;
}

/** What the model's folder says of it. */
export interface ModelNote {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
}

export interface DenoiserTrainingConfig extends CommonConfig {
  readonly kind: "denoiser";
  readonly network: DenoiserConfig;
  readonly autoencoder: { readonly run: string; readonly network: AutoencoderConfig };
  readonly latents: LatentsConfig;
  readonly tokens: number;
  readonly captionDropout: number;
  readonly times: TimesConfig;
  readonly prompts: readonly string[];
  readonly drawing: ModelDefaults;
  readonly model: ModelNote;
}

export interface SuperResolutionTrainingConfig extends CommonConfig {
  readonly kind: "superResolution";
  readonly network: SuperResolutionConfig;
  readonly autoencoder?: { readonly run: string; readonly network: AutoencoderConfig };
  readonly roundTrips: number;
  readonly crop: number;
  readonly cropsPerPicture: number;
  readonly augmentation: number;
  readonly drawing: SuperResolutionSettings;
  readonly model?: string;
  readonly samples: number;
}

/** The teacher's paths, from which a student learns. */
export interface PathsConfig {
  readonly folder?: string;
  readonly count: number;
  readonly perShard: number;
  readonly firstShards: number;
  readonly stepsPerShard: number;
  readonly steps: number;
  readonly stepsPerWindow: number;
  readonly guidance?: number;
  readonly sampler?: string;
}

export interface DistillationTrainingConfig extends CommonConfig {
  readonly kind: "distillation";
  readonly teacher: string;
  readonly latents: Pick<LatentsConfig, "folder" | "perShard">;
  readonly paths: PathsConfig;
  readonly prompts: readonly string[];
}

export interface FineTuningConfig extends CommonConfig {
  readonly kind: "fineTuning";
  readonly model: string;
  readonly method: "lora" | "full";
  readonly rank: number;
  readonly alpha: number;
  readonly latents: Pick<LatentsConfig, "folder">;
  readonly captionDropout: number;
  readonly times: TimesConfig;
  readonly prompts: readonly string[];
}

export interface JudgeTrainingConfig extends CommonConfig {
  readonly kind: "judge";
  readonly network: JudgeConfig;
  readonly autoencoder?: { readonly run: string; readonly network: AutoencoderConfig };
  readonly roundTrips: number;
  readonly latentNoise: number;
  readonly samples: number;
}

export type TrainingConfig =
  | AutoencoderTrainingConfig
  | DenoiserTrainingConfig
  | DistillationTrainingConfig
  | FineTuningConfig
  | JudgeTrainingConfig
  | SuperResolutionTrainingConfig;
