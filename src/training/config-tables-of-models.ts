// The fields of configs that begin with a finished model or look at its pictures: distillation, fine-tuning, judges.
import { judgeConfigs } from "../models/index.js";
import { filledText, listOf, numberWithin, oneOf, optional, wholeNumber } from "../pipeline/check.js";
import { embeddedModel } from "../pipeline/node.js";
import { common, lanes, often, positive, share, size } from "./config-fields.js";
import type {
  DistillationTrainingConfig,
  FineTuningConfig,
  JudgeTrainingConfig,
  PathsConfig,
} from "./config-kinds.js";
import { judgeNetwork } from "./config-networks.js";
import {
  autoencoderTableOfRun,
  captionDropout,
  latents,
  prompts,
  samplerName,
  timesGroup,
} from "./config-tables.js";
import { derived, field, group, needed, recordWith, type Table } from "./fields.js";
import { evenTimes } from "./tasks/denoiser.js";

const paths: Table<PathsConfig> = {
  folder: field(
    optional(filledText),
    "where the teacher's paths are kept; made when they are not there",
    undefined,
    "paths in the run's folder",
  ),
  count: field(size, "paths in all, each from its own noise", 12_000),
  perShard: field(wholeNumber(1, 100_000), "paths in one file", 500),
  firstShards: field(size, "files that the first step draws from", 4),
  stepsPerShard: field(wholeNumber(0, 1e9), "steps until one more is drawn from; 0: all from the start", 20),
  steps: field(wholeNumber(1, 1000), "steps of the student", 4),
  stepsPerWindow: field(wholeNumber(1, 1000), "steps of the teacher for each of these", 3),
  guidance: field(
    optional(numberWithin(0, 100)),
    "guidance scale of the teacher",
    undefined,
    "that of its model",
  ),
  sampler: field(optional(samplerName), "sampler of the teacher", undefined, "that of its model"),
};

export const distillationTable: Table<DistillationTrainingConfig> = {
  kind: needed(oneOf(["distillation"]), '"distillation"'),
  ...common,
  batchSize: field(size, "steps of paths in a step", 128),
  lanes,
  teacher: field(filledText, "folder of the model that is taught from, and begun with", "weights"),
  latents: group({ folder: latents.folder, perShard: latents.perShard }, "captions, encoded once"),
  paths: group(paths, "what the teacher does"),
  ...often,
  prompts,
};

export const fineTuningTable: Table<FineTuningConfig> = {
  kind: needed(oneOf(["fineTuning"]), '"fineTuning"'),
  ...common,
  batchSize: field(size, "pictures in a step", 16),
  lanes,
  model: field(filledText, "folder of the model that learns", embeddedModel, "the embedded model"),
  method: field(
    oneOf(["lora", "full"]),
    '"lora" learns a small file beside the model, "full" changes the model itself',
    "lora",
  ),
  rank: field(size, "rank of a LoRA's matrices", 16),
  alpha: derived(positive, "a LoRA counts alpha/rank times", ({ rank }) => rank as number, "the rank"),
  latents: group({ folder: latents.folder }, "pictures encoded once"),
  captionDropout,
  times: timesGroup(evenTimes),
  ...often,
  prompts: field(
    listOf(filledText),
    "drawn before and after, at seed 0; none for no samples",
    [],
    "captions of the pictures, and two others",
  ),
};

export const judgeTable: Table<JudgeTrainingConfig> = {
  kind: needed(oneOf(["judge"]), '"judge"'),
  ...common,
  batchSize: field(size, "pictures in a step", 64),
  lanes,
  network: field(judgeNetwork, '"small", "tiny", or all sizes', judgeConfigs.small, '"small"'),
  autoencoder: field(
    optional(recordWith(autoencoderTableOfRun)),
    "{ run, network }: some pictures go through it, as a generator's do",
    undefined,
    "none",
  ),
  roundTrips: field(share, "share of pictures that go through the autoencoder", 0.3),
  latentNoise: field(numberWithin(0, 10), "largest deviation of noise on their latents", 0.25),
  ...often,
  samples: field(wholeNumber(1, 10_000), "unseen scenes that each sample measures the judge on", 256),
};
