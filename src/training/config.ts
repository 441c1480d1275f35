// The config of a training run: a JSON file, read strictly. Every default stands in the tables below, once.
import { readFile } from "node:fs/promises";
import { fileError } from "../checkpoint/node.js";
import { parseSamplerName } from "../diffusion/index.js";
import { NishikiError } from "../errors.js";
import {
  type AutoencoderConfig,
  autoencoderConfigs,
  type DenoiserConfig,
  denoiserConfigs,
  type SuperResolutionConfig,
  superResolutionConfigs,
} from "../models/index.js";
import {
  type Check,
  filledText,
  flag,
  isRecord,
  listOf,
  numberWithin,
  oneOf,
  optional,
  reject,
  wholeNumber,
} from "../pipeline/check.js";
import type { ModelDefaults, SuperResolutionSettings } from "../pipeline/index.js";
import { type DataConfig, readData, scenesOf } from "./data-config.js";
import { derived, describeFields, field, group, needed, recordWith, type Table } from "./fields.js";
import type { OptimizerConfig } from "./optimizer.js";
import type { ScheduleConfig } from "./schedule.js";
import { type AutoencoderLoss, defaultAutoencoderLoss } from "./tasks/autoencoder.js";

/** What every run has. Paths are taken from the folder in which the command is run. */
export interface CommonConfig {
  readonly folder: string;
  readonly seed: number;
  readonly batchSize: number;
  readonly data: DataConfig;
  readonly optimizer: OptimizerConfig;
  readonly schedule: ScheduleConfig;
  readonly checkpointEvery: number;
  readonly sampleEvery: number;
  readonly startFrom?: string;
  readonly lanes: number;
}

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

export type TrainingConfig =
  | AutoencoderTrainingConfig
  | DenoiserTrainingConfig
  | SuperResolutionTrainingConfig;

const positive = numberWithin(Number.MIN_VALUE, 1e12);
const share = numberWithin(0, 1);
const size = wholeNumber(1, 1 << 20);

const pair = <T>(check: Check<T>): Check<readonly [T, T]> => {
  return (value, where) => listOf(check, 2)(value, where) as unknown as readonly [T, T];
};

/** A name of a table of networks, or all sizes of one. */
function networkOf<T>(presets: Readonly<Record<string, T>>, table: Table<T>): Check<T> {
  const names = Object.keys(presets);
  const explicit = recordWith(table);
  return (value, where) => {
    if (isRecord(value)) return explicit(value, where);
    const name = names.find((preset) => preset === value);
    return name === undefined
      ? reject(
          where,
          `one of ${names.map((each) => `"${each}"`).join(", ")}, or an object with all sizes`,
          value,
        )
      : presets[name]!;
  };
}

const stages = listOf(oneOf(["conv", "attention"]));

const autoencoderNetwork = networkOf<AutoencoderConfig>(autoencoderConfigs, {
  fold: needed(size, "pixels of a side that are folded into channels"),
  widths: needed(pair(size), "channels at 1/fold and 1/(2·fold) of the size"),
  encoderBlocks: needed(pair(wholeNumber(0, 1000)), "blocks of the encoder at each size"),
  decoderBlocks: needed(pair(wholeNumber(0, 1000)), "blocks of the decoder at each size"),
  latentChannels: needed(size, "channels of the latents"),
});

const denoiserNetwork = networkOf<DenoiserConfig>(denoiserConfigs, {
  latentSize: needed(size, "side of the latents"),
  latentChannels: needed(size, "channels of the latents"),
  widths: needed(pair(size), "channels at 1/2 and 1/4 of the latents' size"),
  down: needed(stages, "stages on the way down"),
  middle: needed(stages, "stages in the middle"),
  up: needed(stages, "stages on the way up"),
  headWidth: needed(size, "channels of an attention head"),
  textWidth: needed(size, "width of the text encoder's states"),
  wordWidth: needed(size, "width of words inside"),
  conditionWidth: needed(size, "width of the vector that modulates the blocks"),
  preconditioned: field(
    optional(flag),
    "true: the network gives only what a linear guess lacks",
    undefined,
    "false",
  ),
});

const optimizer: Table<OptimizerConfig> = {
  kind: field(oneOf(["adamw", "muon"]), '"adamw", or "muon" for matrices with adamw for the rest', "muon"),
  betas: field(pair(numberWithin(0, 0.999999)), "decay of AdamW's two moments", [0.9, 0.99] as const),
  momentum: field(numberWithin(0, 0.999999), "momentum of Muon", 0.95),
  weightDecay: field(numberWithin(0, 1000), "decay of matrices, per step and unit of learning rate", 0.01),
  clip: field(positive, "largest norm of all gradients together", 1),
};

const schedule: Table<ScheduleConfig> = {
  steps: needed(wholeNumber(1, 1e9), "steps of the whole run; raise it and --resume to prolong a run"),
  learningRate: field(positive, "learning rate between warm-up and decay", 3e-3),
  warmup: field(wholeNumber(0, 1e9), "steps of linear growth at the start", 40),
  decay: derived(
    wholeNumber(0, 1e9),
    "steps of linear decay to zero at the end",
    ({ steps }) => Math.round((steps as number) / 4),
    "a quarter of the steps",
  ),
  average: field(
    numberWithin(0, 0.9999999),
    "decay of the moving average that samples are drawn with",
    0.995,
  ),
  averageEvery: field(wholeNumber(1, 1000), "steps from one update of that average to the next", 10),
};

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

const common = {
  folder: needed(filledText, "where checkpoint, metrics and pictures of the run go"),
  seed: field(wholeNumber(0), "of the first weights, the data's order and all noise", 1),
  data: field(readData, `pictures: { "scenes": { … } } or { "folder": "path" }`, scenesOf({}), "scenes"),
  startFrom: field(
    optional(filledText),
    "weights to begin with: a .safetensors file, or a run's folder",
    undefined,
    "random ones",
  ),
};

/** Two lanes suit every processor that has more than one core, and the number must not depend on the machine: bits do. */
const lanes = derived(
  wholeNumber(1, 1024),
  "parts of a batch that are computed beside each other; 1 takes less memory",
  ({ batchSize }) => ((batchSize as number) % 2 === 0 ? 2 : 1),
  "2, or 1 where the batch is odd",
);

const often = {
  optimizer: group(optimizer, "how weights follow gradients"),
  schedule: group(schedule, "how the run goes on"),
  checkpointEvery: field(size, "steps between checkpoints", 100),
  sampleEvery: field(size, "steps between pictures for a person to look at", 500),
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

const superResolutionNetwork = networkOf<SuperResolutionConfig>(superResolutionConfigs, {
  fold: needed(size, "pixels of a side that are folded into channels, an even number"),
  width: needed(size, "channels"),
  blocks: needed(wholeNumber(0, 1000), "blocks"),
  residualScale: needed(positive, "about the deviation of what is learned"),
});

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

/** The kinds of runs, each with its fields. */
const tables = {
  autoencoder: autoencoderTable,
  denoiser: denoiserTable,
  superResolution: superResolutionTable,
};
export const trainingKinds = ["autoencoder", "denoiser", "superResolution"] as const;

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
