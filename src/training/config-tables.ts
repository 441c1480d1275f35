// The fields of configs for the networks of a model: autoencoder, denoiser, super-resolution.
import { parseSamplerName } from "../diffusion/index.js";
import { autoencoderConfigs, denoiserConfigs, superResolutionConfigs } from "../models/index.js";
import {
  type Check,
  filledText,
  listOf,
  numberWithin,
  oneOf,
  optional,
  wholeNumber,
} from "../pipeline/check.js";
import type { ModelDefaults } from "../pipeline/index.js";
import { common, lanes, often, share, size } from "./config-fields.js";
import type {
  AutoencoderTrainingConfig,
  DenoiserTrainingConfig,
  LatentsConfig,
  ModelNote,
  SuperResolutionTrainingConfig,
} from "./config-kinds.js";
import { autoencoderNetwork, denoiserNetwork, superResolutionNetwork } from "./config-networks.js";
import { type Field, field, group, needed, recordWith, type Table } from "./fields.js";
import { type AutoencoderLoss, defaultAutoencoderLoss } from "./tasks/autoencoder.js";
import { defaultTimes, type TimesConfig } from "./tasks/denoiser.js";

const loss: Table<AutoencoderLoss> = {
  absolute: field(
    numberWithin(0, 1000),
    "weight of absolute beside squared differences",
    defaultAutoencoderLoss.absolute,
  ),
  latentNoise: field(
    numberWithin(0, 1000),
    "deviation of the noise added to latents",
    defaultAutoencoderLoss.latentNoise,
  ),
  latentSize: field(
    numberWithin(0, 1000),
    "weight of the latents' mean square",
    defaultAutoencoderLoss.latentSize,
  ),
};

export const autoencoderTable: Table<AutoencoderTrainingConfig> = {
  kind: needed(oneOf(["autoencoder"]), '"autoencoder"'),
  ...common,
  batchSize: field(size, "pictures in a step", 8),
  lanes,
  network: field(autoencoderNetwork, '"small", "tiny", or all sizes', autoencoderConfigs.small, '"small"'),
  part: field(
    oneOf(["both", "decoder"]),
    '"decoder": only that is trained, from startFrom on; latents stay as they are',
    "both",
  ),
  loss: group(loss, "what is made small"),
  ...often,
  samples: field(wholeNumber(1, 64), "pictures in a sample sheet", 8),
};

export const autoencoderTableOfRun: Table<DenoiserTrainingConfig["autoencoder"]> = {
  run: needed(filledText, "folder of the autoencoder's run, or a .safetensors file"),
  network: field(autoencoderNetwork, '"small", "tiny", or all sizes', autoencoderConfigs.small, '"small"'),
};

export const latents: Table<LatentsConfig> = {
  folder: field(
    optional(filledText),
    "where latents and text states are kept; made when they are not there",
    undefined,
    "latents in the run's folder",
  ),
  pictures: field(size, "pictures that are drawn and encoded in all", 100_000),
  perShard: field(wholeNumber(1, 100_000), "pictures in one file", 1000),
  firstShards: field(size, "files that the first step draws from", 4),
  stepsPerShard: field(wholeNumber(0, 1e9), "steps until one more is drawn from; 0: all from the start", 40),
};

export const samplerName: Check<string> = (value, where) =>
  parseSamplerName(filledText(value, where)).sampler;

const drawing: Table<ModelDefaults> = {
  steps: field(wholeNumber(1, 1000), "steps of the sampler, for samples and for the finished model", 20),
  guidance: field(numberWithin(0, 100), "guidance scale", 3),
  sampler: field(samplerName, "sampler", "euler"),
  shift: field(optional(numberWithin(0.01, 100)), "shift of the schedule towards noise", undefined, "none"),
};

const note: Table<ModelNote> = {
  name: field(filledText, "name of the model", "untitled"),
  version: field(filledText, "its version", "1"),
  licence: field(filledText, "its licence: an SPDX identifier, or words", "not stated"),
};

/** Drawn at every sample, at seed 0: what the project was founded on, and what anybody recognises. */
const fixedPrompts = [
  "cactus and keyboard, style by Hiroshige",
  "blue cat against a sunset background in style of Pablo Picasso",
  "comb, green",
  "a cat, 3d style",
  "a red apple, flat style",
  "a rocket against a night sky",
  "a house in the style of Hiroshige",
  "two fish",
];

export const captionDropout = field(share, "share of captions dropped, for guidance", 0.1);

/** Which times are trained, with the defaults of a kind of run. */
export function timesGroup(usual: TimesConfig): Field<TimesConfig> {
  return group<TimesConfig>(
    {
      mean: field(numberWithin(-10, 10), "times are 1/(1+e^-z): mean of z", usual.mean),
      deviation: field(numberWithin(0, 10), "and its deviation", usual.deviation),
    },
    "which times are trained",
  );
}

/** Samples of a run whose model draws. */
export const prompts = field(
  listOf(filledText),
  "drawn as samples at seed 0; none for no samples",
  fixedPrompts,
  "eight fixed ones",
);

export const denoiserTable: Table<DenoiserTrainingConfig> = {
  kind: needed(oneOf(["denoiser"]), '"denoiser"'),
  ...common,
  batchSize: field(size, "pictures in a step", 32),
  lanes,
  network: field(denoiserNetwork, '"small", "tiny", or all sizes', denoiserConfigs.small, '"small"'),
  autoencoder: group(autoencoderTableOfRun, "the autoencoder whose latents are learned"),
  latents: group(latents, "pictures encoded once"),
  tokens: field(wholeNumber(3, 512), "most tokens of a caption", 40),
  captionDropout,
  times: timesGroup(defaultTimes),
  ...often,
  prompts,
  drawing: group(drawing, "how samples are drawn"),
  model: group(note, "what the model's folder says of it"),
};

export const superResolutionTable: Table<SuperResolutionTrainingConfig> = {
  kind: needed(oneOf(["superResolution"]), '"superResolution"'),
  ...common,
  batchSize: field(size, "parts of pictures in a step", 16),
  lanes,
  network: field(
    superResolutionNetwork,
    '"small", "tiny", or all sizes',
    superResolutionConfigs.small,
    '"small"',
  ),
  autoencoder: field(
    optional(recordWith(autoencoderTableOfRun)),
    "{ run, network }: small pictures go through it, as a first stage's do",
    undefined,
    "none",
  ),
  roundTrips: field(share, "share of small pictures that go through the autoencoder", 0.75),
  crop: field(size, "side of a part, in pixels of the large picture", 128),
  cropsPerPicture: field(size, "parts taken from one picture", 4),
  augmentation: field(numberWithin(0, 2), "largest deviation of the noise on small pictures", 0.2),
  ...often,
  drawing: group(
    {
      steps: field(wholeNumber(1, 1000), "steps of the sampler", 4),
      augmentation: field(numberWithin(0, 2), "deviation of the noise on small pictures", 0.05),
    },
    "how samples are drawn",
  ),
  model: field(
    optional(filledText),
    "folder of a model that is given the part with each sample sheet",
    undefined,
    "none",
  ),
  samples: field(wholeNumber(1, 64), "pictures in a sample sheet", 4),
};
