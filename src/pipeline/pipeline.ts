/// <reference lib="esnext.disposable" preserve="true" />
// Text to image by diffusion (Rombach et al. 2022, arXiv 2112.10752, figure 3), read from top to bottom:
//
//     request ──family──▶ plan: stages, with the prompt encoded
//     seed ──random──▶ noise ──▶ sampler ⇄ guided denoiser ──▶ latents ──decoder──▶ pixels ──▶ PNG with its receipt
//                        └─ a diffusion stage; a plan may have several ─┘   └ a transform ┘
//
// The pipeline runs the stages and knows no family. Every image is a run of its own, so that it depends on its seed, the
// prompt, the settings and the weights, and on nothing else: not on how many are asked for at once, nor on threads.
import { NishikiError } from "../errors.js";
import { checkAborted, interruptible, type ProgressEvent, withProgress } from "./cancel.js";
import { completeRequest } from "./complete-request.js";
import { encodeImage } from "./encode-image.js";
import {
  type DecodeEvent,
  type ImageEvent,
  makeEvent,
  type PipelineEvent,
  type StepEvent,
  type WarningEvent,
} from "./events.js";
import { Forecast, type Work } from "./forecast.js";
import type { ImageRequest, ImageSettings, ReceiptRequest } from "./image-request.js";
import { getImageSeeds, getImageSettings } from "./image-seeds.js";
import { isPlain, type Pixels } from "./pixels.js";
import type { Model, Plan } from "./plan.js";
import { type Environment, makeReceipt, referToImages } from "./receipt.js";
import { getPixels, runPlan, type StageEvent, type StageStep } from "./run-plan.js";
import type { Runtime } from "./runtime.js";
import { SessionPool } from "./session-pool.js";

/** What a pipeline is made of. */
export interface PipelineParts {
  readonly model: Model;
  /** What draws. A promise where hashing large files goes on beside drawing; receipts wait for it. */
  readonly environment: Environment | Promise<Environment>;
  /** What a person should know of the model, before its first image. */
  readonly notices?: readonly string[];
  /** Holds the model's networks, and lets one request work at a time. */
  readonly sessions?: SessionPool;
  /** Frees the sessions and their engines. */
  readonly close: () => Promise<void>;
}

export interface GenerateOptions {
  /** Stops the work within one run of a network; the iterator then throws NishikiError "aborted". */
  readonly signal?: AbortSignal;
}

/** What all images of a request share. */
interface Prepared {
  readonly settings: ImageSettings;
  readonly plan: Plan;
  /** The settings as receipts hold them. */
  readonly references: ReceiptRequest;
  readonly forecast: Forecast;
  readonly runtime: Runtime;
}

/**
 * A model, loaded and ready to draw. `loadPipeline` makes one from files.
 *
 * @example
 * ```ts
 * import { loadPipeline, NishikiError } from "nishiki";
 *
 * const pipeline = await loadPipeline();
 * const stop = new AbortController();
 * try {
 *   for await (const event of pipeline.generate({ prompt: "a cat", seed: 1 }, { signal: stop.signal })) {
 *     if (event.kind === "step" && event.step === 2) stop.abort();
 *   }
 * } catch (error) {
 *   if (error instanceof NishikiError) console.log(error.code); // → aborted
 * }
 * await pipeline.dispose();
 * ```
 */
export class Pipeline implements AsyncDisposable {
  private readonly parts: PipelineParts;
  private disposed: Promise<void> | undefined;
  private readonly sessions: SessionPool;
  private isNew = true;

  constructor(parts: PipelineParts) {
    this.parts = parts;
    this.sessions = parts.sessions ?? new SessionPool();
  }

  /** The model as receipts name it. */
  get model(): Model["identity"] {
    return this.parts.model.identity;
  }

  /** What draws, with the hashes of the model's files. */
  async environment(): Promise<Environment> {
    return this.parts.environment;
  }

  /** Checks a request against this model, and fills in what it leaves open. @throws NishikiError "usage" */
  complete(request: ImageRequest): ImageSettings {
    return completeRequest(request, this.parts.model.context);
  }

  /**
   * Draws the images of a request, one after another, and reports every step.
   * @throws NishikiError "usage" for a request that cannot be right, "aborted", "closed", "memory", "device".
   */
  async *generate(
    request: ImageRequest,
    { signal }: GenerateOptions = {},
  ): AsyncGenerator<PipelineEvent, void, void> {
    const settings = this.complete(request);
    if (this.disposed) throw new NishikiError("closed", "The pipeline is disposed; load it again.");
    checkAborted(signal);
    // Whoever stops listening stops the work too.
    const left = new AbortController();
    const both = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
    try {
      yield* withProgress<PipelineEvent, ProgressEvent, void>((onProgress) =>
        this.drawInTurn(settings, { signal: both, onProgress }),
      );
    } finally {
      left.abort();
    }
  }

  /** Frees the model's memory. A disposed pipeline says so when used. */
  dispose(): Promise<void> {
    this.disposed ??= this.parts.close();
    return this.disposed;
  }

  /** As {@link Pipeline.dispose}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** Waits for requests that came before, then draws. */
  private async *drawInTurn(
    settings: ImageSettings,
    runtime: Runtime,
  ): AsyncGenerator<PipelineEvent, void, void> {
    const { signal, onProgress } = runtime;
    const onWait = () => onProgress?.({ kind: "wait" });
    const turn = await this.sessions.takeTurn(signal, onWait);
    try {
      if (this.disposed) throw new NishikiError("closed", "The pipeline is disposed; load it again.");
      for await (const event of this.drawAll(settings, runtime)) {
        // The caller may use this pipeline for something else before it asks for more, or never come back.
        turn.pause();
        yield event;
        await turn.resume(signal, onWait);
        if (this.disposed) throw new NishikiError("closed", "The pipeline is disposed; load it again.");
      }
    } finally {
      turn.end();
    }
  }

  private async *drawAll(
    settings: ImageSettings,
    runtime: Runtime,
  ): AsyncGenerator<PipelineEvent, void, void> {
    const plan = await interruptible(this.parts.model.prepare(settings, runtime), runtime.signal);
    const notices = this.isNew ? (this.parts.notices ?? []) : [];
    this.isNew = false;
    for (const message of [...notices, ...plan.warnings]) yield { kind: "warning", message };
    const prepared = {
      settings,
      plan,
      references: await referToImages(settings),
      forecast: new Forecast(),
      runtime,
    };
    for (let index = 0; index < settings.count; index++) yield* this.draw(prepared, index);
  }

  private async *draw(prepared: Prepared, index: number): AsyncGenerator<PipelineEvent, void, void> {
    const { settings, plan, forecast, runtime } = prepared;
    const own = getImageSettings(settings, index);
    const stages = runPlan(plan, { seeds: getImageSeeds(own), rng: settings.rng }, runtime);
    let transform: string | undefined;
    forecast.resume();
    let state = await stages.next();
    for (; !state.done; state = await stages.next()) {
      if (transform !== undefined) forecast.lap(transform);
      transform = undefined;
      const { value } = state;
      if (value.kind === "step") forecast.lap(value.stage.name);
      else if (value.stage.kind === "transform") transform = value.stage.name;
      const event = makeStageEvent(value, prepared, index);
      if (event) yield event;
      forecast.resume();
    }
    if (transform !== undefined) forecast.lap(transform);
    yield* this.finish(own, index, getPixels(plan, state.value), prepared);
  }

  private async *finish(
    own: ImageSettings,
    index: number,
    pixels: Pixels,
    { settings: { count }, references, runtime }: Prepared,
  ): AsyncGenerator<ImageEvent | WarningEvent, void, void> {
    const { model, environment } = this.parts;
    const request = getImageSettings(references, index);
    const machine = await interruptible(Promise.resolve(environment), runtime.signal);
    const receipt = await makeReceipt(request, model.identity, machine, pixels.data);
    const { width, height, data } = pixels;
    const { seed } = own;
    if (isPlain(data)) {
      const message = `The picture with seed ${seed} came out in a single colour; the model may be damaged or hardly trained.`;
      yield { kind: "warning", message };
    }
    yield makeEvent<ImageEvent>(
      { kind: "image", index, count, seed, width, height, receipt },
      { pixels: data, png: () => encodeImage(pixels, receipt) },
    );
  }
}

/** What a request's caller is told of a stage; nothing of a diffusion's start, which its first step tells. */
function makeStageEvent(
  event: StageEvent,
  prepared: Prepared,
  index: number,
): StepEvent | DecodeEvent | undefined {
  const { count } = prepared.settings;
  const stage = event.stage.name;
  if (event.kind === "start")
    return event.stage.kind === "transform" ? { kind: "decode", stage, index, count } : undefined;
  const { step, steps } = event.state;
  const left = getWorkLeft(event, prepared.plan);
  const later = prepared.plan.stages.map((one) => ({ stage: one.name, count: countSteps(one) }));
  const others = later.map((work) => ({ ...work, count: work.count * (count - 1 - index) }));
  return makeEvent<StepEvent>(
    {
      kind: "step",
      stage,
      index,
      count,
      step,
      steps,
      secondsLeft: prepared.forecast.secondsLeft(left),
      totalSecondsLeft: prepared.forecast.secondsLeft([...left, ...others]),
    },
    { preview: event.preview },
  );
}

const countSteps = (stage: Plan["stages"][number]) =>
  stage.kind === "diffusion" ? stage.steps.sigmas.length - 1 : 1;

/** What is left of an image after a step. */
function getWorkLeft({ stage, state: { step, steps } }: StageStep, { stages }: Plan): Work[] {
  const after = stages.slice(stages.indexOf(stage) + 1);
  return [
    { stage: stage.name, count: steps - step },
    ...after.map((one) => ({ stage: one.name, count: countSteps(one) })),
  ];
}
