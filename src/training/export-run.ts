// Exports a training run for other machines: the training step as ONNX, the initial state and the batches.
// Any runtime for the program can train; networks, losses and optimizers need no second implementation.
import { createHash } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { encodeSafetensors, type NamedTensor } from "../checkpoint/index.js";
import { fileError, makeFolder, writeFileAtomic, writeSafetensors } from "../checkpoint/node.js";
import type { Engine, HostTensors } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { lowerProgram } from "../graph/index.js";
import { loadCheckpoint, saveCheckpoint } from "./checkpoint.js";
import type { TrainingConfig } from "./config.js";
import { writeFingerprint } from "./fingerprint.js";
import { firstState, scalarInputs } from "./loop.js";
import { makeStepProgram, nextName, type StepProgram } from "./step-program.js";
import { openRun } from "./train.js";

export interface ExportOptions {
  /** Encodes images for missing latents. */
  readonly engine: Engine;
  /** Output folder; created if missing. */
  readonly output: string;
  /**
   * Number of batches to write beside the program, from the next step on. Default 0: batches are streamed.
   */
  readonly batches?: number;
  /** Continues from the run's checkpoint, if any. */
  readonly resume?: boolean;
  readonly signal?: AbortSignal;
  readonly onNotice?: (message: string) => void;
  readonly onBatch?: (done: number, of: number) => void;
}

/** The exported run. */
export interface ExportedRun {
  readonly output: string;
  /** Steps done in the exported checkpoint. */
  readonly step: number;
  readonly steps: number;
  readonly parameters: number;
  readonly nodes: number;
  readonly batches: number;
}

/** File names of an exported run. */
export const exportFiles = {
  program: "step.onnx",
  description: "run.json",
  schedule: "schedule.safetensors",
  batch: (step: number) => join("batches", `${String(step).padStart(7, "0")}.safetensors`),
} as const;

/**
 * Writes `step.onnx` (standard operators of opset 21 only), `checkpoint.safetensors` (the state before the
 * next step, in the format of runs), `schedule.safetensors` (the scalars of every step), `run.json` (inputs,
 * outputs and state), and optionally batches.
 * @throws NishikiError "file", "data", "usage", "checkpoint", "training", "aborted"
 */
export async function exportRun(config: TrainingConfig, options: ExportOptions): Promise<ExportedRun> {
  const { output, batches = 0, resume = false, signal, onBatch } = options;
  const { schedule, optimizer, batchSize, seed, folder, kind } = config;
  const { task, settings, initFrom = config.initFrom } = await openRun(config, options);
  try {
    if (task.frozen)
      throw new NishikiError(
        "usage",
        `This run of kind "${kind}" has frozen weights, which cannot be exported. Train it here: nishiki train.`,
      );
    const step = makeStepProgram(task.objective(batchSize), optimizer);
    const fingerprint = writeFingerprint(settings);
    const checkpoint = resume ? await loadCheckpoint(folder, step, fingerprint, options.onNotice) : undefined;
    const start = checkpoint ?? {
      step: 0,
      state: await firstState(step, seed, { initFrom, onNotice: options.onNotice }),
    };
    await emptyBatches(output);
    const { onnx, nodeCount } = lowerProgram(step.program, { target: "standard", decompose: true });
    await writeFileAtomic(join(output, exportFiles.program), onnx);
    await saveCheckpoint(output, { ...start, computedIn: checkpoint?.computedIn }, fingerprint);
    await writeSchedule(join(output, exportFiles.schedule), config);
    const run = digestRun(fingerprint);
    const description = { ...describe(config, step), run, firstStep: start.step };
    await writeFileAtomic(join(output, exportFiles.description), `${JSON.stringify(description, null, 1)}\n`);
    const last = Math.min(schedule.steps, start.step + batches);
    for (let at = start.step; at < last; at++) {
      if (signal?.aborted)
        throw new NishikiError("aborted", `Stopped after ${at - start.step} of ${batches} batches.`);
      const batch = encodeBatch(await task.batch(at), { run, step: at });
      await writeFileAtomic(join(output, exportFiles.batch(at)), batch);
      onBatch?.(at + 1 - start.step, last - start.step);
    }
    const parameters = step.parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    const written = last - start.step;
    return {
      output,
      step: start.step,
      steps: schedule.steps,
      parameters,
      nodes: nodeCount,
      batches: written,
    };
  } finally {
    await task.close?.();
  }
}

/** Description of the program for its runtime: inputs, scalars, state and metrics with their shapes. */
function describe(config: TrainingConfig, { program, parameters, state }: StepProgram) {
  const { schedule, batchSize, kind, checkpointInterval } = config;
  const carried = [...parameters, ...state].map(({ name, shape }) => ({ name, shape, next: nextName(name) }));
  const names = new Set(carried.map(({ name }) => name));
  const scalars = Object.keys(scalarInputs(0, config));
  const isBatch = (name: string) => !names.has(name) && !scalars.includes(name);
  const inputs = program.inputs.flatMap(({ name, tensor }) =>
    isBatch(name) ? [{ name, shape: tensor.shape, dtype: tensor.dtype }] : [],
  );
  const next = new Set(carried.map(({ next }) => next));
  const metrics = program.outputs.map(({ name }) => name).filter((name) => !next.has(name));
  return {
    format: 1,
    kind,
    batchSize,
    steps: schedule.steps,
    checkpointEvery: checkpointInterval,
    inputs,
    scalars,
    state: carried,
    /** Outputs for the log. */
    metrics,
    files: { ...exportFiles, batch: "batches/{step:07d}.safetensors" },
  };
}

/** One row per step, so that the runtime need not implement the schedule. */
async function writeSchedule(path: string, config: TrainingConfig): Promise<void> {
  const { steps } = config.schedule;
  const names = Object.keys(scalarInputs(0, config));
  const columns = names.map((name) => {
    const data = Float32Array.from(
      { length: steps },
      (_, step) => scalarInputs(step, config)[name]!.data[0] as number,
    );
    return { name, dtype: "f32" as const, shape: [steps], data };
  });
  await writeSafetensors(path, columns);
}

const tensorsOf = (batch: HostTensors) =>
  Object.entries(batch).map(([name, { dtype, shape, data }]) => {
    if (dtype === "bool")
      throw new NishikiError(
        "internal",
        `The batch input "${name}" is boolean; safetensors files of batches hold numbers only.`,
      );
    return { name, dtype, shape: [...shape], data } as NamedTensor;
  });

/** Identifies the run that a batch belongs to. The fingerprint decides the batches. */
function digestRun(fingerprint: string): string {
  return createHash("sha256").update(fingerprint).digest("hex").slice(0, 16);
}

/** Encodes a batch as a file that names its run and step, so that no other run trains on it. */
function encodeBatch(batch: HostTensors, { run, step }: { run: string; step: number }): Uint8Array {
  return encodeSafetensors(tensorsOf(batch), { run, step: String(step) });
}

/**
 * Removes the batches of an earlier export: a reader would continue with them after the last new one.
 */
async function emptyBatches(output: string): Promise<void> {
  const folder = join(output, "batches");
  await makeFolder(folder);
  try {
    for (const name of await readdir(folder)) {
      if (/^\d{7,}\.safetensors$/.test(name)) await rm(join(folder, name));
    }
  } catch (error) {
    throw fileError(error, `empty the folder ${folder}`);
  }
}

export interface BatchStreamOptions extends Pick<ExportOptions, "engine" | "signal" | "onNotice"> {
  /** First step. */
  readonly from: number;
  /** Takes bytes; resolves when ready for more. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
}

/**
 * Writes the batches of steps `from` to the schedule's end, each as 8 bytes of length (little-endian) and a
 * safetensors file. Resolves when all are written or the signal aborts.
 */
export async function streamBatches(config: TrainingConfig, options: BatchStreamOptions): Promise<void> {
  const { from, write, signal } = options;
  const { task, settings } = await openRun(config, options);
  const run = digestRun(writeFingerprint(settings));
  const { steps } = config.schedule;
  let upcoming = from < steps ? task.batch(from) : undefined;
  try {
    for (let step = from; upcoming && !signal?.aborted; step++) {
      const batch = await upcoming.catch((error: unknown) => {
        if (signal?.aborted) return undefined; // the signal stopped the making of batches, too
        throw error;
      });
      if (!batch) break;
      upcoming = step + 1 < steps ? task.batch(step + 1) : undefined;
      upcoming?.catch(() => undefined); // handled where it is awaited
      const file = encodeBatch(batch, { run, step });
      const length = new Uint8Array(8);
      new DataView(length.buffer).setBigUint64(0, BigInt(file.length), true);
      await write(length);
      await write(file);
    }
  } finally {
    // If the reader goes away, a batch in the making must not outlive its task.
    await upcoming?.catch(() => undefined);
    await task.close?.();
  }
}
