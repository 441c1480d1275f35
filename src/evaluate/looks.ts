// How clean images look, which judges of things do not see: whether they can be told from composed scenes, how far they are from
// the composed scene that they come nearest to, and where their outlines lie.
import type { Scene } from "../data/index.js";
import { NishikiError } from "../errors.js";
import { canAlign, type SceneAligner } from "./align-scene.js";
import { shrink } from "./copies.js";
import type { Fidelity } from "./fidelity.js";
import { gradientDistance, psnr } from "./image-measures.js";
import { measureOutlines } from "./outlines.js";
import type { Task } from "./plan.js";
import { measureRealOrDrawn, type Pair, type RealOrDrawn, type RealOrDrawnOptions } from "./real-or-drawn.js";
import { mean } from "./statistics.js";

/** Means over images, each against the composed scene of its content, at the place and size where it comes nearest. */
export interface Nearness {
  readonly images: number;
  /** Peak signal-to-noise ratio in decibels. */
  readonly psnr: number;
  /** Deviation of gradient similarity: 0 is equal. */
  readonly gradientDistance: number;
  /** How sharp the scene's edges are in the image, 0 to 1. */
  readonly sharpness: number;
  /** How far edges stray from their neighbours, in pixels. */
  readonly wobble: number;
}

export interface Looks {
  readonly realOrDrawn: RealOrDrawn;
  readonly nearness: Nearness;
  /** The same of the composed scenes after the model's autoencoder: no image of it can be nearer. */
  readonly ceiling?: Nearness;
  /** Told from scenes that went through the autoencoder: what the denoiser alone gives away. */
  readonly realOrDrawnLatents?: RealOrDrawn;
  readonly fidelity?: Fidelity;
}

/** A drawn image and a composed scene of the same content. */
export interface Drawn {
  readonly task: Task;
  readonly pixels: Uint8Array;
  readonly scene: Scene;
}

export interface LooksOptions extends RealOrDrawnOptions {
  readonly aligner: SceneAligner;
  /** An image through the model's autoencoder and back. */
  readonly roundTrip?: (pixels: Uint8Array) => Promise<Uint8Array>;
}

/** Most images that are aligned, and most pairs for telling apart: enough for two digits. */
const mostAligned = 120;
const mostPairs = 600;

/** @throws NishikiError "data" where there are too few images, "aborted" */
export async function measureLooks(drawn: readonly Drawn[], options: LooksOptions): Promise<Looks> {
  const { aligner, roundTrip, size, signal } = options;
  const measured: Measured[] = [];
  const ceiling: Measured[] = [];
  for (const { task, pixels } of drawn.filter(({ task }) => canAlign(task.content)).slice(0, mostAligned)) {
    if (signal?.aborted) throw new NishikiError("aborted", "Stopped while outlines were measured.");
    const { scene } = aligner.align(task.content, pixels, shrink(pixels, size, 64));
    measured.push(compare(pixels, scene, size));
    if (roundTrip) ceiling.push(compare(await roundTrip(scene), scene, size));
  }
  const some = drawn.slice(0, mostPairs);
  const pair = ({ task, pixels }: Drawn, composed: Uint8Array): Pair => ({
    caption: task.prompt,
    composed,
    drawn: pixels,
  });
  const direct = some.map((each) => pair(each, each.scene.pixels));
  const realOrDrawn = await measureRealOrDrawn(direct, options);
  if (!roundTrip) return { realOrDrawn, nearness: average(measured) };
  const again: Pair[] = [];
  for (const each of some) again.push(pair(each, await roundTrip(each.scene.pixels)));
  const realOrDrawnLatents = await measureRealOrDrawn(again, options);
  return { realOrDrawn, nearness: average(measured), ceiling: average(ceiling), realOrDrawnLatents };
}

type Measured = Omit<Nearness, "images">;

function compare(pixels: Uint8Array, scene: Uint8Array, size: number): Measured {
  const { sharpness, wobble } = measureOutlines(pixels, scene, size);
  return {
    psnr: psnr(pixels, scene),
    gradientDistance: gradientDistance(pixels, scene, size),
    sharpness,
    wobble,
  };
}

function average(all: readonly Measured[]): Nearness {
  const of = (name: keyof Measured) => Number(mean(all.map((each) => each[name])).toFixed(4));
  return {
    images: all.length,
    psnr: of("psnr"),
    gradientDistance: of("gradientDistance"),
    sharpness: of("sharpness"),
    wobble: of("wobble"),
  };
}
