// Text → picture by latent diffusion (Rombach et al. 2022, arXiv 2112.10752, figure 3), read from top to bottom:
//
//     prompt ──tokenizer, text encoder──▶ words ─┐
//     seed ──random──▶ noise ──▶ sampler ⇄ guided denoiser ──▶ latents ──decoder──▶ pixels ──▶ PNG with its receipt
//     (and between the last two, where a larger size is asked for, a second diffusion model that doubles pictures)
//
// Every picture is a run of its own, so that it depends on its seed, the prompt, the settings and the weights, and on
// nothing else: not on how many are asked for at once, nor on threads.
import { type Denoiser, getSampler, getStepInterval, guide, type SamplerState } from "../diffusion/index.js";
import { NishikiError } from "../errors.js";
import { type Beginning, begin, seedsOf } from "./begin.js";
import { type Canvas, makeCanvas } from "./canvas.js";
import { completeRequest } from "./complete-request.js";
import { encodePicture } from "./encode-picture.js";
import { type ImageEvent, makeEvent, type PipelineEvent, type StepEvent } from "./events.js";
import type { Drawing, ModelFamily, Side } from "./family.js";
import { Forecast } from "./forecast.js";
import { isPlain, type Pixels } from "./pixels.js";
import { type Environment, makeReceipt, type References, referTo, replacePictures } from "./receipt.js";
import type { PictureRequest, PictureSettings } from "./request.js";

/** What a pipeline is made of. */
export interface PipelineParts {
  readonly family: ModelFamily;
  /** What draws. A promise where hashing large files goes on beside drawing; receipts wait for it. */
  readonly environment: Environment | Promise<Environment>;
  /** What is to be told of the model, before its first picture. */
  readonly notices?: readonly string[];
  /** Frees the sessions and their engines. */
  readonly close: () => Promise<void>;
}

export interface GenerateOptions {
  /** Stops the work within one step; the iterator then throws NishikiError "aborted". */
  readonly signal?: AbortSignal;
}

/** What all pictures of a request share. */
interface Prepared {
  readonly drawing: Drawing;
  readonly canvas: Canvas | undefined;
  readonly references: References;
}

/** A model, loaded and ready to draw. */
export class Pipeline {
  private readonly parts: PipelineParts;
  private disposed: Promise<void> | undefined;
  private isNew = true;

  constructor(parts: PipelineParts) {
    this.parts = parts;
  }

  /** The model as receipts name it. */
  get model(): ModelFamily["model"] {
    return this.parts.family.model;
  }

  /** What draws, with the hashes of the model's files. */
  async environment(): Promise<Environment> {
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
    const notices = this.isNew ? (this.parts.notices ?? []) : [];
    this.isNew = false;
    for (const message of [...notices, ...drawing.warnings]) yield { kind: "warning", message };
    const prepared = { drawing, canvas: makeCanvas(settings), references: await referTo(settings) };
    const forecast = new Forecast();
    for (let index = 0; index < settings.count; index++) {
      yield* this.draw(settings, index, prepared, forecast, signal);
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
    { drawing, canvas, references }: Prepared,
    forecast: Forecast,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<PipelineEvent, void, void> {
    const beginning = await begin(drawing, settings, index, canvas);
    let latents = beginning.x;
    forecast.resume();
    for await (const state of this.sample(settings, drawing, beginning, signal)) {
      forecast.step();
      latents = state.x;
      yield this.tellStep(settings, index, state, drawing, forecast);
      forecast.resume();
    }
    this.checkUsable(signal);
    const decoded = await drawing.decode(beginning.finish(latents));
    const { seed } = seedsOf(settings, index);
    const pixels = drawing.enlarge ? await drawing.enlarge(decoded, seed, signal) : decoded;
    this.checkUsable(signal);
    const event = await this.finish(settings, index, pixels, references);
    forecast.picture();
    if (isPlain(event.pixels)) {
      const message = `The picture with seed ${event.seed} came out in a single colour; the model may be damaged or hardly trained.`;
      yield { kind: "warning", message };
    }
    yield event;
  }

  /** Down from the first noise level with the sampler. */
  private sample(
    settings: PictureSettings,
    drawing: Drawing,
    { x, sigmas, noise, network, around }: Beginning,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<SamplerState, void, void> {
    const denoise = around(this.guided(settings, drawing, sigmas, network));
    const own = { condition: ["positive"] as const, signal, noise: noise.steps };
    const options = { ...drawing.samplerOptions, ...own };
    return getSampler(settings.sampler).sample(denoise, x, sigmas, options);
  }

  private tellStep(
    { count }: PictureSettings,
    index: number,
    { step, steps, denoised }: SamplerState,
    drawing: Drawing,
    forecast: Forecast,
  ): StepEvent {
    const stepsAfter = (count - 1 - index) * steps;
    const data = {
      kind: "step" as const,
      stage: "base",
      index,
      count,
      step,
      steps,
      secondsLeft: forecast.secondsLeft(steps - step, 1),
      totalSecondsLeft: forecast.secondsLeft(steps - step + stepsAfter, count - index),
    };
    return makeEvent<StepEvent>(data, { preview: () => (drawing.preview ?? drawing.decode)(denoised) });
  }

  private guided(
    { guidanceRescale, guidanceInterval: [from, to] }: PictureSettings,
    { guidance, rescaleIn }: Drawing,
    sigmas: readonly number[],
    network: Denoiser<Side>,
  ): Denoiser<Side> {
    const steps = sigmas.length - 1;
    const interval = getStepInterval(sigmas, Math.round(from * steps), Math.round(to * steps));
    return guide<Side>(network, {
      scale: guidance,
      rescale: guidanceRescale,
      ...(rescaleIn && { rescaleIn }),
      negative: ["negative"],
      interval,
    });
  }

  private async finish(
    settings: PictureSettings,
    index: number,
    pixels: Pixels,
    references: References,
  ): Promise<ImageEvent> {
    const { family, environment } = this.parts;
    const seeds = seedsOf(settings, index);
    const request = replacePictures({ ...settings, ...seeds, count: 1 }, references);
    const receipt = await makeReceipt(request, family.model, await environment, pixels.data);
    const { width, height, data } = pixels;
    const { seed } = seeds;
    const { count } = settings;
    return makeEvent<ImageEvent>(
      { kind: "image", index, count, seed, width, height, receipt },
      { pixels: data, png: () => encodePicture(pixels, receipt) },
    );
  }
}
