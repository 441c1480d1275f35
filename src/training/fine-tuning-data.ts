// What a fine-tuning learns from: the user's images, encoded once, and beside them what the model drew itself
// before.
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

/** The most images of one file, and the most files. */
const [largestShard, mostShards] = [500, 20];

export interface FineTuningDataOptions {
  readonly config: FineTuningConfig;
  readonly source: ImageSource;
  readonly manifest: ModelManifest;
  readonly training: DenoiserTraining;
}

export interface FineTuningData {
  batch(step: number): Promise<HostTensors>;
  /** Whether a part of each batch is for what the model drew before. */
  readonly hasPrior: boolean;
  /** Digests of the networks that encode. */
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
  const kept = Math.min(batchSize - 1, Math.round(share * batchSize));
  const prior = kept > 0 ? await openPrior(engine, options, context) : undefined;
  return {
    hasPrior: prior !== undefined,
    frozen: shards.frozen,
    batch: async (step) => {
      await shards.need(Math.ceil(available / shardSize));
      const number = { batchSize: batchSize - kept, seed, step };
      const own = denoiserBatch(shards.scenes, available, network, training, number);
      if (!prior) return own;
      await prior.need(1);
      const priorNumber = { batchSize: kept, seed: seed + 1, step }; // times and noise of their own
      return joinBatches(own, denoiserBatch(prior.scenes, images, network, training, priorNumber));
    },
  };
}

function openShards(
  engine: Engine,
  options: FineTuningDataOptions,
  { signal, onNotice }: TaskContext,
  shardSize: number,
): Promise<LatentShards> {
  const onShard = (index: number) => onNotice(`Encoding pictures ${index * shardSize + 1} and on …`);
  return open(engine, options.source, options, { folder: folderOf(options), shardSize, signal, onShard });
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
    onNotice(`The model draws ${images} images first, so that other prompts stay as they are …`);
  return open(engine, source, options, {
    ...{ folder: join(folderOf(options), "prior"), shardSize: images, signal, onShard },
  });
}

const folderOf = ({ config }: FineTuningDataOptions) =>
  config.latents.folder ?? join(config.folder, "latents");

async function open(
  engine: Engine,
  source: ImageSource,
  { config: { model, seed }, manifest }: FineTuningDataOptions,
  given: {
    readonly folder: string;
    readonly shardSize: number;
    readonly signal: AbortSignal | undefined;
    onShard(index: number): void;
  },
): Promise<LatentShards> {
  const shards = await LatentShards.open(engine, source, {
    ...given,
    seed,
    maxTokens: manifest.maxTokens,
    textWidth: readDenoiserConfig(manifest, model).textWidth,
    network: readAutoencoderConfig(manifest, model),
    weights: await openWeights(join(model, manifest.parts.autoencoder.file)),
  });
  // The model's own measures of latents, not those of a few images.
  shards.scenes.statistics = { mean: manifest.latents.mean, std: manifest.latents.std };
  return shards;
}

/** One batch behind the other. */
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
