// Draws the images of a plan, several at once, into a folder; those that are there from an earlier call are kept.
import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError, makeFolder, writeFileAtomic } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import { decodePng, toRgb } from "../image/index.js";
import { scaleImage } from "../image/node.js";
import type { ImageRequest, LoadOptions, Pipeline } from "../pipeline/index.js";
import { loadPipeline } from "../pipeline/node.js";
import type { Task } from "./plan.js";

export interface DrawOptions {
  readonly folder: string;
  readonly machine: LoadOptions;
  /** The first pipeline, loaded as `machine` says. It stays the caller's. */
  readonly pipeline: Pipeline;
  /** Pipelines that draw side by side. */
  readonly parallel: number;
  /** Steps, guidance and whatever else shall not be the model's own. */
  readonly request: Partial<ImageRequest>;
  readonly signal?: AbortSignal;
  readonly onImage?: (done: number, of: number) => void;
}

const fileOf = (folder: string, { id }: Task) => join(folder, `${id}.png`);

/** The most pipelines that draw side by side, and bytes of free memory that each is counted with. */
const [mostPipelines, pipelineMemory] = [8, 2 ** 30];

/** How many pipelines of a small model draw side by side, and on how many threads each. */
export function planWorkers(threads: number, freeMemory: number): { parallel: number; threads: number } {
  const fits = Math.floor(freeMemory / pipelineMemory);
  const parallel = Math.max(1, Math.min(threads, mostPipelines, fits));
  return { parallel, threads: Math.max(1, Math.floor(threads / parallel)) };
}

/**
 * Draws what is not there yet. The first failure stops all that draw side by side.
 * @returns How many images were drawn.
 * @throws NishikiError "file" for a folder that cannot be read or a full disk, "aborted", and what drawing throws
 */
export async function drawTasks(tasks: readonly Task[], options: DrawOptions): Promise<number> {
  const { folder, machine, parallel, pipeline, signal } = options;
  await makeFolder(folder);
  const missing: Task[] = [];
  for (const task of tasks) if (!(await isThere(fileOf(folder, task)))) missing.push(task);
  const failure = new AbortController();
  const stop = signal ? AbortSignal.any([signal, failure.signal]) : failure.signal;
  const queue = makeQueue(missing, tasks.length, options);
  const guard = (work: Promise<void>) =>
    work.catch((error: unknown) => {
      // What the others throw once they are stopped is only that they were.
      if (!failure.signal.aborted) failure.abort(error);
    });
  const further = async () => {
    const own = await loadPipeline(machine);
    try {
      await queue.draw(own, stop);
    } finally {
      await own.dispose();
    }
  };
  const count = Math.min(parallel, missing.length);
  const works = Array.from({ length: count }, (_, i) => (i === 0 ? queue.draw(pipeline, stop) : further()));
  await Promise.all(works.map(guard));
  if (failure.signal.aborted) throw failure.signal.reason;
  return missing.length;
}

/** Tasks that several pipelines take from in turn. */
function makeQueue(missing: readonly Task[], all: number, { folder, request, onImage }: DrawOptions) {
  let done = all - missing.length;
  let next = 0;
  return {
    draw: async (pipeline: Pipeline, signal: AbortSignal) => {
      while (next < missing.length) {
        const task = missing[next++]!;
        const { prompt, seed } = task;
        for await (const event of pipeline.generate({ ...request, prompt, seed }, { signal })) {
          if (event.kind === "image") await writeFileAtomic(fileOf(folder, task), event.png());
        }
        onImage?.(++done, all);
      }
    },
  };
}

/** @throws NishikiError "file" where that cannot be told: what cannot be read is not taken for missing. */
async function isThere(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw fileError(error, `read ${path}`);
  }
}

/** The pixels of a task's image at the side that judges see, `[side, side, 3]`. @throws NishikiError "file" */
export async function readDrawn(folder: string, task: Task, side: number): Promise<Uint8Array> {
  const path = fileOf(folder, task);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
  const { text: _, ...image } = decodePng(bytes);
  const rgb = toRgb(image);
  if (rgb.width === side && rgb.height === side) return Uint8Array.from(rgb.data);
  if (rgb.width !== rgb.height) {
    throw new NishikiError("data", `${path} is not square: judges look at square pictures.`);
  }
  return Uint8Array.from((await scaleImage(rgb, side, side)).data);
}
