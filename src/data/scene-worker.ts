// The worker thread that draws scenes: receives the shared sprites once, then ranges of scene numbers, and
// returns images without copying them.

import { parentPort, workerData } from "node:worker_threads";
import { composeScene } from "./compose-scene.js";
import type { SceneMix } from "./describe-scene.js";
import { SceneDrawer } from "./draw-scene.js";
import type { Scene } from "./scene-types.js";
import { type SharedSprites, Sprites } from "./sprites.js";

/** Initial data of a worker. */
export interface SceneWorkerData {
  readonly shared: SharedSprites;
  readonly seed: number;
  readonly mix: SceneMix;
  /** Side of scenes in pixels. */
  readonly size: number;
}

/** A range of scenes to draw. */
export interface SceneTask {
  readonly from: number;
  readonly count: number;
}

/** The scenes of a task, or the error's message. */
export type SceneReply =
  | { readonly from: number; readonly scenes: readonly Scene[] }
  | { readonly from: number; readonly error: string };

const { shared, seed, mix, size } = workerData as SceneWorkerData;
const drawer = new SceneDrawer(new Sprites(shared), size);

parentPort?.on("message", ({ from, count }: SceneTask) => {
  try {
    const scenes = Array.from({ length: count }, (_, offset) =>
      composeScene(seed, from + offset, drawer, mix),
    );
    const reply: SceneReply = { from, scenes };
    parentPort?.postMessage(
      reply,
      scenes.map((scene) => scene.pixels.buffer as ArrayBuffer),
    );
  } catch (error) {
    const reply: SceneReply = { from, error: error instanceof Error ? error.message : String(error) };
    parentPort?.postMessage(reply);
  }
});
