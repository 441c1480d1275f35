// An endless, ordered stream of scenes, drawn by worker threads ahead of the reader. Scene i depends on the
// seed and the mix alone, so the number of threads changes nothing but the speed.

import { Worker } from "node:worker_threads";
import { findWorker } from "../engine/node.js";
import { NishikiError } from "../errors.js";
import { composeScene } from "./compose-scene.js";
import { type SceneMix, type SceneOptions, sceneMix, setsOf } from "./describe-scene.js";
import { SceneDrawer } from "./draw-scene.js";
import { type Scene, sceneSize } from "./scene-types.js";
import type { SceneReply, SceneTask, SceneWorkerData } from "./scene-worker.js";
import type { SetName } from "./sprite-sets.js";
import { loadSprites, type Sprites } from "./sprites.js";
import type { StyleName } from "./styles.js";

/** Options of a stream of scenes. */
export interface ScenesOptions {
  readonly seed: number;
  /** Number of the first scene, to continue a stopped run. Default 0. */
  readonly from?: number;
  /** Number of scenes. Default: endless. */
  readonly count?: number;
  /** Number of drawing threads; 0 draws on the calling thread. Default 1. */
  readonly workers?: number;
  readonly options?: SceneOptions;
  /** Side of scenes in pixels. Default 256. */
  readonly size?: number;
  /** A folder written by `buildSprites`, or loaded sprites. */
  readonly sprites: string | Sprites;
  readonly signal?: AbortSignal;
}

/** Scenes per message to a worker: few enough to start quickly, enough to make messages cheap. */
const taskSize = 4;
/** Tasks that each worker draws ahead of the reader: 3 tasks of 4 scenes are 2.4 MB of pixels. */
const tasksAhead = 3;

/**
 * Yields scenes `from`, `from + 1`, … of a seed in order. Leaving the loop ends the threads.
 *
 * @throws NishikiError `usage` for a bad option, `file` or `data` for bad sprites, `aborted` by the signal
 */
export async function* scenes(options: ScenesOptions): AsyncGenerator<Scene, void, undefined> {
  const { seed, from = 0, count = Number.POSITIVE_INFINITY, workers = 1, size = sceneSize, signal } = options;
  if (!Number.isInteger(workers) || workers < 0 || workers > 64) {
    throw new NishikiError("usage", `workers: expected a whole number from 0 to 64, got ${workers}.`);
  }
  if (!Number.isInteger(from) || from < 0 || !(count >= 0)) {
    throw new NishikiError(
      "usage",
      `from and count: expected whole numbers from 0, got ${from} and ${count}.`,
    );
  }
  const mix = sceneMix(options.options);
  const sprites =
    typeof options.sprites === "string"
      ? await loadSprites(options.sprites, neededSets(mix))
      : options.sprites;
  if (workers === 0) {
    yield* drawHere(new SceneDrawer(sprites, size), seed, mix, from, count, signal);
  } else {
    const pool = new ScenePool(workers, { shared: sprites.shared, seed, mix, size });
    try {
      yield* pool.draw(from, count, signal);
    } finally {
      await pool.close();
    }
  }
}

/**
 * The sets that a mix draws from; loading no others saves memory. Loading reports sets that the folder lacks.
 */
function neededSets(mix: SceneMix): SetName[] {
  const styles = Object.entries(mix.styles).filter(([, weight]) => weight > 0);
  return [...new Set(styles.flatMap(([name]) => setsOf(name as StyleName, mix)))];
}

function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new NishikiError("aborted", "Stopped while drawing scenes.");
}

async function* drawHere(
  drawer: SceneDrawer,
  seed: number,
  mix: SceneMix,
  from: number,
  count: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Scene, void, undefined> {
  for (let index = from; index < from + count; index++) {
    checkSignal(signal);
    yield composeScene(seed, index, drawer, mix);
  }
}

interface Waiting {
  resolve(scenes: readonly Scene[]): void;
  reject(error: Error): void;
}

const source = () => new URL("./scene-worker.js", import.meta.url);

/** Worker threads and their pending tasks. */
class ScenePool {
  readonly #workers: Worker[];
  readonly #waiting = new Map<number, Waiting>();
  #failure: NishikiError | undefined;
  #next = 0;

  constructor(count: number, data: SceneWorkerData) {
    this.#workers = Array.from({ length: count }, () => {
      const worker = new Worker(findWorker(source, "data/scene-worker.js"), {
        workerData: data,
        name: "nishiki-scenes",
      });
      worker.on("message", (reply: SceneReply) => this.#settle(reply));
      worker.on("error", (error) => this.#fail(`A thread that draws scenes failed: ${error.message}`, error));
      worker.on("exit", (code) => this.#fail(`A thread that draws scenes ended (exit code ${code}).`));
      return worker;
    });
  }

  async *draw(
    from: number,
    count: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Scene, void, undefined> {
    const onAbort = (): void => this.#fail("Stopped while drawing scenes.", undefined, "aborted");
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      checkSignal(signal);
      const ahead: Promise<readonly Scene[]>[] = [];
      let asked = 0;
      for (let done = 0; done < count; ) {
        while (asked < count && ahead.length < this.#workers.length * tasksAhead) {
          const size = Math.min(taskSize, count - asked);
          ahead.push(this.#ask({ from: from + asked, count: size }));
          asked += size;
        }
        const drawn = await ahead.shift()!;
        done += drawn.length;
        for (const scene of drawn) {
          checkSignal(signal);
          yield scene;
        }
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  async close(): Promise<void> {
    this.#fail("The scenes were closed.");
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #ask(task: SceneTask): Promise<readonly Scene[]> {
    const answer = new Promise<readonly Scene[]>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#waiting.set(task.from, { resolve, reject });
      this.#workers[this.#next++ % this.#workers.length]!.postMessage(task);
    });
    // Tasks may fail before the reader awaits them; the error surfaces when it does.
    answer.catch(() => {});
    return answer;
  }

  #settle(reply: SceneReply): void {
    const waiting = this.#waiting.get(reply.from);
    this.#waiting.delete(reply.from);
    if ("scenes" in reply) waiting?.resolve(reply.scenes);
    else waiting?.reject(new NishikiError("data", reply.error));
  }

  /** Rejects all pending and later tasks, so that nothing hangs when a thread is gone. */
  #fail(message: string, cause?: unknown, code: "internal" | "aborted" = "internal"): void {
    this.#failure ??= new NishikiError(code, message, { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}
