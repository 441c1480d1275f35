/// <reference lib="esnext.disposable" preserve="true" />
// Text to image by diffusion (Rombach et al. 2022, arXiv 2112.10752, figure 3), read from top to bottom:
//
//     request ──family──▶ plan: stages, with the prompt encoded
//     seed ──random──▶ noise ──▶ sampler ⇄ guided denoiser ──▶ latents ──decoder──▶ pixels ──▶ PNG with its receipt
//                        └─ a diffusion stage; a plan may have several ─┘   └ a transform ┘
//
// The pipeline runs stages and knows nothing about families. Every image is a separate run, so it depends only on its seed,
// the prompt, the settings and the weights, not on the number of images or threads.
import { NishikiError } from "../errors.js";
import { checkAborted, interruptible, type NetworkRun, type ProgressEvent, withProgress } from "./cancel.js";
import { completeRequest } from "./complete-request.js";
import { encodeImage } from "./encode-image.js";
import {
  type DecodeEvent,
  type ImageEvent,
  makeEvent,
  type PipelineEvent,
  type StageImageEvent,
  type StepEvent,
  type WarningEvent,
} from "./events.js";
import { Forecast, type Work } from "./forecast.js";
import type { ImageRequest, ImageSettings, ReceiptRequest } from "./image-request.js";
import { getImageSeeds, getImageSettings } from "./image-seeds.js";
import { isPlain, type Pixels } from "./pixels.js";
import { countPlannedSteps, type Model, type Plan } from "./plan.js";
import type { Probe } from "./probe.js";
import { type Environment, makeReceipt, referToImages } from "./receipt.js";
import { getPixels, runPlan, type StageEvent, type StagePicture, type StageStep } from "./run-plan.js";
import type { Runtime } from "./runtime.js";
import { SessionPool } from "./session-pool.js";
import type { NetworkWork } from "./work.js";

/** The parts of a pipeline. */
export interface PipelineParts {
  readonly model: Model;
  /** A promise if large files are still being hashed while drawing; receipts wait for it. */
  readonly environment: Environment | Promise<Environment>;
  /** Notices about the model, emitted as warnings before its first image. */
  readonly notices?: readonly string[];
  /** Holds the model's networks and runs one request at a time. */
  readonly sessions?: SessionPool;
  /** Frees the sessions and their engines. */
  readonly close: () => Promise<void>;
}

export interface GenerateOptions {
  /** Cancels the request, at the latest after the current network run; the iterator then throws NishikiError "aborted". */
  readonly signal?: AbortSignal;
  /** Looks inside while drawing: attention, predictions. */
  readonly probe?: Probe;
  /** Told how long each network took. */
  readonly onRun?: (run: NetworkRun) => void;
}

/** State shared by all images of a request. */
interface Prepared {
  readonly settings: ImageSettings;
  readonly plan: Plan;
  /** The settings as stored in receipts. */
  readonly references: ReceiptRequest;
  readonly forecast: Forecast;
  readonly runtime: Runtime;
}

/**
 * A loaded model that is ready to draw. `loadPipeline` makes one from files.
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
  readonly #parts: PipelineParts;
  readonly #sessions: SessionPool;
  #disposed: Promise<void> | undefined;
  #isNew = true;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#sessions = parts.sessions ?? new SessionPool();
  }

  /** The model's name and version, as in receipts. */
  get model(): Model["identity"] {
    return this.#parts.model.identity;
  }

  /** Device, versions and file hashes, as in receipts. */
  async environment(): Promise<Environment> {
    return this.#parts.environment;
  }

  /** Checks a request against this model and fills in the defaults. @throws NishikiError "usage" */
  complete(request: ImageRequest): ImageSettings {
    return completeRequest(request, this.#parts.model.context);
  }

  /**
   * What an image of this request costs, network by network, before it is drawn. Empty if the model does not say.
   * @throws NishikiError "usage" for an invalid request
   */
  getWork(request: ImageRequest): readonly NetworkWork[] {
    const { model } = this.#parts;
    return model.getWork?.(this.complete(request)) ?? [];
  }

  /**
   * Draws the images of a request one after another, and emits an event for every step.
   * @throws NishikiError "usage" for an invalid request, "aborted", "closed", "memory", "device".
   */
  async *generate(
    request: ImageRequest,
    { signal, probe, onRun }: GenerateOptions = {},
  ): AsyncGenerator<PipelineEvent, void, void> {
    const settings = this.complete(request);
    this.#checkOpen();
    checkAborted(signal);
    // A caller that leaves its loop over the events cancels the work too.
    const leaving = new AbortController();
    const both = signal ? AbortSignal.any([signal, leaving.signal]) : leaving.signal;
    try {
      yield* withProgress<PipelineEvent, ProgressEvent, void>((onProgress) =>
        this.#drawInTurn(settings, {
          signal: both,
          onProgress,
          ...(probe && { probe }),
          ...(onRun && { onRun }),
        }),
      );
    } finally {
      leaving.abort();
    }
  }

  /** Frees the model's memory. Later calls of `generate` throw NishikiError "closed". */
  dispose(): Promise<void> {
    this.#disposed ??= this.#parts.close();
    return this.#disposed;
  }

  /** {@link Pipeline.dispose} for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #checkOpen(): void {
    if (this.#disposed) throw new NishikiError("closed", "The pipeline is disposed; load it again.");
  }

  /** Waits for earlier requests, then draws. */
  async *#drawInTurn(settings: ImageSettings, runtime: Runtime): AsyncGenerator<PipelineEvent, void, void> {
    const { signal, onProgress } = runtime;
    const onWait = () => onProgress?.({ kind: "wait" });
    const turn = await this.#sessions.takeTurn(signal, onWait);
    try {
      this.#checkOpen();
      for await (const event of this.#drawAll(settings, runtime)) {
        // The caller may start another request before it takes the next event, or never take it.
        turn.pause();
        yield event;
        await turn.resume(signal, onWait);
        this.#checkOpen();
      }
    } finally {
      turn.end();
    }
  }

  async *#drawAll(settings: ImageSettings, runtime: Runtime): AsyncGenerator<PipelineEvent, void, void> {
    const plan = await interruptible(this.#parts.model.prepare(settings, runtime), runtime.signal);
    const notices = this.#isNew ? (this.#parts.notices ?? []) : [];
    this.#isNew = false;
    for (const message of [...notices, ...plan.warnings]) yield { kind: "warning", message };
    const prepared = {
      settings,
      plan,
      references: await referToImages(settings),
      forecast: new Forecast(),
      runtime,
    };
    for (let index = 0; index < settings.count; index++) yield* this.#draw(prepared, index);
  }

  async *#draw(prepared: Prepared, index: number): AsyncGenerator<PipelineEvent, void, void> {
    const { settings, plan, forecast, runtime } = prepared;
    const imageSettings = getImageSettings(settings, index);
    const stages = runPlan(plan, { seeds: getImageSeeds(imageSettings), rng: settings.rng }, runtime);
    let transform: string | undefined;
    forecast.resume();
    let state = await stages.next();
    for (; !state.done; state = await stages.next()) {
      if (transform !== undefined) forecast.lap(transform);
      transform = undefined;
      const { value } = state;
      if (value.kind === "step") forecast.lap(value.stage.name);
      else if (value.kind === "start" && value.stage.kind === "transform") transform = value.stage.name;
      if (value.kind === "picture") yield await this.#keepStage(value, imageSettings, prepared, index);
      else {
        const event = makeStageEvent(value, prepared, index);
        if (event) yield event;
      }
      forecast.resume();
    }
    if (transform !== undefined) forecast.lap(transform);
    yield* this.#finish(imageSettings, index, getPixels(plan, state.value), prepared);
  }

  /** The image of a stage, with the receipt of a request that ends there. */
  async #keepStage(
    { stage, stages, pixels }: StagePicture,
    { seed }: ImageSettings,
    { settings: { count }, references, runtime }: Prepared,
    index: number,
  ): Promise<StageImageEvent> {
    const { model, environment } = this.#parts;
    const { width, height, data } = pixels;
    const { superResolution: _, ...request } = getImageSettings(references, index);
    const machine = await interruptible(Promise.resolve(environment), runtime.signal);
    const ended = { ...request, size: { width, height }, stages };
    const receipt = await makeReceipt(ended, model.identity, machine, data);
    return makeEvent<StageImageEvent>(
      { kind: "stage-image", stage: stage.name, stages, index, count, seed, width, height, receipt },
      { pixels: data, png: () => encodeImage(pixels, receipt) },
    );
  }

  async *#finish(
    { seed }: ImageSettings,
    index: number,
    pixels: Pixels,
    { settings: { count }, references, runtime }: Prepared,
  ): AsyncGenerator<ImageEvent | WarningEvent, void, void> {
    const { model, environment } = this.#parts;
    const request = getImageSettings(references, index);
    const machine = await interruptible(Promise.resolve(environment), runtime.signal);
    const receipt = await makeReceipt(request, model.identity, machine, pixels.data);
    const { width, height, data } = pixels;
    if (isPlain(data)) {
      const message = `The image with seed ${seed} has a single colour; the model may be damaged or barely trained.`;
      yield { kind: "warning", message };
    }
    yield makeEvent<ImageEvent>(
      { kind: "image", index, count, seed, width, height, receipt },
      { pixels: data, png: () => encodeImage(pixels, receipt) },
    );
  }
}

/** The event that reports a stage event to the caller; none for the start of a diffusion, whose first step follows. */
function makeStageEvent(
  event: Exclude<StageEvent, StagePicture>,
  prepared: Prepared,
  index: number,
): StepEvent | DecodeEvent | undefined {
  const { count } = prepared.settings;
  const stage = event.stage.name;
  if (event.kind === "start")
    return event.stage.kind === "transform" ? { kind: "decode", stage, index, count } : undefined;
  const { step } = event.state;
  const steps = countSteps(event.stage);
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
      hasPreview: event.hasPreview,
    },
    { preview: event.preview },
  );
}

const countSteps = (stage: Plan["stages"][number]) =>
  stage.kind === "diffusion" ? countPlannedSteps(stage.steps) : 1;

/** The remaining work for an image after a step. */
function getWorkLeft({ stage, state: { step } }: StageStep, { stages }: Plan): Work[] {
  const after = stages.slice(stages.indexOf(stage) + 1);
  return [
    { stage: stage.name, count: countSteps(stage) - step },
    ...after.map((one) => ({ stage: one.name, count: countSteps(one) })),
  ];
}
