// Measures whether a model copies its training data: finds the nearest training drawing of each image, by the
// classifier's features and by pixels.
import { type Scene, SceneDrawer, type SetName, type Sprites } from "../data/index.js";
import { NishikiError } from "../errors.js";
import type { Classifier } from "./classifier.js";
import { distance } from "./statistics.js";

/** Side at which images are compared pixel by pixel, and the largest shift between them, in pixels. */
export const comparedSide = 64;
const side = comparedSide;
const reach = 3;
/** Side at which the search for the nearest by pixels runs. */
const coarseSide = 16;
/** Drawings compared at full size: this many nearest by features, and as many by pixels. */
const candidates = 6;
/** PSNR in dB from which an image counts as a near copy. */
export const copyLimit = 20;

interface Drawing {
  readonly thing: string;
  readonly set: SetName;
  readonly features: Float32Array;
  readonly pixels: Uint8Array;
  readonly coarse: Float32Array;
}

export interface Nearest {
  readonly thing: string;
  readonly set: SetName;
  /** PSNR in dB to the nearest by pixels, at the best shift. */
  readonly psnr: number;
  /** Feature distance to the nearest by features. */
  readonly distance: number;
}

/** Every drawing of some sets in its plainest form: alone, in its original colours, without a background. */
export class TrainingDrawings {
  readonly #drawings: readonly Drawing[];
  /** Side of the compared images: the classifier's input size. */
  readonly #size: number;

  private constructor(drawings: readonly Drawing[], size: number) {
    this.#size = size;
    this.#drawings = drawings;
  }

  static async open(
    sprites: Sprites,
    sets: readonly SetName[],
    classifier: Classifier,
    things: readonly string[],
    onProgress?: (done: number, of: number) => void,
  ): Promise<TrainingDrawings> {
    const drawer = new SceneDrawer(sprites, classifier.pictureSize);
    const pairs = sets.flatMap((set) =>
      things.filter((thing) => sprites.has(thing, set)).map((thing) => ({ thing, set })),
    );
    const drawings: Drawing[] = [];
    for (const { thing, set } of pairs) {
      const { pixels } = drawPlain(drawer, thing, set);
      const [verdict] = await classifier.classify([pixels]);
      const small = shrink(pixels, classifier.pictureSize, side);
      drawings.push({ thing, set, features: verdict!.features, pixels: small, coarse: coarsen(small) });
      onProgress?.(drawings.length, pairs.length);
    }
    return new TrainingDrawings(drawings, classifier.pictureSize);
  }

  /** @param pixels `[size, size, 3]` bytes at the classifier's input size */
  nearest(pixels: Uint8Array, features: Float32Array): Nearest {
    const small = shrink(pixels, this.#size, side);
    const coarse = coarsen(small);
    const byFeatures = this.#closest((drawing) => distance(drawing.features, features));
    const byPixels = this.#closest((drawing) => distance(drawing.coarse, coarse));
    let best: { drawing: Drawing; psnr: number } | undefined;
    for (const drawing of new Set([...byFeatures, ...byPixels])) {
      const psnr = shiftedPsnr(small, drawing.pixels);
      if (best === undefined || psnr > best.psnr) best = { drawing, psnr };
    }
    const { thing, set } = best!.drawing;
    return { thing, set, psnr: best!.psnr, distance: distance(byFeatures[0]!.features, features) };
  }

  #closest(measure: (drawing: Drawing) => number): Drawing[] {
    const measured = this.#drawings.map((drawing) => ({ drawing, far: measure(drawing) }));
    measured.sort((a, b) => a.far - b.far);
    return measured.slice(0, candidates).map(({ drawing }) => drawing);
  }
}

function drawPlain(drawer: SceneDrawer, thing: string, set: SetName): Scene {
  return drawer.draw({
    content: {
      things: [{ name: thing, colour: null, count: 1 }],
      layout: "single",
      background: null,
      style: set,
    },
    caption: thing,
    phrases: [],
    placements: [{ thing, colour: null, set, x: 0.5, y: 0.5, size: 0.76 }],
    variant: 0,
  });
}

/** Averages square blocks of pixels: `[from, from, 3]` → `[to, to, 3]`. `to` must divide `from`. */
export function shrink(pixels: Uint8Array, from: number, to: number): Uint8Array {
  const factor = from / to;
  if (!Number.isInteger(factor) || pixels.length !== from * from * 3)
    throw new NishikiError(
      "shape",
      `Cannot shrink an image of ${from}×${from} pixels to ${to}×${to}: ${to} must divide ${from}.`,
    );
  const result = new Uint8Array(to * to * 3);
  for (let y = 0; y < to; y++) {
    for (let x = 0; x < to; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let i = 0; i < factor * factor; i++) {
          const row = y * factor + Math.floor(i / factor);
          sum += pixels[(row * from + x * factor + (i % factor)) * 3 + channel]!;
        }
        result[(y * to + x) * 3 + channel] = Math.round(sum / (factor * factor));
      }
    }
  }
  return result;
}

export function coarsen(small: Uint8Array): Float32Array {
  return Float32Array.from(shrink(small, side, coarseSide));
}

/** Best PSNR over all small shifts, compared where the images overlap. */
export function shiftedPsnr(a: Uint8Array, b: Uint8Array): number {
  let best = 0;
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) best = Math.max(best, psnrAt(a, b, dx, dy));
  }
  return best;
}

function psnrAt(a: Uint8Array, b: Uint8Array, dx: number, dy: number): number {
  let [squared, count] = [0, 0];
  for (let y = Math.max(0, -dy); y < Math.min(side, side - dy); y++) {
    const from = Math.max(0, -dx) * 3;
    const to = Math.min(side, side - dx) * 3;
    const [rowA, rowB] = [y * side * 3, (y + dy) * side * 3 + dx * 3];
    for (let i = from; i < to; i++) squared += (a[rowA + i]! - b[rowB + i]!) ** 2;
    count += to - from;
  }
  return 10 * Math.log10((255 * 255) / Math.max(1e-3, squared / count));
}
