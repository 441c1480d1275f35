// Runs `nishiki export`.
import type { Engine } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { NishikiError } from "../errors.js";
import { completeLoadOptions, loadOptionsSchema } from "../pipeline/index.js";
import { exportRun, loadTrainingConfig, streamBatches, type TrainingConfig } from "../training/index.js";
import { makeProgress } from "./progress.js";
import { pickSettings } from "./setting-options.js";
import { listenForStop } from "./stop.js";
import { print, printPath } from "./terminal.js";

export interface ExportCommandOptions extends Readonly<Record<string, unknown>> {
  readonly output?: string;
  readonly batches?: number;
  readonly stream?: number;
  readonly resume?: boolean;
  readonly steps?: number;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** @throws NishikiError what `exportRun` and `streamBatches` throw, "usage" for options that do not go together */
export async function runExportCommand(path: string, options: ExportCommandOptions): Promise<void> {
  const { output, stream, batches, steps } = options;
  if ((output === undefined) === (stream === undefined))
    throw new NishikiError(
      "usage",
      `Expected either --output FOLDER or --stream STEP, got ${output === undefined ? "neither" : "both"}.`,
    );
  if (stream !== undefined && batches !== undefined)
    throw new NishikiError("usage", "--batches: expected --output to go with it; a stream has no end.");
  const config = await loadTrainingConfig(path, { steps });
  const { device, threads } = completeLoadOptions(pickSettings(options, loadOptionsSchema));
  const engine = makeEngine({ device, threads });
  try {
    if (output !== undefined) await writeExport(config, engine, output, options);
    else await writeStream(config, engine, stream!, options);
  } finally {
    await engine.close();
  }
}

/** Writes what another machine needs for the run. */
async function writeExport(
  config: TrainingConfig,
  engine: Engine,
  output: string,
  { batches, resume, quiet, json }: ExportCommandOptions,
): Promise<void> {
  const progress = makeProgress(quiet ?? false);
  const stop = listenForStop();
  try {
    const written = await exportRun(config, {
      engine,
      output,
      signal: stop.signal,
      ...(batches !== undefined && { batches }),
      ...(resume !== undefined && { resume }),
      onNotice: (message) => progress.say(message),
      onBatch: (done, of) => progress.show("Writing batches", done, of),
    });
    progress.clear();
    const { step, steps, parameters, nodes } = written;
    const size = `${(parameters / 1e6).toFixed(1)} million parameters, ${nodes} operations`;
    progress.say(`The step (${size}), from step ${step} of ${steps}, with ${written.batches} batches.`);
    await (json ? print(`${JSON.stringify(written)}\n`) : printPath(written.output));
  } finally {
    progress.clear();
    stop.release();
  }
}

/** Writes batches to standard output, for as long as somebody reads them. */
async function writeStream(
  config: TrainingConfig,
  engine: Engine,
  from: number,
  { quiet }: ExportCommandOptions,
): Promise<void> {
  const progress = makeProgress(quiet ?? false);
  const stop = listenForStop();
  // A reader that stops reading must not keep a stopped process waiting.
  const stopped = new Promise<void>((resolve) => {
    stop.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const write = (bytes: Uint8Array) => {
    const written = new Promise<void>((resolve, reject) => {
      process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
    return Promise.race([written, stopped]);
  };
  try {
    const onNotice = (message: string) => progress.say(message);
    await streamBatches(config, { engine, from, signal: stop.signal, write, onNotice });
  } finally {
    stop.release();
  }
}
