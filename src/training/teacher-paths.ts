// The guided teacher's sampling paths from noise to images, in files made on demand. Each path takes many
// evaluations, so a run starts with few files and draws from more as they are made.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { f16ToFloat32, float32ToF16 } from "../checkpoint/index.js";
import {
  makeFolder,
  openSafetensors,
  openWeights,
  readTextFile,
  writeFileAtomic,
  writeSafetensors,
} from "../checkpoint/node.js";
import { getDenoiser, getSampler, getStepSchedule, guide } from "../diffusion/index.js";
import type { Engine, Session } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { placementChannels } from "../models/index.js";
import {
  checkAborted,
  getSchedule,
  type ModelManifest,
  seesPlacement,
  traceNetworks,
} from "../pipeline/index.js";
import { readModelFolder } from "../pipeline/node.js";
import { random } from "../random/index.js";
import { fingerprintDifferences, writeFingerprint } from "./fingerprint.js";
import type { Paths } from "./tasks/distillation.js";
import type { EncodedScenes } from "./tasks/encoded-scenes.js";

export interface TeacherPathsOptions {
  readonly folder: string;
  /** Folder of the teacher's model. */
  readonly teacher: string;
  readonly guidance: number;
  readonly sampler: string;
  /** The student's steps. */
  readonly windows: number;
  /** The teacher's steps in each. */
  readonly stepsPerWindow: number;
  readonly shardSize: number;
  readonly seed: number;
  /** Stops within one evaluation of the teacher. */
  readonly signal?: AbortSignal | undefined;
  /** Called before a file is made, which takes minutes. */
  onShard?(index: number): void;
}

const settingsFile = "paths.json";
/** Paths per batch; each takes two rows, conditional and unconditional. */
const atOnce = 32;

interface Shard {
  readonly latents: Uint16Array;
  readonly scenes: Int32Array;
}

/** Paths of one teacher for the captions of encoded scenes: path i has the caption of scene i. */
export class TeacherPaths implements Paths {
  readonly times: readonly number[];
  readonly #options: TeacherPathsOptions;
  readonly #manifest: ModelManifest;
  readonly #sigmas: readonly number[];
  readonly #shards: Shard[] = [];

  private constructor(options: TeacherPathsOptions, manifest: ModelManifest) {
    this.#options = options;
    this.#manifest = manifest;
    const schedule = getSchedule(manifest);
    const ends = getStepSchedule("simple").getSigmas(options.windows, schedule);
    const timeOf = (sigma: number) => sigma / (1 + sigma);
    this.times = ends.map(timeOf);
    this.#sigmas = subdivide(this.times, options.stepsPerWindow).map((time) => time / (1 - time));
  }

  /** @throws NishikiError "data" if the folder holds paths with other settings, "file", "checkpoint" */
  static async open(options: TeacherPathsOptions): Promise<TeacherPaths> {
    const { folder, teacher, signal: _signal, onShard: _onShard, ...settings } = options;
    const manifest = await readModelFolder(teacher);
    const { sha256 } = manifest.parts.denoiser;
    await checkSettings(folder, writeFingerprint({ ...settings, denoiser: sha256 }));
    return new TeacherPaths(options, manifest);
  }

  get count(): number {
    return this.#shards.length * this.#options.shardSize;
  }

  sceneOf(path: number): number {
    const { shardSize } = this.#options;
    return this.#shards[Math.floor(path / shardSize)]!.scenes[path % shardSize]!;
  }

  read(path: number, end: number, out: Float32Array<ArrayBuffer>): void {
    const { shardSize } = this.#options;
    const { latents } = this.#shards[Math.floor(path / shardSize)]!;
    const at = ((path % shardSize) * this.times.length + end) * out.length;
    f16ToFloat32(latents.subarray(at, at + out.length), out);
  }

  /** Opens the first `count` files and makes the missing ones. */
  async need(count: number, engine: Engine, scenes: EncodedScenes): Promise<void> {
    const missing = Array.from({ length: count }, (_, i) => i).filter((i) => !existsSync(this.#path(i)));
    if (missing.length > 0) await this.#make(missing, engine, scenes);
    while (this.#shards.length < count) {
      const file = await openSafetensors(this.#path(this.#shards.length));
      const [latents, indices] = await Promise.all([file.read("latents"), file.read("scenes")]);
      this.#shards.push({ latents: latents.data as Uint16Array, scenes: indices.data as Int32Array });
    }
  }

  #path(index: number): string {
    return join(this.#options.folder, `paths-${String(index).padStart(4, "0")}.safetensors`);
  }

  async #make(indices: readonly number[], engine: Engine, scenes: EncodedScenes): Promise<void> {
    const { teacher, shardSize, onShard } = this.#options;
    const weights = await openWeights(join(teacher, this.#manifest.parts.denoiser.file));
    const session = await engine.load(traceNetworks(this.#manifest).denoiser, { weights });
    try {
      for (const index of indices) {
        onShard?.(index);
        const { shape } = this.#manifest.latents;
        const each = shape[0] * shape[1] * shape[2];
        const latents = new Uint16Array(shardSize * this.times.length * each);
        const sceneIndices = Int32Array.from({ length: shardSize }, (_, i) => index * shardSize + i);
        for (let from = 0; from < shardSize; from += atOnce) {
          const part = sceneIndices.subarray(from, Math.min(from + atOnce, shardSize));
          latents.set(await this.#walk(session, part, scenes), from * this.times.length * each);
        }
        const whole = [shardSize, this.times.length, ...shape];
        await writeSafetensors(this.#path(index), [
          { name: "latents", dtype: "f16", shape: whole, data: latents },
          { name: "scenes", dtype: "i32", shape: [shardSize], data: sceneIndices },
        ]);
      }
    } finally {
      await session.close();
    }
  }

  /** Computes a batch of paths. @returns float16 `[paths, ends, size, size, channels]` */
  async #walk(session: Session, sceneIndices: Int32Array, scenes: EncodedScenes): Promise<Uint16Array> {
    const { guidance, sampler, seed, stepsPerWindow } = this.#options;
    const { shape } = this.#manifest.latents;
    const each = shape[0] * shape[1] * shape[2];
    const denoise = getDenoiser<number>(
      this.#manifest.prediction,
      (input, time, condition) => this.#evaluate(session, input, time, condition, scenes),
      getSchedule(this.#manifest),
    );
    const condition = [...sceneIndices];
    const guided = guide(denoise, { scale: guidance, uncond: condition.map(() => nothing) });
    const noise = new Float32Array(sceneIndices.length * each);
    for (const [i, scene] of sceneIndices.entries())
      noise.set(random(seed, "path", scene).normals(each), i * each);
    const x = noise.map((value) => value * this.#sigmas[0]!);
    const ends: Float32Array[] = [x];
    for await (const state of getSampler(sampler).sample(guided, x, this.#sigmas, { condition }))
      if (state.step % stepsPerWindow === 0) ends.push(state.x);
    const paths = new Float32Array(sceneIndices.length * ends.length * each);
    for (const [end, all] of ends.entries()) {
      const scale = 1 - this.times[end]!; // from x0 + sigma·noise to the network's input
      for (let i = 0; i < sceneIndices.length; i++) {
        const to = (i * ends.length + end) * each;
        for (let j = 0; j < each; j++) paths[to + j] = all[i * each + j]! * scale;
      }
    }
    return float32ToF16(paths);
  }

  async #evaluate(
    session: Session,
    input: Float32Array,
    time: number,
    condition: readonly number[],
    scenes: EncodedScenes,
  ): Promise<Float32Array> {
    checkAborted(this.#options.signal);
    const { maxTokens: tokens, latents, parts } = this.#manifest;
    const batch = condition.length;
    const { textWidth } = scenes;
    const text = new Float32Array(batch * tokens * textWidth);
    const mask = new Float32Array(batch * tokens);
    for (const [i, scene] of condition.entries()) {
      if (scene === nothing) continue;
      const words = text.subarray(i * tokens * textWidth, (i + 1) * tokens * textWidth);
      mask.fill(1, i * tokens, i * tokens + scenes.readText(scene, words));
    }
    const f32 = (data: Float32Array, ...shape: number[]) => ({ dtype: "f32" as const, shape, data });
    const { velocity } = await session.run({
      latents: f32(input, batch, ...latents.shape),
      time: f32(new Float32Array(batch).fill(time), batch),
      text: f32(text, batch, tokens, textWidth),
      mask: f32(mask, batch, tokens),
      // The student gets no placement, so the teacher gets none.
      ...(seesPlacement(parts.denoiser.config) && {
        placement: f32(
          new Float32Array(batch * latents.shape[0] * latents.shape[1] * placementChannels),
          ...[batch, latents.shape[0], latents.shape[1], placementChannels],
        ),
      }),
    });
    return velocity!.data as Float32Array;
  }
}

/** Stands for the unconditional row: no words. */
const nothing = -1;

/**
 * Divides each step into equal parts. The last part ends exactly where the step does: the last level is 0.
 */
export function subdivide(ends: readonly number[], parts: number): number[] {
  const times = ends.slice(1).flatMap((to, i) => {
    const from = ends[i]!;
    return Array.from({ length: parts }, (_, j) =>
      j + 1 === parts ? to : from + ((to - from) * (j + 1)) / parts,
    );
  });
  return [ends[0]!, ...times];
}

async function checkSettings(folder: string, here: string): Promise<void> {
  await makeFolder(folder);
  const path = join(folder, settingsFile);
  const there = existsSync(path) ? await readTextFile(path) : undefined;
  if (there === undefined) return writeFileAtomic(path, here);
  const differences = fingerprintDifferences(there, here);
  if (differences.length === 0) return;
  throw new NishikiError(
    "data",
    `The teacher's paths in ${folder} have other settings: ${differences.join("; ")}. ` +
      "Use another folder (paths.folder), or delete this one.",
  );
}
