// Measures how clean images look, which the classifier of contents does not see: whether a network can
// distinguish them from composed scenes, how far they are from the nearest composed scene, and where their
// outlines lie.
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

/** Means over images, each compared with the composed scene of its content at the best position and size. */
export interface Nearness {
  readonly images: number;
  /** PSNR in dB. */
  readonly psnr: number;
  /** Gradient magnitude similarity deviation; 0 for equal images. */
  readonly gradientDistance: number;
  /** Sharpness of the scene's edges in the image, 0 to 1. */
  readonly sharpness: number;
  /** Distance of edges from where their neighbours would put them, in pixels. */
  readonly wobble: number;
}

export interface Looks {
  readonly realOrDrawn: RealOrDrawn;
  readonly nearness: Nearness;
  /** The same for composed scenes passed through the model's autoencoder: the best the model can reach. */
  readonly ceiling?: Nearness;
  /** Against scenes passed through the autoencoder: measures the denoiser alone. */
  readonly realOrDrawnLatents?: RealOrDrawn;
  readonly fidelity?: Fidelity;
}

/** A generated image and a composed scene of the same content. */
export interface Drawn {
  readonly task: Task;
  readonly pixels: Uint8Array;
  readonly scene: Scene;
}

export interface LooksOptions extends RealOrDrawnOptions {
  readonly aligner: SceneAligner;
  /** Encodes an image with the model's autoencoder and decodes it again. */
  readonly roundTrip?: (pixels: Uint8Array) => Promise<Uint8Array>;
}

/** Most images that are aligned, and most pairs of the two-sample test: enough for two digits. */
const mostAligned = 120;
const mostPairs = 600;

/** @throws NishikiError "data" if there are too few images, "aborted" */
export async function measureLooks(drawn: readonly Drawn[], options: LooksOptions): Promise<Looks> {
  const { aligner, roundTrip, size, signal } = options;
  const measured: Measured[] = [];
  const ceiling: Measured[] = [];
  for (const { task, pixels } of drawn.filter(({ task }) => canAlign(task.content)).slice(0, mostAligned)) {
    if (signal?.aborted) throw new NishikiError("aborted", "Stopped while measuring outlines.");
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
