// Draws the pictures of a plan, several at once, into a folder; those that are there from an earlier call are kept.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError, makeFolder, writeFileAtomic } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import { decodePng, toRgb } from "../image/index.js";
import { scalePicture } from "../image/node.js";
import type { ImageRequest, LoadOptions, Pipeline } from "../pipeline/index.js";
import { loadPipeline } from "../pipeline/node.js";
import type { Task } from "./plan.js";

export interface DrawOptions {
  readonly folder: string;
  readonly machine: LoadOptions;
  /** Pipelines that draw beside each other. */
  readonly parallel: number;
  /** Steps, guidance and whatever else shall not be the model's own. */
  readonly request: Partial<ImageRequest>;
  readonly signal?: AbortSignal;
  readonly onPicture?: (done: number, of: number) => void;
}

const fileOf = (folder: string, { id }: Task) => join(folder, `${id}.png`);

/** Draws what is not there yet. @returns How many pictures were drawn. */
export async function drawTasks(tasks: readonly Task[], options: DrawOptions): Promise<number> {
  const { folder, machine, parallel, request, signal, onPicture } = options;
  await makeFolder(folder);
  const missing: Task[] = [];
  for (const task of tasks) {
    const found = await readFile(fileOf(folder, task)).catch(() => undefined);
    if (!found) missing.push(task);
  }
  let done = tasks.length - missing.length;
  let next = 0;
  const draw = async (pipeline: Pipeline) => {
    while (next < missing.length) {
      const task = missing[next++]!;
      const { prompt, seed } = task;
      for await (const event of pipeline.generate({ ...request, prompt, seed }, { signal })) {
        if (event.kind === "image") await writeFileAtomic(fileOf(folder, task), event.png());
      }
      onPicture?.(++done, tasks.length);
    }
  };
  const work = async () => {
    const pipeline = await loadPipeline(machine);
    try {
      await draw(pipeline);
    } finally {
      await pipeline.dispose();
    }
  };
  const workers = Array.from({ length: Math.min(parallel, missing.length) }, work);
  const ends = await Promise.allSettled(workers);
  const failed = ends.find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
  return missing.length;
}

/** The pixels of a task's picture at the side that judges see, `[side, side, 3]`. @throws NishikiError "file" */
export async function readDrawn(folder: string, task: Task, side: number): Promise<Uint8Array> {
  const path = fileOf(folder, task);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
  const { text: _, ...picture } = decodePng(bytes);
  const rgb = toRgb(picture);
  if (rgb.width === side && rgb.height === side) return Uint8Array.from(rgb.data);
  if (rgb.width !== rgb.height) {
    throw new NishikiError("data", `${path} is not square: judges look at square pictures.`);
  }
  return Uint8Array.from((await scalePicture(rgb, side, side)).data);
}
