// Runs trainings and evaluations in slices: a slice ends when another job waits, so that no drawing waits for a whole training.
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../checkpoint/node.js";
import { getImageFormat } from "../../image/index.js";
import type { LoadOptions } from "../../pipeline/index.js";
import { apiVersion, type JobLoad } from "../api/index.js";
import { DrawingProcessError } from "../drawing/failures.js";
import { listImageIds } from "../job-images.js";
import type { JobRecord, Outcome, Reporter, WorkEvent } from "../parts.js";
import {
  findSprites,
  getEvaluationFolder,
  getExplanationFile,
  getOwnModelsFolder,
  getPriorFolder,
  getTrainingFolder,
} from "./folders.js";
import type {
  EvaluateAnswer,
  EvaluateTask,
  ExplainAmounts,
  ExplainTask,
  TrainAnswer,
  TrainTask,
} from "./tasks.js";

/** What waits behind a long job. */
export interface Waiting {
  /** Jobs that take seconds or minutes. */
  readonly short: boolean;
  /** Other trainings and evaluations. */
  readonly long: boolean;
}

export interface LongWork {
  /** The library's folder. */
  readonly folder: string;
  resolve(model: string, load?: JobLoad): Promise<LoadOptions>;
  waiting(): Promise<Waiting>;
  run<T>(task: TrainTask | EvaluateTask | ExplainTask, options: RunTaskOptions): Promise<T>;
  /** A LoRA was written. */
  onLora(): void;
}

export interface RunTaskOptions {
  readonly signal: AbortSignal;
  onEvent(event: WorkEvent): void;
}

/** Milliseconds after its first step for which a slice keeps its turn, while short or long jobs wait. */
const [turnBeforeShort, turnBeforeLong] = [5_000, 300_000];
const lookMilliseconds = 500;
/** Stages that can be left at any time without losing work. */
const stages = ["train", "draw"];

/** @throws NishikiError what the work throws; "aborted" never: a job that was stopped says so by its outcome */
export async function runLongJob(
  job: JobRecord,
  work: LongWork,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<Outcome> {
  const turn = new Turn(work, signal);
  const reports = new ReportQueue(reporter);
  const onEvent = (event: WorkEvent) => {
    if (event.kind === "progress" && stages.includes(event.progress.stage)) turn.begin();
    reports.add(event);
  };
  try {
    const options = { signal: turn.signal, onEvent };
    const end = await runWithRestart(() => runKind(job, work, reporter, options), reporter, signal);
    return signal.aborted && end.state === "unfinished" ? { state: "cancelled" } : end;
  } finally {
    turn.end();
    await reports.flush();
  }
}

/** A process that died once may have been unlucky; the work goes on from what it kept. */
async function runWithRestart(
  run: () => Promise<Outcome>,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof DrawingProcessError) || signal.aborted) throw error;
    await reporter.report({
      kind: "warning",
      message: `${error.message} The job goes on from its last checkpoint.`,
    });
    return run();
  }
}

function runKind(
  job: JobRecord,
  work: LongWork,
  reporter: Reporter,
  options: RunTaskOptions,
): Promise<Outcome> {
  switch (job.kind) {
    case "train":
      return runTraining(job, work, reporter, options);
    case "evaluate":
      return runEvaluation(job, work, options);
    default:
      return runExplanation(job, work, reporter, options);
  }
}

/** It is not run in slices: it takes as long as some drawings. */
async function runExplanation(
  job: JobRecord,
  work: LongWork,
  reporter: Reporter,
  options: RunTaskOptions,
): Promise<Outcome> {
  const { request, ...amounts } = job.request as unknown as ExplainRequest;
  const images = new Map<string, Uint8Array>();
  for (const id of await listImageIds(job)) images.set(id, await reporter.image(id));
  const load = await work.resolve(job.model, job.load);
  const task: ExplainTask = { kind: "explain", load, request, images, amounts };
  const json = await work.run<string>(task, options);
  const file = getExplanationFile(work.folder, job.id);
  await makeFolder(dirname(file));
  await writeFileAtomic(file, Buffer.from(json), { overwrite: true });
  return { state: "done", result: { report: getReportPath(job) } };
}

interface ExplainRequest extends ExplainAmounts {
  readonly request: Readonly<Record<string, unknown>>;
}

async function runTraining(
  job: JobRecord,
  work: LongWork,
  reporter: Reporter,
  options: RunTaskOptions,
): Promise<Outcome> {
  const { name, images, steps, rank, learningRate, samplePrompt } = job.request as unknown as TrainRequest;
  const folder = getTrainingFolder(work.folder, job.id);
  const data = join(folder, "images");
  await writeImages(data, images, reporter);
  const models = getOwnModelsFolder(work.folder);
  await makeFolder(models);
  const answer = await work.run<TrainAnswer>(
    {
      kind: "train",
      model: (await work.resolve(job.model)).model,
      images: data,
      // The LoRA has the name of its run.
      run: join(folder, `${name}.run`),
      prior: getPriorFolder(work.folder),
      lora: join(models, `${name}.safetensors`),
      ...{ steps, rank, learningRate, samplePrompt },
    },
    options,
  );
  if (answer.hasLora) work.onLora();
  if (!answer.finished) return { state: "unfinished" };
  // Copies of the uploads, and what was made of them: only a run that goes on needs them.
  await rm(data, { recursive: true, force: true });
  await rm(join(folder, `${name}.run`, "latents"), { recursive: true, force: true });
  return {
    state: "done",
    result: { lora: name, steps: answer.step, loss: answer.loss, report: getReportPath(job) },
  };
}

interface TrainRequest {
  readonly name: string;
  readonly images: readonly { readonly id: string; readonly caption: string }[];
  readonly steps: number;
  readonly rank: number;
  readonly learningRate: number;
  readonly samplePrompt: string;
}

/** Writes the images with their captions, as a folder that trainings read. Those that are there stay. */
async function writeImages(
  folder: string,
  images: TrainRequest["images"],
  reporter: Reporter,
): Promise<void> {
  await makeFolder(folder);
  const lines: string[] = [];
  for (const { id, caption } of images) {
    const file = await writeImage(folder, id, reporter);
    lines.push(`${JSON.stringify({ file_name: file, text: caption })}\n`);
  }
  await writeFileAtomic(join(folder, "metadata.jsonl"), lines.join(""));
}

async function writeImage(folder: string, id: string, reporter: Reporter): Promise<string> {
  const bytes = await reporter.image(id);
  const ending = { PNG: "png", JPEG: "jpg", WebP: "webp" }[getImageFormat(bytes)?.name ?? ""] ?? "png";
  const name = `${id}.${ending}`;
  await writeFileAtomic(join(folder, name), bytes);
  return name;
}

async function runEvaluation(job: JobRecord, work: LongWork, options: RunTaskOptions): Promise<Outcome> {
  const { prompts, seed } = job.request as { readonly prompts: number; readonly seed: number };
  const output = getEvaluationFolder(work.folder, job.id);
  await makeFolder(output);
  const { model } = await work.resolve(job.model);
  const task: EvaluateTask = { kind: "evaluate", model, output, sprites: findSprites(), prompts, seed };
  const answer = await work.run<EvaluateAnswer>(task, options);
  if (!answer.finished) return { state: "unfinished" };
  return { state: "done", result: { ...answer.summary, report: getReportPath(job) } };
}

/** Where the API serves what a job has to show. */
const getReportPath = ({ id }: JobRecord) => `/api/${apiVersion}/jobs/${id}/report`;

/** A slice's turn: from its first step on, it ends once others have waited long enough. */
class Turn {
  readonly #work: LongWork;
  readonly #controller = new AbortController();
  readonly signal: AbortSignal;
  #timer: NodeJS.Timeout | undefined;
  #began: number | undefined;

  constructor(work: LongWork, signal: AbortSignal) {
    this.#work = work;
    this.signal = AbortSignal.any([signal, this.#controller.signal]);
  }

  begin(): void {
    if (this.#began !== undefined) return;
    this.#began = performance.now();
    this.#timer = setInterval(() => void this.#look().catch(() => undefined), lookMilliseconds);
    this.#timer.unref();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const spent = performance.now() - this.#began!;
    if (spent < turnBeforeShort) return;
    const { short, long } = await this.#work.waiting();
    if (short || (long && spent >= turnBeforeLong)) this.#controller.abort();
  }
}

/** Reports one after the other. Of progress that comes faster than it is taken, the newest counts; previews and findings all do. */
class ReportQueue {
  readonly #reporter: Reporter;
  readonly #events: WorkEvent[] = [];
  #sending: Promise<void> | undefined;

  constructor(reporter: Reporter) {
    this.#reporter = reporter;
  }

  add(event: WorkEvent): void {
    const last = this.#events.at(-1);
    const isLight = (one: WorkEvent | undefined) =>
      one?.kind === "progress" && one.preview === undefined && one.finding === undefined;
    const isReplaced = event.kind === "progress" && isLight(last);
    if (isReplaced) this.#events[this.#events.length - 1] = event;
    else this.#events.push(event);
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  async flush(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  async #send(): Promise<void> {
    for (let event = this.#events.shift(); event; event = this.#events.shift())
      await this.#reporter.report(event).catch(() => undefined); // what is not told now is told with the next step
  }
}
