// CLIP scores: how like the drawn images are to their prompts, by a CLIP that knows nothing of the model (Hessel et al. 2021,
// arXiv:2104.08718). A score is 100 times the cosine of the two embeddings, and 0 where that is
// below.
import { checkAborted } from "../pipeline/index.js";
import { loadClip, readInputImage } from "../pipeline/node.js";
import { fileOf } from "./draw-tasks.js";
import type { Task } from "./plan.js";

export interface ClipScores {
  /** Images scored. */
  readonly images: number;
  /** The mean of images with their own prompts. */
  readonly own: number;
  /** The mean of the same images with the prompts of others: what any of these prompts would score. */
  readonly others: number;
  /** The share of images that are more like their own prompt than like another's. */
  readonly preferred: number;
}

export interface ClipScoreOptions {
  /** Folder of the drawn images. */
  readonly folder: string;
  /** Folder of a CLIPModel, or org/name in the hub's cache. */
  readonly clip: string;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onImage?: (done: number, of: number) => void;
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** The next task with another prompt, around the end; undefined if all prompts are the same. */
function findOther(tasks: readonly Task[], index: number): number | undefined {
  const { prompt } = tasks[index]!;
  for (let step = 1; step < tasks.length; step++) {
    const at = (index + step) % tasks.length;
    if (tasks[at]!.prompt !== prompt) return at;
  }
  return undefined;
}

/**
 * Scores drawn images.
 * @throws NishikiError "file", "checkpoint", "device", "aborted"
 */
export async function measureClipScores(
  tasks: readonly Task[],
  { folder, clip: path, threads, signal, onImage }: ClipScoreOptions,
): Promise<ClipScores> {
  const clip = await loadClip(path, threads === undefined ? {} : { threads });
  try {
    const texts = new Map<string, Float32Array>();
    for (const { prompt } of tasks) {
      checkAborted(signal);
      if (!texts.has(prompt)) texts.set(prompt, (await clip.embedTexts([prompt]))[0]!);
    }
    const scores: (readonly [own: number, other: number | undefined])[] = [];
    for (const [index, task] of tasks.entries()) {
      checkAborted(signal);
      const [image] = await clip.embedImages([await readInputImage(fileOf(folder, task))]);
      const score = (at: number) => 100 * Math.max(0, dot(image!, texts.get(tasks[at]!.prompt)!));
      const other = findOther(tasks, index);
      scores.push([score(index), other === undefined ? undefined : score(other)]);
      onImage?.(scores.length, tasks.length);
    }
    const compared = scores.flatMap(([own, other]) => (other === undefined ? [] : [[own, other] as const]));
    return {
      images: scores.length,
      own: mean(scores.map(([own]) => own)),
      others: mean(compared.map(([, other]) => other)),
      preferred: mean(compared.map(([own, other]) => Number(own > other))),
    };
  } finally {
    await clip.close();
  }
}
