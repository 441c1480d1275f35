// Fields shared by configs of several kinds. Each default is declared once.
import { parseSamplerName } from "../diffusion/index.js";
import { autoencoderConfigs, autoencoderSchema } from "../models/index.js";
import { explain, nonEmptyText, numberBetween, positiveNumber, wholeNumber, z } from "../schema/index.js";
import { dataSchema } from "./data-config.js";
import { optimizerSchema } from "./optimizer.js";
import { scheduleSchema } from "./schedule.js";

/** A count, such as steps, images or channels. */
export const count = wholeNumber(1, 1 << 20);
export const share = numberBetween(0, 1);
export const positive = positiveNumber(1e12);
/** Fields of every run. Paths are relative to the working directory. */
export const common = {
  folder: explain(nonEmptyText, "run folder, for checkpoint, metrics and images"),
  seed: explain(
    wholeNumber(0).default(1),
    "seed of the initial weights, the order of the data and all noise",
  ),
  data: explain(
    dataSchema.prefault({ scenes: {} }),
    'training images: { "scenes": { … } } or { "folder": "path" }',
    "scenes",
  ),
  initFrom: explain(
    nonEmptyText.optional(),
    "initial weights: a .safetensors file or a run folder",
    "random",
  ),
  workers: explain(
    wholeNumber(1, 1024).optional(),
    "parts of a batch to compute in parallel; 1 takes the least memory",
    "2, or 1 if the batch size is odd",
  ),
  optimizer: explain(optimizerSchema.prefault({}), "optimizer"),
  schedule: explain(scheduleSchema, "length and learning rate of the run"),
  checkpointInterval: explain(count.default(100), "steps between checkpoints"),
  sampleInterval: explain(count.default(500), "steps between sample sheets"),
};

/** Former names of the fields of {@link common}. */
export const renamedCommon = {
  startFrom: "initFrom",
  lanes: "workers",
  checkpointEvery: "checkpointInterval",
  sampleEvery: "sampleInterval",
} as const;

/**
 * Fills in the number of workers. Two suit every processor with several cores. The number must not depend on
 * the machine, because the last bits of a run depend on it.
 */
export function withWorkers<T extends { readonly batchSize: number; readonly workers?: number | undefined }>(
  config: T,
): T & { readonly workers: number } {
  return { ...config, workers: config.workers ?? (config.batchSize % 2 === 0 ? 2 : 1) };
}

/** The name of a predefined network, or all its sizes. */
export function networkChoice<S extends z.ZodType>(schema: S, presets: Readonly<Record<string, z.infer<S>>>) {
  const names = Object.keys(presets) as [string, ...string[]];
  const named = z.enum(names).transform((name) => presets[name] as z.infer<S>);
  const expected = `${names.map((name) => `"${name}"`).join(", ")} or an object with all sizes`;
  return z.union([named, schema]).meta({ expected, description: `sizes of the network: ${expected}` });
}

export const autoencoderNetwork = networkChoice(autoencoderSchema, autoencoderConfigs);

/** A frozen autoencoder. */
export const frozenAutoencoder = z
  .strictObject({
    weights: explain(nonEmptyText, "autoencoder: a run folder or a .safetensors file"),
    network: autoencoderNetwork.prefault("small"),
  })
  .meta({ renamed: { run: "weights" } });

export type FrozenAutoencoder = z.infer<typeof frozenAutoencoder>;

const renamedShards = {
  images: "images",
  perShard: "shardSize",
  firstShards: "initialShards",
  stepsPerShard: "stepsPerNewShard",
} as const;

/** Fields of data kept in files (shards) that are made during the run. */
export const shards = {
  folder: explain(
    nonEmptyText.optional(),
    "folder of encoded images and captions; created if missing",
    "latents in the run folder",
  ),
  shardSize: (usual: number, what: string) =>
    explain(wholeNumber(1, 100_000).default(usual), `${what} per file (shard)`),
  initialShards: explain(count.default(4), "shards available to the first step"),
  stepsPerNewShard: (usual: number) =>
    explain(
      wholeNumber(0, 1e9).default(usual),
      "steps until another shard becomes available; 0 makes all available from the start",
    ),
  renamed: renamedShards,
};

export const captionDropout = explain(
  share.default(0.1),
  "share of captions to drop, for classifier-free guidance",
);

/**
 * Timestep sampling: 1/(1 + e^−z) with z normal, as in Esser et al. 2024 (arXiv:2403.03206, section 3.1).
 */
export function timestepSampling(usual: { readonly mean: number; readonly std: number }) {
  const schema = z.strictObject({
    mean: explain(
      numberBetween(-10, 10).default(usual.mean),
      "mean of z; times are 1/(1+e^-z) with z normal",
    ),
    std: explain(numberBetween(0, 10).default(usual.std), "standard deviation of z"),
  });
  const named = schema.meta({ renamed: { deviation: "std" } });
  return explain(named.prefault({}), "distribution of training times (logit-normal)");
}

/** A sampler's name, in any spelling that the command line accepts. */
export const samplerName = nonEmptyText.transform((name, context) => {
  try {
    return parseSamplerName(name).sampler;
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message, input: name });
    return z.NEVER;
  }
});

/**
 * Default sample prompts, drawn at seed 0: the project's first examples, and contents that anyone recognises.
 */
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

export const promptList = z.array(nonEmptyText).readonly();

/** Sample prompts of a run whose model generates. */
export const prompts = explain(
  promptList.default(fixedPrompts),
  "prompts of the samples, drawn at seed 0; an empty list turns samples off",
  "eight fixed ones",
);
