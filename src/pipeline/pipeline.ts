// Text → picture by latent diffusion (Rombach et al. 2022, arXiv 2112.10752, figure 3), read from top to bottom:
//
//     prompt ──tokenizer, text encoder──▶ words ─┐
//     seed ──random──▶ noise ──▶ sampler ⇄ guided denoiser ──▶ latents ──decoder──▶ pixels ──▶ PNG with its receipt
//
// Every picture is a run of its own, so that it depends on its seed, the prompt, the settings and the weights, and on
// nothing else: not on how many are asked for at once, nor on threads.
import {
  type Denoiser,
  getInitialNoise,
  getNoiseSource,
  getSampler,
  getSimpleSigmas,
  getStepInterval,
  guide,
  type SamplerState,
} from "../diffusion/index.js";
import { NishikiError } from "../errors.js";
import type { Tokenizer } from "../tokenizer/index.js";
import type { PictureEvent, PipelineEvent, StepEvent, WarningEvent } from "./events.js";
import { Forecast } from "./forecast.js";
import type { ModelManifest } from "./model-folder.js";
import {
  decodePixels,
  encodeWords,
  getNoWords,
  getSchedule,
  makeDenoiser,
  type NetworkSessions,
  type Pixels,
  type Words,
} from "./networks.js";
import { type Environment, makeReceipt, type Receipt } from "./receipt.js";
import { completeRequest, type PictureRequest, type PictureSettings } from "./request.js";

/** What a pipeline is made of. */
export interface PipelineParts {
  readonly manifest: ModelManifest;
  readonly tokenizer: Tokenizer;
  readonly sessions: NetworkSessions;
  readonly environment: Environment;
  /** Puts pixels and receipt into a file; images are not known here. */
  readonly encodeFile: (pixels: Pixels, receipt: Receipt) => Uint8Array;
  /** Frees the sessions and their engines. */
  readonly close: () => Promise<void>;
}

export interface GenerateOptions {
  /** Stops the work within one step; the iterator then throws NishikiError "aborted". */
  readonly signal?: AbortSignal;
}

/** Whether all pixels are of one colour. */
function isPlain(pixels: Uint8Array): boolean {
  return pixels.every((value, i) => value === pixels[i % 3]);
}

interface Prompt {
  readonly positive: Words;
  readonly negative: Words;
}

/** A model, loaded and ready to draw. */
export class Pipeline {
  private readonly parts: PipelineParts;
  private disposed: Promise<void> | undefined;

  constructor(parts: PipelineParts) {
    this.parts = parts;
  }

  get manifest(): ModelManifest {
    return this.parts.manifest;
  }

  get environment(): Environment {
    return this.parts.environment;
  }

  /** Checks a request against this model, and fills in what it leaves open. @throws NishikiError "usage" */
  complete(request: PictureRequest): PictureSettings {
    const { defaults, pictureSize } = this.parts.manifest;
    return completeRequest(request, { defaults, pictureSize });
  }

  /**
   * Draws the pictures of a request, one after another, and tells of every step.
   * @throws NishikiError "usage" for a request that cannot be right, "aborted", "closed", "memory", "device".
   */
  async *generate(
    request: PictureRequest,
    { signal }: GenerateOptions = {},
  ): AsyncGenerator<PipelineEvent, void, void> {
    const settings = this.complete(request);
    this.checkUsable(signal);
    const { prompt, warnings } = await this.encodePrompt(settings);
    yield* warnings;
    const forecast = new Forecast();
    for (let index = 0; index < settings.count; index++) {
      yield* this.draw(settings, index, prompt, forecast, signal);
    }
  }

  /** Frees the model's memory. A disposed pipeline says so when used. */
  dispose(): Promise<void> {
    this.disposed ??= this.parts.close();
    return this.disposed;
  }

  private checkUsable(signal: AbortSignal | undefined): void {
    if (this.disposed) throw new NishikiError("closed", "The pipeline is disposed; load it again.");
    if (signal?.aborted)
      throw new NishikiError("aborted", "Stopped: the caller cancelled.", { cause: signal.reason });
  }

  private async encodePrompt(
    settings: PictureSettings,
  ): Promise<{ prompt: Prompt; warnings: WarningEvent[] }> {
    const { manifest, tokenizer, sessions } = this.parts;
    const warnings: WarningEvent[] = [];
    const encode = async (name: "prompt" | "negative") => {
      const { words, dropped } = await encodeWords(sessions.textEncoder, tokenizer, manifest, settings[name]);
      if (dropped.length > 0) {
        const said = `The ${name === "prompt" ? "prompt" : "negative prompt"} is longer than the ${manifest.maxTokens} tokens that the model reads`;
        warnings.push({ kind: "warning", message: `${said}; left out: ${dropped.join(" ")}` });
      }
      return words;
    };
    const positive = await encode("prompt");
    const negative = settings.negative === "" ? getNoWords(positive) : await encode("negative");
    return { prompt: { positive, negative }, warnings };
  }

  private async *draw(
    settings: PictureSettings,
    index: number,
    prompt: Prompt,
    forecast: Forecast,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<PipelineEvent, void, void> {
    let latents: Float32Array | undefined;
    forecast.resume();
    for await (const state of this.sample(settings, settings.seed + index, prompt, signal)) {
      forecast.step();
      latents = state.x;
      yield this.tellStep(settings, index, state, forecast);
      forecast.resume();
    }
    this.checkUsable(signal);
    const event = await this.finish(settings, index, latents!);
    forecast.picture();
    if (isPlain(event.pixels)) {
      const message = `The picture with seed ${event.seed} came out in a single colour; the model may be damaged or hardly trained.`;
      yield { kind: "warning", message };
    }
    yield event;
  }

  /** From noise to latents: sigma·noise at the first noise level, then down with the sampler. */
  private sample(
    settings: PictureSettings,
    seed: number,
    { positive, negative }: Prompt,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<SamplerState, void, void> {
    const { manifest } = this.parts;
    const size = manifest.latents.shape.reduce((product, side) => product * side, 1);
    const sigmas = getSimpleSigmas(settings.steps, getSchedule(manifest));
    const noise = getInitialNoise([seed], size).map((value) => value * sigmas[0]!);
    const denoise = this.guided(settings, sigmas, negative);
    const options = { condition: [positive], signal, noise: getNoiseSource([seed], size) };
    return getSampler(settings.sampler).sample(denoise, noise, sigmas, options);
  }

  private tellStep(
    { count }: PictureSettings,
    index: number,
    { step, steps, denoised }: SamplerState,
    forecast: Forecast,
  ): StepEvent {
    const { manifest, sessions } = this.parts;
    const stepsAfter = (count - 1 - index) * steps;
    return {
      kind: "step",
      picture: index,
      count,
      step,
      steps,
      secondsLeft: forecast.secondsLeft(steps - step, 1),
      secondsLeftInAll: forecast.secondsLeft(steps - step + stepsAfter, count - index),
      preview: () => decodePixels(sessions.decoder, manifest, denoised),
    };
  }

  private guided(
    { guidance, guidanceRescale, guidanceInterval: [from, to], steps }: PictureSettings,
    sigmas: readonly number[],
    negative: Words,
  ): Denoiser<Words> {
    const interval = getStepInterval(sigmas, Math.round(from * steps), Math.round(to * steps));
    return guide(makeDenoiser(this.parts.sessions.denoiser, this.parts.manifest), {
      scale: guidance,
      rescale: guidanceRescale,
      negative: [negative],
      interval,
    });
  }

  private async finish(
    settings: PictureSettings,
    index: number,
    latents: Float32Array,
  ): Promise<PictureEvent> {
    const { manifest, sessions, environment, encodeFile } = this.parts;
    const seed = settings.seed + index;
    const pixels = await decodePixels(sessions.decoder, manifest, latents);
    const receipt = await makeReceipt(settings, seed, manifest, environment, pixels.data);
    const { width, height, data } = pixels;
    return {
      kind: "picture",
      index,
      seed,
      width,
      height,
      pixels: data,
      receipt,
      png: () => encodeFile(pixels, receipt),
    };
  }
}
