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
  getStepInterval,
  guide,
  type SamplerState,
} from "../diffusion/index.js";
import { NishikiError } from "../errors.js";
import { sizeOf } from "../graph/index.js";
import type { PictureEvent, PipelineEvent, StepEvent } from "./events.js";
import type { Drawing, ModelFamily, Side } from "./family.js";
import { Forecast } from "./forecast.js";
import { isPlain, type Pixels } from "./pixels.js";
import { type Environment, makeReceipt, type Receipt } from "./receipt.js";
import { completeRequest, type PictureRequest, type PictureSettings } from "./request.js";

/** What a pipeline is made of. */
export interface PipelineParts {
  readonly family: ModelFamily;
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

/** A model, loaded and ready to draw. */
export class Pipeline {
  private readonly parts: PipelineParts;
  private disposed: Promise<void> | undefined;

  constructor(parts: PipelineParts) {
    this.parts = parts;
  }

  /** The model as receipts name it. */
  get model(): ModelFamily["model"] {
    return this.parts.family.model;
  }

  get environment(): Environment {
    return this.parts.environment;
  }

  /** Checks a request against this model, and fills in what it leaves open. @throws NishikiError "usage" */
  complete(request: PictureRequest): PictureSettings {
    return completeRequest(request, this.parts.family.context);
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
    const drawing = await this.parts.family.prepare(settings);
    for (const message of drawing.warnings) yield { kind: "warning", message };
    const forecast = new Forecast();
    for (let index = 0; index < settings.count; index++) {
      yield* this.draw(settings, index, drawing, forecast, signal);
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

  private async *draw(
    settings: PictureSettings,
    index: number,
    drawing: Drawing,
    forecast: Forecast,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<PipelineEvent, void, void> {
    let latents: Float32Array | undefined;
    forecast.resume();
    for await (const state of this.sample(settings, settings.seed + index, drawing, signal)) {
      forecast.step();
      latents = state.x;
      yield this.tellStep(settings, index, state, drawing, forecast);
      forecast.resume();
    }
    this.checkUsable(signal);
    const event = await this.finish(settings, index, drawing, latents!);
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
    drawing: Drawing,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<SamplerState, void, void> {
    const { shape, sigmas } = drawing;
    const size = sizeOf(shape);
    const noise = getInitialNoise([seed], size).map((value) => value * sigmas[0]!);
    const options = { condition: ["positive"] as const, signal, noise: getNoiseSource([seed], size) };
    return getSampler(settings.sampler).sample(this.guided(settings, drawing), noise, sigmas, options);
  }

  private tellStep(
    { count }: PictureSettings,
    index: number,
    { step, steps, denoised }: SamplerState,
    drawing: Drawing,
    forecast: Forecast,
  ): StepEvent {
    const stepsAfter = (count - 1 - index) * steps;
    return {
      kind: "step",
      picture: index,
      count,
      step,
      steps,
      secondsLeft: forecast.secondsLeft(steps - step, 1),
      secondsLeftInAll: forecast.secondsLeft(steps - step + stepsAfter, count - index),
      preview: () => drawing.decode(denoised),
    };
  }

  private guided(
    { guidance, guidanceRescale, guidanceInterval: [from, to], steps }: PictureSettings,
    { sigmas, denoise }: Drawing,
  ): Denoiser<Side> {
    const interval = getStepInterval(sigmas, Math.round(from * steps), Math.round(to * steps));
    return guide<Side>(denoise, {
      scale: guidance,
      rescale: guidanceRescale,
      negative: ["negative"],
      interval,
    });
  }

  private async finish(
    settings: PictureSettings,
    index: number,
    drawing: Drawing,
    latents: Float32Array,
  ): Promise<PictureEvent> {
    const { family, environment, encodeFile } = this.parts;
    const seed = settings.seed + index;
    const pixels = await drawing.decode(latents);
    const receipt = await makeReceipt(settings, seed, family.model, environment, pixels.data);
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
