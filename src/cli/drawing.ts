// What `nishiki draw` does once the model is loaded: draws, shows how far it is, and prints results.
import { NishikiError } from "../errors.js";
import type {
  Environment,
  ImageEvent,
  ImageSettings,
  NetworkRun,
  Pipeline,
  PipelineEvent,
  StageImageEvent,
  StepEvent,
} from "../pipeline/index.js";
import type { WritePreview } from "./preview-file.js";
import { formatSeconds, type Progress } from "./progress.js";
import { print, printPath } from "./terminal.js";

export interface Drawing {
  readonly pipeline: Pick<Pipeline, "generate" | "model" | "environment">;
  readonly settings: ImageSettings;
  /** What is to be said before anything is drawn. */
  readonly notices: readonly string[];
  /** Writes a finished image. @returns Its path, unless it was printed. */
  readonly write: (index: number, seed: number, png: Uint8Array) => Promise<string | undefined>;
  /** Writes the image of a stage of a cascade. Default: it is not kept. */
  readonly writeStage?: ((event: StageImageEvent) => Promise<string>) | undefined;
  readonly preview: WritePreview | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Whether results and warnings are lines of JSON. */
  readonly json: boolean;
  /** Told how long each network took. */
  readonly onRun?: (run: NetworkRun) => void;
}

/** A line of JSON, or one on standard error. */
export async function printWarning(
  message: string,
  { json, progress }: Pick<Drawing, "json" | "progress">,
): Promise<void> {
  if (json) await printJson({ kind: "warning", message });
  else progress.warn(message);
}

const printJson = (value: object) => print(`${JSON.stringify(value)}\n`);

/** @throws NishikiError what `Pipeline.generate` throws; "aborted" says how many images are finished */
export async function drawAll(drawing: Drawing): Promise<void> {
  const { pipeline, settings, notices, signal, onRun } = drawing;
  const reporter = new Reporter(drawing);
  try {
    for (const message of notices) await reporter.warn(message);
    for await (const event of pipeline.generate(settings, { signal, ...(onRun && { onRun }) }))
      await reporter.take(event);
  } catch (error) {
    if (!(error instanceof NishikiError) || error.code !== "aborted") throw error;
    throw new NishikiError("aborted", `Stopped; ${reporter.finished()}.`, { cause: error });
  }
}

class Reporter {
  readonly #drawing: Drawing;
  #started = performance.now();
  #finished = 0;

  constructor(drawing: Drawing) {
    this.#drawing = drawing;
  }

  finished(): string {
    const { count } = this.#drawing.settings;
    return count === 1 ? "no picture is finished" : `${this.#finished} of ${count} pictures are finished`;
  }

  async warn(message: string): Promise<void> {
    await printWarning(message, this.#drawing);
  }

  async take(event: PipelineEvent): Promise<void> {
    const { progress, settings } = this.#drawing;
    const { steps } = settings;
    switch (event.kind) {
      case "warning":
        return this.warn(event.message);
      case "wait":
        return progress.show("Waiting for other jobs", 0, steps);
      case "load":
        return progress.show(`Loading the ${event.stage}`, 0, steps);
      case "encode":
        return progress.show(`Encoding the ${event.stage}`, 0, steps);
      case "decode":
        return progress.show(
          this.#label(event.index, event.stage === "decode" ? "decoding" : event.stage),
          steps,
          steps,
        );
      case "step":
        return this.#step(event);
      case "stage-image":
        return this.#stageImage(event);
      case "image":
        return this.#image(event);
    }
  }

  #label(index: number, stage = "base"): string {
    const { count } = this.#drawing.settings;
    const label = count === 1 ? "Drawing" : `Picture ${index + 1} of ${count}`;
    return stage === "base" ? label : `${label}: ${stage}`;
  }

  async #step(event: StepEvent): Promise<void> {
    const { progress, preview } = this.#drawing;
    const { index, stage, step, steps, totalSecondsLeft } = event;
    // A server may not know yet.
    const secondsLeft = Number.isNaN(totalSecondsLeft) ? undefined : totalSecondsLeft;
    progress.show(this.#label(index, stage), step, steps, secondsLeft);
    if (event.hasPreview) await preview?.(await event.preview());
  }

  async #stageImage(event: StageImageEvent): Promise<void> {
    const { writeStage, json } = this.#drawing;
    const file = await writeStage?.(event);
    if (file === undefined) return;
    if (!json) return printPath(file);
    const { stages, index, seed, width, height, receipt } = event;
    const { request, pixels } = receipt;
    await printJson({ kind: "stage-image", file, stages, index, seed, width, height, request, pixels });
  }

  async #image(event: ImageEvent): Promise<void> {
    const { progress, settings, write, json, pipeline } = this.#drawing;
    const seconds = (performance.now() - this.#started) / 1000;
    this.#started = performance.now();
    const file = await write(event.index, event.seed, event.png());
    this.#finished += 1;
    const { index, seed } = event;
    const steps = settings.steps === 1 ? "1 step" : `${settings.steps} steps`;
    progress.say(`${this.#label(index)}: seed ${seed}, ${steps}, ${formatSeconds(seconds)}`);
    if (file === undefined) return;
    if (!json) return printPath(file);
    if (this.#finished === 1) await printJson(describeModel(pipeline.model, await pipeline.environment()));
    await printJson(describeImage(file, event, seconds));
  }
}

/** What draws and the hashes of its files: the same for all images. */
function describeModel(model: Pipeline["model"], { weights, ...environment }: Environment): object {
  return { kind: "model", ...environment, model: { name: model.name, version: model.version, weights } };
}

function describeImage(
  file: string,
  { index, seed, width, height, receipt }: ImageEvent,
  seconds: number,
): object {
  const { request, pixels } = receipt;
  return {
    kind: "image",
    file,
    index,
    seed,
    width,
    height,
    seconds: Number(seconds.toFixed(3)),
    request,
    pixels,
  };
}
