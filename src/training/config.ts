// The config of a training run: a JSON file, read strictly. Every default stands once, in the tables here and of config-fields.ts.
import { readFile } from "node:fs/promises";
import { fileError } from "../checkpoint/node.js";
import { parseSamplerName } from "../diffusion/index.js";
import { NishikiError } from "../errors.js";
import {
  type AutoencoderConfig,
  autoencoderConfigs,
  type DenoiserConfig,
  denoiserConfigs,
  type JudgeConfig,
  judgeConfigs,
  type SuperResolutionConfig,
  superResolutionConfigs,
} from "../models/index.js";
import {
  type Check,
  filledText,
  isRecord,
  listOf,
  numberWithin,
  oneOf,
  optional,
  reject,
  wholeNumber,
} from "../pipeline/check.js";
import type { ModelDefaults, SuperResolutionSettings } from "../pipeline/index.js";
import { embeddedModel } from "../pipeline/node.js";
import { type CommonConfig, common, lanes, often, positive, share, size } from "./config-fields.js";
import {
  autoencoderNetwork,
  denoiserNetwork,
  judgeNetwork,
  superResolutionNetwork,
} from "./config-networks.js";
import { derived, describeFields, field, group, needed, recordWith, type Table } from "./fields.js";
import { type AutoencoderLoss, defaultAutoencoderLoss } from "./tasks/autoencoder.js";

export interface AutoencoderTrainingConfig extends CommonConfig {
  readonly kind: "autoencoder";
  readonly network: AutoencoderConfig;
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

const autoencoderTable: Table<AutoencoderTrainingConfig> = {
  kind: needed(oneOf(["autoencoder"]), '"autoencoder"'),
  ...common,
  batchSize: field(size, "pictures in a step", 8),
  lanes,
  network: field(autoencoderNetwork, '"small", "tiny", or all sizes', autoencoderConfigs.small, '"small"'),
  loss: group(loss, "what is made small"),
  ...often,
  samples: field(wholeNumber(1, 64), "pictures in a sample sheet", 8),
};

const autoencoderTableOfRun: Table<DenoiserTrainingConfig["autoencoder"]> = {
  run: needed(filledText, "folder of the autoencoder's run, or a .safetensors file"),
  network: field(autoencoderNetwork, '"small", "tiny", or all sizes', autoencoderConfigs.small, '"small"'),
};

const latents: Table<LatentsConfig> = {
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

const samplerName: Check<string> = (value, where) => parseSamplerName(filledText(value, where)).sampler;

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

const denoiserTable: Table<DenoiserTrainingConfig> = {
  kind: needed(oneOf(["denoiser"]), '"denoiser"'),
  ...common,
  batchSize: field(size, "pictures in a step", 32),
  lanes,
  network: field(denoiserNetwork, '"small", "tiny", or all sizes', denoiserConfigs.small, '"small"'),
  autoencoder: group(autoencoderTableOfRun, "the autoencoder whose latents are learned"),
  latents: group(latents, "pictures encoded once"),
  tokens: field(wholeNumber(3, 512), "most tokens of a caption", 40),
  captionDropout: field(share, "share of captions dropped, for guidance", 0.1),
  ...often,
  prompts: field(
    listOf(filledText),
    "drawn as samples at seed 0; none for no samples",
    fixedPrompts,
    "eight fixed ones",
  ),
  drawing: group(drawing, "how samples are drawn"),
  model: group(note, "what the model's folder says of it"),
};

const superResolutionTable: Table<SuperResolutionTrainingConfig> = {
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

const distillationTable: Table<DistillationTrainingConfig> = {
  kind: needed(oneOf(["distillation"]), '"distillation"'),
  ...common,
  batchSize: field(size, "steps of paths in a step", 128),
  lanes,
  teacher: field(filledText, "folder of the model that is taught from, and begun with", "weights"),
  latents: group({ folder: latents.folder, perShard: latents.perShard }, "captions, encoded once"),
  paths: group(paths, "what the teacher does"),
  ...often,
  prompts: field(
    listOf(filledText),
    "drawn as samples at seed 0; none for no samples",
    fixedPrompts,
    "eight fixed ones",
  ),
};

const fineTuningTable: Table<FineTuningConfig> = {
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
  captionDropout: field(share, "share of captions dropped, for guidance", 0.1),
  ...often,
  prompts: field(
    listOf(filledText),
    "drawn before and after, at seed 0; none for no samples",
    [],
    "captions of the pictures, and two others",
  ),
};

const judgeTable: Table<JudgeTrainingConfig> = {
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

/** The kinds of runs, each with its fields. */
const tables = {
  autoencoder: autoencoderTable,
  denoiser: denoiserTable,
  superResolution: superResolutionTable,
  judge: judgeTable,
  distillation: distillationTable,
  fineTuning: fineTuningTable,
};
export const trainingKinds = Object.keys(tables) as readonly (keyof typeof tables)[];

/**
 * Checks a config and fills in its defaults.
 * @throws NishikiError "usage" that names the field, what was expected and what came; unknown fields with the known ones.
 */
export function completeTrainingConfig(value: unknown): TrainingConfig {
  if (!isRecord(value)) return reject("the config", "an object", value);
  const kind = oneOf(trainingKinds)(value.kind, "kind");
  const config = recordWith<TrainingConfig>(tables[kind] as Table<TrainingConfig>)(value, "");
  const { steps, warmup, decay } = config.schedule;
  if (warmup + decay > steps)
    reject("schedule", `warmup and decay within the ${steps} steps`, { warmup, decay });
  return config;
}

/**
 * Reads a config from a JSON file.
 * @param changes.steps Takes the place of the schedule's.
 * @throws NishikiError "file", "usage"
 */
export async function loadTrainingConfig(
  path: string,
  { steps }: { readonly steps?: number } = {},
): Promise<TrainingConfig> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw fileError(error, `read the config ${path}`);
  });
  try {
    const value: unknown = JSON.parse(text);
    return completeTrainingConfig(steps === undefined ? value : withSteps(value, steps));
  } catch (error) {
    const { message } = error as Error;
    const reason = error instanceof SyntaxError ? `it is not valid JSON (${message}).` : message;
    throw new NishikiError("usage", `${path} cannot be used: ${reason}`, { cause: error });
  }
}

function withSteps(value: unknown, steps: number): unknown {
  if (!isRecord(value) || !isRecord(value.schedule)) return value;
  return { ...value, schedule: { ...value.schedule, steps } };
}

/** All fields of all kinds with their defaults, as text for a terminal. */
export function describeTrainingConfig(): string {
  return [
    "A config for an autoencoder:",
    ...describeFields(autoencoderTable),
    "",
    "A config for a denoiser:",
    ...describeFields(denoiserTable),
    "",
    "A config for super-resolution, the second stage that doubles pictures:",
    ...describeFields(superResolutionTable),
    "",
    "A config for a distillation, whose student draws in a few steps without guidance (--fast):",
    ...describeFields(distillationTable),
    "",
    "A config for fine-tuning a model on pictures of your own (--pictures writes one for you):",
    ...describeFields(fineTuningTable),
    "",
    "A config for a judge, which says what pictures show and scores those of a model:",
    ...describeFields(judgeTable),
  ].join("\n");
}

/** A small config to begin with. */
export const exampleConfig = {
  kind: "autoencoder",
  folder: "runs/my-autoencoder",
  data: { folder: "my-pictures" },
  batchSize: 8,
  schedule: { steps: 2000, learningRate: 0.003 },
} as const;
