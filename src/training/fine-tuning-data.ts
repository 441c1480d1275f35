// Data of a fine-tuning: the user's images, encoded once, and for prior preservation images that the model
// drew before.
import { join } from "node:path";
import { openWeights } from "../checkpoint/node.js";
import type { Engine, HostTensors } from "../engine/index.js";
import type { ModelManifest } from "../pipeline/index.js";
import type { FineTuningConfig } from "./config.js";
import type { ImageSource } from "./images.js";
import { LatentShards } from "./latent-shards.js";
import type { TaskContext } from "./loop.js";
import { readAutoencoderConfig, readDenoiserConfig } from "./model-networks.js";
import { openPriorImages } from "./prior-images.js";
import { type DenoiserTraining, denoiserBatch } from "./tasks/denoiser.js";

/** Maximum number of images per file, and of files. */
const [largestShard, mostShards] = [500, 20];

export interface FineTuningDataOptions {
  readonly config: FineTuningConfig;
  readonly source: ImageSource;
  readonly manifest: ModelManifest;
  readonly training: DenoiserTraining;
}

export interface FineTuningData {
  batch(step: number): Promise<HostTensors>;
  /** Whether part of each batch is for prior preservation. */
  readonly hasPrior: boolean;
  /** Digests of the encoders. */
  readonly frozen: LatentShards["frozen"];
}

/** @throws NishikiError "file", "data", "checkpoint", "usage" */
export async function openFineTuningData(
  engine: Engine,
  options: FineTuningDataOptions,
  context: TaskContext,
): Promise<FineTuningData> {
  const { config, source, manifest, training } = options;
  const { model, batchSize, seed } = config;
  const network = readDenoiserConfig(manifest, model);
  const shardSize = Math.min(largestShard, source.count);
  const available = Math.min(source.count, mostShards * largestShard);
  const shards = await openShards(engine, options, context, shardSize);
  const { share, images } = config.priorPreservation;
  const priorCount = Math.min(batchSize - 1, Math.round(share * batchSize));
  const prior = priorCount > 0 ? await openPrior(engine, options, context) : undefined;
  return {
    hasPrior: prior !== undefined,
    frozen: shards.frozen,
    batch: async (step) => {
      await shards.need(Math.ceil(available / shardSize));
      const position = { batchSize: batchSize - priorCount, seed, step };
      const userBatch = denoiserBatch(shards.scenes, available, network, training, position);
      if (!prior) return userBatch;
      await prior.need(1);
      const priorPosition = { batchSize: priorCount, seed: seed + 1, step }; // independent times and noise
      return joinBatches(userBatch, denoiserBatch(prior.scenes, images, network, training, priorPosition));
    },
  };
}

function openShards(
  engine: Engine,
  options: FineTuningDataOptions,
  { signal, onNotice }: TaskContext,
  shardSize: number,
): Promise<LatentShards> {
  const onShard = (index: number) => onNotice(`Encoding images from ${index * shardSize + 1} on …`);
  return open(engine, options.source, options, { folder: getFolder(options), shardSize, signal, onShard });
}

async function openPrior(
  engine: Engine,
  options: FineTuningDataOptions,
  { signal, onNotice }: TaskContext,
): Promise<LatentShards> {
  const { model, seed, priorPreservation } = options.config;
  const { images } = priorPreservation;
  const { manifest } = options;
  const source = await openPriorImages({ engine, model, manifest, count: images, seed, signal });
  const onShard = () =>
    onNotice(`Drawing ${images} images with the model first, to preserve what it knows …`);
  return open(engine, source, options, {
    ...{ folder: getPriorFolder(options), shardSize: images, signal, onShard },
  });
}

const getFolder = ({ config }: FineTuningDataOptions) =>
  config.latents.folder ?? join(config.folder, "latents");

/** Runs that share a folder share what one model drew for one seed. */
function getPriorFolder(options: FineTuningDataOptions): string {
  const { seed, priorPreservation } = options.config;
  const { folder, images } = priorPreservation;
  const { denoiser, fast, autoencoder } = options.manifest.parts;
  const hashes = [denoiser, autoencoder, ...(fast ? [fast] : [])].map(({ sha256 }) => sha256);
  if (folder === undefined || hashes.includes(undefined)) return join(getFolder(options), "prior");
  return join(folder, [...hashes.map((hash) => hash!.slice(0, 8)), seed, images].join("-"));
}

async function open(
  engine: Engine,
  source: ImageSource,
  { config: { model, seed }, manifest }: FineTuningDataOptions,
  files: {
    readonly folder: string;
    readonly shardSize: number;
    readonly signal: AbortSignal | undefined;
    onShard(index: number): void;
  },
): Promise<LatentShards> {
  const shards = await LatentShards.open(engine, source, {
    ...files,
    seed,
    maxTokens: manifest.maxTokens,
    textWidth: readDenoiserConfig(manifest, model).textWidth,
    network: readAutoencoderConfig(manifest, model),
    weights: await openWeights(join(model, manifest.parts.autoencoder.file)),
  });
  // The statistics of the model's training data, not those of a few images.
  shards.scenes.statistics = { mean: manifest.latents.mean, std: manifest.latents.std };
  return shards;
}

/** Concatenates two batches. */
function joinBatches(first: HostTensors, second: HostTensors): HostTensors {
  const joined = Object.entries(first).map(([name, { dtype, shape, data }]) => {
    const more = second[name]!;
    const both = new Float32Array(data.length + more.data.length);
    both.set(data as Float32Array);
    both.set(more.data as Float32Array, data.length);
    return [name, { dtype, shape: [shape[0]! + more.shape[0]!, ...shape.slice(1)], data: both }] as const;
  });
  return Object.fromEntries(joined);
}
