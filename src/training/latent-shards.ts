// Encodes images to latents and captions to text states, in files made on demand and reused by later runs.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { digestWeights, makeFolder, readTextFile, writeFileAtomic } from "../checkpoint/node.js";
import type { CaptionedImage } from "../data/index.js";
import type { Engine, Session, WeightPlaces } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { type AutoencoderConfig, decoderSizes } from "../models/index.js";
import { checkAborted } from "../pipeline/index.js";
import { fingerprintDifferences, hasSetting, type Settings, writeFingerprint } from "./fingerprint.js";
import { digestTextEncoder, encoderProgram, loadWords, readTokenizer } from "./frozen.js";
import type { ImageSource } from "./images.js";
import { encodeScenes } from "./tasks/encode-scenes.js";
import { EncodedScenes, shardPath, writeShard } from "./tasks/encoded-scenes.js";

export interface LatentShardsOptions {
  readonly folder: string;
  readonly shardSize: number;
  readonly seed: number;
  /** Maximum number of tokens of a caption. */
  readonly maxTokens: number;
  readonly textWidth: number;
  readonly network: AutoencoderConfig;
  readonly weights: WeightPlaces;
  /** Stops encoding within one run of a network, and discards the unfinished file. */
  readonly signal?: AbortSignal | undefined;
  /** Called before a file is made, which takes minutes. */
  onShard?(index: number): void;
}

/** Records the shards' settings; shards with other settings are refused. */
const settingsFile = "encoded.json";
/**
 * Version of the files' layout and the captions' wording.
 */
const format = 3;

/** Shards of one set of images. Shard i starts at image `i · shardSize` of the source's stream. */
export class LatentShards {
  readonly scenes: EncodedScenes;
  /** Digests of the encoders, for the fingerprints of runs. */
  readonly frozen: Readonly<Record<"encoder" | "textEncoder", string>>;
  readonly #engine: Engine;
  readonly #source: ImageSource;
  readonly #options: LatentShardsOptions;
  #queue: Promise<void> = Promise.resolve();

  private constructor(
    engine: Engine,
    source: ImageSource,
    options: LatentShardsOptions,
    frozen: LatentShards["frozen"],
  ) {
    const { folder, shardSize, textWidth } = options;
    this.frozen = frozen;
    this.scenes = new EncodedScenes(folder, shardSize, textWidth);
    this.#engine = engine;
    this.#source = source;
    this.#options = options;
  }

  /** @throws NishikiError "data" if the folder holds shards with other settings */
  static async open(
    engine: Engine,
    source: ImageSource,
    options: LatentShardsOptions,
  ): Promise<LatentShards> {
    const { folder, shardSize, seed, maxTokens, network, weights } = options;
    const frozen = {
      encoder: await digestWeights(weights, "encoder."),
      textEncoder: await digestTextEncoder(),
    };
    // Latents depend on the encoder only; the decoder may change.
    const encoding = Object.fromEntries(
      Object.entries(network).filter(([name]) => !decoderSizes.some((size) => size === name)),
    );
    const settings = {
      format,
      seed,
      shardSize,
      maxTokens,
      network: encoding,
      ...frozen,
      images: source.settings,
    };
    await checkSettings(folder, settings);
    return new LatentShards(engine, source, options, frozen);
  }

  /** Opens the first `count` shards and makes the missing ones. */
  need(count: number): Promise<void> {
    if (this.scenes.scenes >= count * this.#options.shardSize) return Promise.resolve();
    this.#queue = this.#queue.catch(() => undefined).then(() => this.#makeUpTo(count));
    return this.#queue;
  }

  async #makeUpTo(count: number): Promise<void> {
    const { folder } = this.#options;
    const missing = Array.from({ length: count }, (_, index) => index).filter(
      (index) => !existsSync(shardPath(folder, index)),
    );
    if (missing.length > 0) await this.#make(missing);
    await this.scenes.open(count);
  }

  async #make(indices: readonly number[]): Promise<void> {
    const { folder, network, weights, maxTokens, signal, onShard } = this.#options;
    const { size } = this.#source;
    const images = await this.#engine.load(encoderProgram(network, size), { weights });
    let words: Session | undefined;
    try {
      words = await loadWords(this.#engine);
      const tokenizer = await readTokenizer(maxTokens);
      for (const index of indices) {
        onShard?.(index);
        const drawn = await this.#draw(index);
        const shard = await encodeScenes({ images, words, tokenizer }, drawn, size, signal);
        await writeShard(folder, index, shard);
      }
    } finally {
      await Promise.all([images.close(), words?.close()]);
    }
  }

  async #draw(index: number): Promise<CaptionedImage[]> {
    const { shardSize, seed, signal } = this.#options;
    const drawn: CaptionedImage[] = [];
    for await (const image of this.#source.stream(seed, index * shardSize)) {
      checkAborted(signal);
      drawn.push(image);
      if (drawn.length === shardSize) break;
    }
    return drawn;
  }
}

async function checkSettings(folder: string, settings: Settings): Promise<void> {
  await makeFolder(folder);
  const path = join(folder, settingsFile);
  const here = writeFingerprint(settings);
  const there = existsSync(path) ? await readTextFile(path) : undefined;
  if (there === undefined && !existsSync(shardPath(folder, 0))) return writeFileAtomic(path, here);
  // Earlier versions did not record the text encoder: there was only one.
  const known =
    there !== undefined && !hasSetting(there, "textEncoder")
      ? { ...settings, textEncoder: undefined }
      : settings;
  const differences =
    there === undefined
      ? [`${settingsFile} is missing`]
      : fingerprintDifferences(there, writeFingerprint(known));
  if (differences.length === 0) return;
  throw new NishikiError(
    "data",
    `The latents in ${folder} have other settings: ${differences.join("; ")}. ` +
      "Use another folder (latents.folder), or delete this one.",
  );
}
