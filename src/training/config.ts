// The config of a training run: a JSON file, read strictly. `KIND-config.ts` declares each kind; its type,
// check, defaults, help text and part of the JSON Schema all derive from the declaration.
import { readFile } from "node:fs/promises";
import { fileError } from "../checkpoint/node.js";
import { decodeText } from "../data/index.js";
import { NishikiError, showText } from "../errors.js";
import { listFields, parse, show, toJsonSchema, type z } from "../schema/index.js";
import { type AutoencoderTrainingConfig, autoencoderConfigSchema } from "./autoencoder-config.js";
import { type ClassifierTrainingConfig, classifierConfigSchema } from "./classifier-config.js";
import { type DenoiserTrainingConfig, denoiserConfigSchema } from "./denoiser-config.js";
import { type DistillationTrainingConfig, distillationConfigSchema } from "./distillation-config.js";
import { type FineTuningConfig, fineTuningConfigSchema } from "./fine-tuning-config.js";
import {
  type SuperResolutionTrainingConfig,
  superResolutionConfigSchema,
} from "./super-resolution-config.js";

export type {
  AutoencoderTrainingConfig,
  ClassifierTrainingConfig,
  DenoiserTrainingConfig,
  DistillationTrainingConfig,
  FineTuningConfig,
  SuperResolutionTrainingConfig,
};

export type TrainingConfig =
  | AutoencoderTrainingConfig
  | DenoiserTrainingConfig
  | DistillationTrainingConfig
  | FineTuningConfig
  | ClassifierTrainingConfig
  | SuperResolutionTrainingConfig;

/** The kinds of runs and their networks. */
const kinds = {
  autoencoder: {
    schema: autoencoderConfigSchema,
    trains: "an autoencoder, which turns images into latents and back",
  },
  denoiser: {
    schema: denoiserConfigSchema,
    trains: "a denoiser, which turns prompts into latents; writes a model folder",
  },
  "super-resolution": {
    schema: superResolutionConfigSchema,
    trains: "a super-resolution network, which doubles the size of images",
  },
  classifier: {
    schema: classifierConfigSchema,
    trains: "a classifier, which recognises what images show and scores models",
  },
  distillation: {
    schema: distillationConfigSchema,
    trains: "a distilled student, which draws in few steps without guidance (--fast)",
  },
  "fine-tuning": {
    schema: fineTuningConfigSchema,
    trains: 'a model on images of your own ("nishiki finetune" writes this config for you)',
  },
} as const satisfies Record<string, { readonly schema: z.ZodType<TrainingConfig>; readonly trains: string }>;

type Kind = keyof typeof kinds;
export const trainingKinds = Object.keys(kinds) as readonly Kind[];

const oldKinds: Readonly<Record<string, Kind>> = {
  superResolution: "super-resolution",
  judge: "classifier",
  fineTuning: "fine-tuning",
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function readKind(value: unknown): Kind {
  const kind = trainingKinds.find((each) => each === value);
  if (kind !== undefined) return kind;
  const renamed = typeof value === "string" && Object.hasOwn(oldKinds, value) ? oldKinds[value] : undefined;
  const cure = renamed === undefined ? "" : `; its name is now "${renamed}"`;
  const message = `kind: expected one of ${trainingKinds.join(", ")}, got ${show(value)}${cure}.`;
  throw new NishikiError("usage", message);
}

/**
 * Checks a config and fills in its defaults. Drops `$schema`, which is for editors.
 * @throws NishikiError "usage" with a sentence for each fault: field, expected value and actual value
 */
export function completeTrainingConfig(value: unknown): TrainingConfig {
  if (!isRecord(value))
    throw new NishikiError("usage", `the config: expected an object, got ${show(value)}.`);
  const { $schema: _, ...config } = value;
  return parse(kinds[readKind(value.kind)].schema, config, { name: "the config" });
}

/**
 * Reads a config from a JSON file.
 * @param changes.steps replaces the schedule's number of steps
 * @throws NishikiError "file", "usage"
 */
export async function loadTrainingConfig(
  path: string,
  { steps }: { readonly steps?: number | undefined } = {},
): Promise<TrainingConfig> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw fileError(error, `read the config ${path}`);
  });
  try {
    const value = readJson(bytes);
    return completeTrainingConfig(steps === undefined ? value : withSteps(value, steps));
  } catch (error) {
    const reason = (error as Error).message;
    const separator = reason.includes("\n") ? "\n" : " ";
    throw new NishikiError("usage", `${path} cannot be used:${separator}${reason}`, { cause: error });
  }
}

/** JSON as editors of all systems save it. Throws an Error whose message is the fault. */
function readJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = decodeText(bytes);
  } catch (error) {
    throw new Error(`it ${(error as Error).message}.`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`it is not valid JSON (${showText((error as Error).message, { limit: 150 })}).`);
  }
}

function withSteps(value: unknown, steps: number): unknown {
  if (!isRecord(value) || !isRecord(value.schedule)) return value;
  return { ...value, schedule: { ...value.schedule, steps } };
}

/** All fields of all kinds with their defaults, as text for a terminal. */
export function describeTrainingConfig(): string {
  const rows = Object.values(kinds).map(({ schema }) => describeFields(schema));
  const shared = rows[0]!.filter((row) => rows.every((others) => others.includes(row)));
  const parts = Object.entries(kinds).map(([kind, { trains }], i) => [
    `"kind": "${kind}" trains ${trains}:`,
    ...rows[i]!.filter((row) => !shared.includes(row)),
  ]);
  return [["Fields of every kind:", ...shared], ...parts].map((lines) => lines.join("\n")).join("\n\n");
}

function describeFields(schema: z.ZodType): string[] {
  const rows = listFields(schema).filter(({ path }) => path !== "kind");
  return rows
    .filter(({ path }) => !rows.some((other) => other.path.startsWith(`${path}.`)))
    .map(({ path, description, defaultText, isRequired }) => {
      const usual = defaultText ?? (isRequired ? "required" : undefined);
      return `  ${path.padEnd(34)}${description}${usual === undefined ? "" : ` (${usual})`}`;
    });
}

/** The JSON Schema of all kinds, for `"$schema"` in configs: editors complete and check with it. */
export function getTrainingConfigSchema(): object {
  const options = Object.values(kinds).map(({ schema }) => {
    const { $schema: _, ...json } = toJsonSchema(schema) as {
      readonly $schema?: string;
      readonly properties: object;
    };
    return { ...json, properties: { $schema: { type: "string" }, ...json.properties } };
  });
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Training run of Nishiki",
    oneOf: options,
  };
}

/** A small config as a starting point. */
export const exampleConfig = {
  kind: "autoencoder",
  folder: "runs/my-autoencoder",
  data: { folder: "my-images" },
  batchSize: 8,
  schedule: { steps: 2000, learningRate: 0.003 },
} as const;
