// The config of a training run: a JSON file, read strictly. Every default stands once, in the tables of config-fields.ts and
// config-tables*.ts.
import { readFile } from "node:fs/promises";
import { fileError } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import { isRecord, oneOf, reject } from "../pipeline/check.js";
import type { TrainingConfig } from "./config-kinds.js";
import { autoencoderTable, denoiserTable, superResolutionTable } from "./config-tables.js";
import { distillationTable, fineTuningTable, judgeTable } from "./config-tables-of-models.js";
import { describeFields, recordWith, type Table } from "./fields.js";

export type * from "./config-kinds.js";

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
