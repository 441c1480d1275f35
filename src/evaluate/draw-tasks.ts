// Draws a plan's images into a folder, several at once. Skips images that an earlier call drew.
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
  /** The first pipeline, loaded with the options in `machine`. The caller disposes of it. */
  readonly pipeline: Pipeline;
  /** Number of pipelines that draw in parallel. */
  readonly parallel: number;
  /** Settings that replace the model's defaults. */
  readonly request: Partial<ImageRequest>;
  readonly signal?: AbortSignal;
  readonly onImage?: (done: number, of: number) => void;
}

/** The image of a task. */
export const fileOf = (folder: string, { id }: Task) => join(folder, `${id}.png`);

/** Most pipelines that draw in parallel, and free memory in bytes reserved for each. */
const [mostPipelines, pipelineMemory] = [8, 2 ** 30];

/** How many pipelines of a small model draw in parallel, and on how many threads each. */
export function planWorkers(threads: number, freeMemory: number): { parallel: number; threads: number } {
  const fits = Math.floor(freeMemory / pipelineMemory);
  const parallel = Math.max(1, Math.min(threads, mostPipelines, fits));
  return { parallel, threads: Math.max(1, Math.floor(threads / parallel)) };
}

/**
 * Draws the missing images. The first failure stops all pipelines.
 * @returns the number of images drawn
 * @throws NishikiError "file" if the folder cannot be read or the disk is full, "aborted", and what drawing
 * throws
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
      // Once the first failure stops the others, they only throw "aborted".
      if (!failure.signal.aborted) failure.abort(error);
    });
  const further = async () => {
    const extra = await loadPipeline(machine);
    try {
      await queue.draw(extra, stop);
    } finally {
      await extra.dispose();
    }
  };
  const count = Math.min(parallel, missing.length);
  const works = Array.from({ length: count }, (_, i) => (i === 0 ? queue.draw(pipeline, stop) : further()));
  await Promise.all(works.map(guard));
  if (failure.signal.aborted) throw failure.signal.reason;
  return missing.length;
}

/** Tasks shared by several pipelines; each takes the next one. */
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

/** @throws NishikiError "file" if the file exists but cannot be read: it must not count as missing */
async function isThere(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw fileError(error, `read ${path}`);
  }
}

/** Reads a task's image, resized to `[side, side, 3]` bytes. @throws NishikiError "file", "data" */
export async function readDrawn(folder: string, task: Task, side: number): Promise<Uint8Array> {
  const path = fileOf(folder, task);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
  const { text: _, ...image } = decodePng(bytes);
  const rgb = toRgb(image);
  if (rgb.width === side && rgb.height === side) return Uint8Array.from(rgb.data);
  if (rgb.width !== rgb.height) {
    throw new NishikiError(
      "data",
      `${path} is ${rgb.width}×${rgb.height} pixels; the classifier takes square images. Draw square ones.`,
    );
  }
  return Uint8Array.from((await scaleImage(rgb, side, side)).data);
}
