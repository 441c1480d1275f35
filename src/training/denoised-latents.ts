// A model's own latents of known images: noises an image's latents and lets the denoiser restore them. A decoder that
// learns from them meets the errors of the denoiser, which are not white noise.
import { join } from "node:path";
import { digestWeights, openWeights } from "../checkpoint/node.js";
import type { CaptionedImage } from "../data/index.js";
import { type Denoiser, getDenoiser, getSampler, guide } from "../diffusion/index.js";
import type { Engine, Session, WeightPlaces } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { placementChannels } from "../models/index.js";
import { getSchedule, type ModelManifest, seesPlacement, traceNetworks } from "../pipeline/index.js";
import { readModelFolder } from "../pipeline/node.js";
import { random } from "../random/index.js";
import type { DenoisedConfig } from "./autoencoder-config.js";
import type { Settings } from "./fingerprint.js";
import { encoderProgram, loadWords, readTokenizer } from "./frozen.js";
import { readAutoencoderConfig } from "./model-networks.js";
import type { DenoisedBatch } from "./tasks/autoencoder.js";
import type { BatchNumber } from "./tasks/batch-number.js";
import { encodeCaptions } from "./tasks/encode-scenes.js";
import { subdivide } from "./teacher-paths.js";

interface Networks {
  readonly images: Session;
  readonly words: Session;
  readonly denoiser: Session;
}

/** A caption's token states `[maxTokens, width]`, padded, and their number. */
interface Words {
  readonly states: Float32Array;
  readonly tokens: number;
}

export class DenoisedLatents {
  /** For the fingerprints of runs. */
  readonly settings: Settings;
  readonly #networks: Networks;
  readonly #manifest: ModelManifest;
  readonly #config: DenoisedConfig;
  readonly #tokenizer: Awaited<ReturnType<typeof readTokenizer>>;

  private constructor(
    networks: Networks,
    manifest: ModelManifest,
    config: DenoisedConfig,
    tokenizer: Awaited<ReturnType<typeof readTokenizer>>,
    settings: Settings,
  ) {
    this.#networks = networks;
    this.#manifest = manifest;
    this.#config = config;
    this.#tokenizer = tokenizer;
    this.settings = settings;
  }

  /**
   * @param size side of the images, in pixels
   * @throws NishikiError "usage" if the model's images have another size, "file", "checkpoint"
   */
  static async open(engine: Engine, config: DenoisedConfig, size: number): Promise<DenoisedLatents> {
    const { model } = config;
    const manifest = await readModelFolder(model);
    if (manifest.pictureSize !== size)
      throw new NishikiError(
        "usage",
        `denoised.model: expected a model of ${size}×${size} images, the data's size, got one of ${manifest.pictureSize}×${manifest.pictureSize}.`,
      );
    const weightsOf = (part: "autoencoder" | "denoiser"): Promise<WeightPlaces> =>
      openWeights(join(model, manifest.parts[part].file));
    const [autoencoder, denoiser] = await Promise.all([weightsOf("autoencoder"), weightsOf("denoiser")]);
    const encoder = encoderProgram(readAutoencoderConfig(manifest, model), size);
    const networks = {
      images: await engine.load(encoder, { weights: autoencoder }),
      words: await loadWords(engine),
      denoiser: await engine.load(traceNetworks(manifest).denoiser, { weights: denoiser }),
    };
    const { model: _model, ...settings } = config;
    const digests = {
      encoder: await digestWeights(autoencoder, "encoder."),
      denoiser: await digestWeights(denoiser),
    };
    const tokenizer = await readTokenizer(manifest.maxTokens);
    return new DenoisedLatents(networks, manifest, config, tokenizer, { ...settings, ...digests });
  }

  /** Latents for a share of a batch's images. (seed, step) alone decides which, the time and the noise. */
  async make(images: readonly CaptionedImage[], { seed, step }: BatchNumber): Promise<DenoisedBatch> {
    const { share, minTime, maxTime } = this.#config;
    const numbers = random(seed, "denoised", step);
    const time = minTime + (maxTime - minTime) * numbers.uniform();
    const chosen = images.flatMap((image, i) => (numbers.uniform() < share ? [{ image, i }] : []));
    if (chosen.length === 0) return { latents: new Map(), time };
    const captions = chosen.map(({ image }) => image.caption);
    const words = await this.#encodeWords(captions);
    const clean = await this.#encode(chosen.map(({ image }) => image.pixels));
    const denoised = await this.#restore(clean, words, time, numbers.normals(clean.length));
    const each = clean.length / chosen.length;
    return {
      latents: new Map(chosen.map(({ i }, row) => [i, denoised.subarray(row * each, (row + 1) * each)])),
      time,
    };
  }

  /** Bytes → standardised latents. */
  async #encode(images: readonly Uint8Array[]): Promise<Float32Array> {
    const {
      pictureSize: size,
      latents: { mean, std },
    } = this.#manifest;
    const data = new Uint8Array(images.length * size * size * 3);
    for (const [i, bytes] of images.entries()) data.set(bytes, i * size * size * 3);
    const pixels = { dtype: "u8" as const, shape: [images.length, size, size, 3], data };
    const { latents } = await this.#networks.images.run({ pixels });
    const channels = mean.length;
    return (latents!.data as Float32Array).map(
      (value, i) => (value - mean[i % channels]!) / std[i % channels]!,
    );
  }

  async #encodeWords(captions: readonly string[]): Promise<Words[]> {
    const encoder = { words: this.#networks.words, tokenizer: this.#tokenizer };
    const { text, textWidth, starts } = await encodeCaptions(encoder, captions, captions.length);
    const whole = this.#manifest.maxTokens * textWidth;
    return captions.map((_, i) => {
      const states = new Float32Array(whole);
      states.set(text.subarray(starts[i]! * textWidth, starts[i + 1]! * textWidth));
      return { states, tokens: starts[i + 1]! - starts[i]! };
    });
  }

  /** Noises standardised latents to a time and samples from there. @returns latents that are not standardised */
  async #restore(
    clean: Float32Array,
    words: readonly Words[],
    time: number,
    noise: Float32Array,
  ): Promise<Float32Array> {
    const {
      defaults,
      prediction,
      latents: { mean, std },
    } = this.#manifest;
    const { steps, guidance = defaults.guidance } = this.#config;
    const sigmas = subdivide([time, 0], steps).map((t) => t / (1 - t));
    const silent: Words = { states: new Float32Array(words[0]!.states.length), tokens: 0 };
    const denoise: Denoiser<Words> = getDenoiser(
      prediction,
      (input, at, condition: readonly Words[]) => this.#evaluate(input, at, condition),
      getSchedule(this.#manifest),
    );
    const guided = guide(denoise, { scale: guidance, uncond: words.map(() => silent) });
    let x = clean.map((value, i) => value + sigmas[0]! * noise[i]!);
    for await (const state of getSampler(defaults.sampler).sample(guided, x, sigmas, { condition: words }))
      x = state.x as typeof x;
    return x.map((value, i) => value * std[i % std.length]! + mean[i % mean.length]!);
  }

  async #evaluate(input: Float32Array, time: number, words: readonly Words[]): Promise<Float32Array> {
    const {
      latents: { shape },
      maxTokens,
      parts,
    } = this.#manifest;
    const batch = words.length;
    const each = words[0]!.states.length;
    const text = new Float32Array(batch * each);
    const mask = new Float32Array(batch * maxTokens);
    for (const [i, { states, tokens }] of words.entries()) {
      text.set(states, i * each);
      mask.fill(1, i * maxTokens, i * maxTokens + tokens);
    }
    const f32 = (data: Float32Array, ...dims: number[]) => ({ dtype: "f32" as const, shape: dims, data });
    const map = [batch, shape[0], shape[1], placementChannels] as const;
    const { velocity } = await this.#networks.denoiser.run({
      latents: f32(input, batch, ...shape),
      time: f32(new Float32Array(batch).fill(time), batch),
      text: f32(text, batch, maxTokens, each / maxTokens),
      mask: f32(mask, batch, maxTokens),
      ...(seesPlacement(parts.denoiser.config) && {
        placement: f32(new Float32Array(map.reduce((a, b) => a * b)), ...map),
      }),
    });
    return velocity!.data as Float32Array;
  }

  async close(): Promise<void> {
    for (const session of Object.values(this.#networks)) await session.close();
  }
}
