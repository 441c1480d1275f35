// What the configs of all kinds of runs have in common. Every default stands in these tables, once.
import {
  type Check,
  filledText,
  listOf,
  numberWithin,
  oneOf,
  optional,
  wholeNumber,
} from "../pipeline/check.js";
import { type DataConfig, readData, scenesOf } from "./data-config.js";
import { derived, field, group, needed, type Table } from "./fields.js";
import type { OptimizerConfig } from "./optimizer.js";
import type { ScheduleConfig } from "./schedule.js";

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

export const positive = numberWithin(Number.MIN_VALUE, 1e12);
export const share = numberWithin(0, 1);
export const size = wholeNumber(1, 1 << 20);

export const pair = <T>(check: Check<T>): Check<readonly [T, T]> => {
  return (value, where) => listOf(check, 2)(value, where) as unknown as readonly [T, T];
};

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

export const common = {
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
export const lanes = derived(
  wholeNumber(1, 1024),
  "parts of a batch that are computed beside each other; 1 takes less memory",
  ({ batchSize }) => ((batchSize as number) % 2 === 0 ? 2 : 1),
  "2, or 1 where the batch is odd",
);

export const often = {
  optimizer: group(optimizer, "how weights follow gradients"),
  schedule: group(schedule, "how the run goes on"),
  checkpointEvery: field(size, "steps between checkpoints", 100),
  sampleEvery: field(size, "steps between pictures for a person to look at", 500),
};
