// Encoded scenes in shards on disk, made once and read many times: latents and text states. A run draws from
// more shards over time, so that it can start before all of them exist.
import { join } from "node:path";
import { f16ToFloat32, float32ToF16 } from "../../checkpoint/index.js";
import { makeFolder, openSafetensors, writeSafetensors } from "../../checkpoint/node.js";
import { NishikiError } from "../../errors.js";
import { drawPlacement, type PlacedBox } from "../../models/index.js";

/** Per-channel mean and standard deviation of latents, measured on the first shard and used for all. */
export interface LatentStatistics {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export interface EncodedShard {
  /** `[scenes, size, size, channels]`, not standardised. */
  readonly latents: Float32Array;
  readonly latentShape: readonly number[];
  /** Concatenated token states of all captions, `[tokens, textWidth]`. */
  readonly text: Float32Array;
  readonly textWidth: number;
  /** Token offsets of the captions: caption i lies between entries i and i + 1. `[scenes + 1]` */
  readonly starts: Int32Array;
  readonly captions: readonly string[];
  /** `[scenes, placeNumbers]` */
  readonly places: Int32Array;
  /** `[scenes, mostBoxes, boxNumbers]` */
  readonly boxes: Float32Array;
  /** `[scenes, mostSpots, spotNumbers]`; absent where no scene has many things */
  readonly spots?: Float32Array;
}

/**
 * Numbers that describe a scene of two things: the layout (1: side by side, 2: one above the other, 0:
 * unknown), and the token ranges of the words for the first (left or upper) and the second thing.
 */
export const placeNumbers = 5;

/**
 * Maximum number of boxes per scene, and the numbers of a box: x, y, size (0: no box) and the thing's index.
 * See `PlacedBox`.
 */
export const mostBoxes = 4;
export const boxNumbers = 4;

/**
 * Maximum number of things in a scene of many things, and the numbers of each: the token range of its words,
 * and x, y and size (0: none) of its box.
 */
export const mostSpots = 6;
export const spotNumbers = 5;

export function shardPath(folder: string, index: number): string {
  return join(folder, `scenes-${String(index).padStart(4, "0")}.safetensors`);
}

export async function writeShard(folder: string, index: number, shard: EncodedShard): Promise<void> {
  await makeFolder(folder);
  const { latents, latentShape, text, textWidth, starts, captions, places, boxes, spots } = shard;
  const spotShape = [captions.length, mostSpots, spotNumbers];
  await writeSafetensors(
    shardPath(folder, index),
    [
      { name: "latents", dtype: "f16", shape: latentShape, data: float32ToF16(latents) },
      { name: "text", dtype: "f16", shape: [text.length / textWidth, textWidth], data: float32ToF16(text) },
      { name: "starts", dtype: "i32", shape: [starts.length], data: starts },
      { name: "places", dtype: "i32", shape: [captions.length, placeNumbers], data: places },
      { name: "boxes", dtype: "f32", shape: [captions.length, mostBoxes, boxNumbers], data: boxes },
      ...(spots ? [{ name: "spots", dtype: "f32", shape: spotShape, data: spots } as const] : []),
    ],
    { captions: JSON.stringify(captions) },
  );
}

interface LoadedShard {
  readonly latents: Uint16Array;
  readonly text: Uint16Array;
  readonly starts: Int32Array;
  readonly places: Int32Array;
  readonly boxes: Float32Array;
  readonly spots: Float32Array | undefined;
}

/** Mean and standard deviation per channel of latents `[…, channels]`. */
export function measureLatents(latents: Float32Array, channels: number): LatentStatistics {
  const mean = new Array<number>(channels).fill(0);
  const std = new Array<number>(channels).fill(0);
  const count = latents.length / channels;
  for (let i = 0; i < latents.length; i++) mean[i % channels]! += latents[i]! / count;
  for (let i = 0; i < latents.length; i++) {
    std[i % channels]! += (latents[i]! - mean[i % channels]!) ** 2 / count;
  }
  return { mean, std: std.map(Math.sqrt) };
}

/** Shards in memory, opened on demand. */
export class EncodedScenes {
  readonly folder: string;
  readonly shardSize: number;
  readonly textWidth: number;
  statistics: LatentStatistics | undefined;
  private readonly shards: LoadedShard[] = [];

  constructor(folder: string, shardSize: number, textWidth: number) {
    this.folder = folder;
    this.shardSize = shardSize;
    this.textWidth = textWidth;
  }

  get scenes(): number {
    return this.shards.length * this.shardSize;
  }

  /**
   * Opens shards up to `count`.
   * @throws NishikiError "file" if one is missing, "data" if it holds another number of scenes
   */
  async open(count: number): Promise<void> {
    while (this.shards.length < count) {
      const index = this.shards.length;
      const path = shardPath(this.folder, index);
      const file = await openSafetensors(path);
      const [latents, text, starts, places, boxes] = await Promise.all(
        ["latents", "text", "starts", "places", "boxes"].map((name) => file.read(name)),
      );
      if (latents!.shape[0] !== this.shardSize) {
        throw new NishikiError(
          "data",
          `${path}: expected ${this.shardSize} scenes, got ${latents!.shape[0]}. Delete it to make it again.`,
        );
      }
      if (!this.statistics) {
        const channels = latents!.shape.at(-1)!;
        this.statistics = measureLatents(f16ToFloat32(latents!.data as Uint16Array), channels);
      }
      const spots = file.tensors.has("spots") ? await file.read("spots") : undefined;
      this.shards.push({
        latents: latents!.data as Uint16Array,
        text: text!.data as Uint16Array,
        starts: starts!.data as Int32Array,
        places: places!.data as Int32Array,
        boxes: boxes!.data as Float32Array,
        spots: spots?.data as Float32Array | undefined,
      });
    }
  }

  /** Standardised latents of a scene. */
  readLatents(scene: number, out: Float32Array<ArrayBuffer>): void {
    const { latents } = this.shards[Math.floor(scene / this.shardSize)]!;
    const { mean, std } = this.statistics!;
    const channels = mean.length;
    const at = (scene % this.shardSize) * out.length;
    f16ToFloat32(latents.subarray(at, at + out.length), out);
    for (let i = 0; i < out.length; i++) out[i] = (out[i]! - mean[i % channels]!) / std[i % channels]!;
  }

  /** Reads the token states of a scene's caption. @returns the number of tokens */
  readText(scene: number, out: Float32Array<ArrayBuffer>): number {
    const { text, starts } = this.shards[Math.floor(scene / this.shardSize)]!;
    const i = scene % this.shardSize;
    const [from, to] = [starts[i]! * this.textWidth, starts[i + 1]! * this.textWidth];
    f16ToFloat32(text.subarray(from, to), out.subarray(0, to - from));
    return starts[i + 1]! - starts[i]!;
  }

  /**
   * Draws a scene's placement map of `side × side` cells into `out`, which must be zero; see `drawPlacement`.
   */
  drawPlacement(scene: number, side: number, out: Float32Array): void {
    const { boxes } = this.shards[Math.floor(scene / this.shardSize)]!;
    const from = (scene % this.shardSize) * mostBoxes * boxNumbers;
    const placed: PlacedBox[] = [];
    for (let at = from; at < from + mostBoxes * boxNumbers && boxes[at + 2]! > 0; at += boxNumbers) {
      const [x, y, size, which] = boxes.subarray(at, at + boxNumbers) as unknown as [
        number,
        number,
        number,
        number,
      ];
      placed.push({ x, y, size, which });
    }
    drawPlacement(placed, side, out);
  }

  /**
   * Marks in `out [side², tokens]`, for each cell, the tokens that name a thing which is elsewhere: in the
   * other half of the image, or for scenes of many things outside the cell. Leaves all others unchanged.
   */
  markElsewhere(scene: number, side: number, tokens: number, out: Float32Array): void {
    const { places, spots } = this.shards[Math.floor(scene / this.shardSize)]!;
    const from = (scene % this.shardSize) * mostSpots * spotNumbers;
    if (spots && spots[from + 4]! > 0) {
      markBySpots(spots.subarray(from, from + mostSpots * spotNumbers), side, tokens, out);
      return;
    }
    const at = (scene % this.shardSize) * placeNumbers;
    const [direction, ...bounds] = places.subarray(at, at + placeNumbers);
    if (direction === 0) return;
    for (let cell = 0; cell < side * side; cell++) {
      const along = direction === 1 ? cell % side : Math.floor(cell / side);
      // A middle row or column belongs to neither half.
      if (2 * along + 1 === side) continue;
      const other = 2 * along + 1 < side ? 2 : 0;
      out.fill(1, cell * tokens + bounds[other]!, cell * tokens + bounds[other + 1]!);
    }
  }
}

/** Marks the words of things in cells that none of their boxes reaches. */
function markBySpots(spots: Float32Array, side: number, tokens: number, out: Float32Array): void {
  const each = Array.from({ length: mostSpots }, (_, i) =>
    spots.subarray(i * spotNumbers, (i + 1) * spotNumbers),
  );
  const there = each.filter((spot) => spot[4]! > 0);
  for (const [from, to] of there as unknown as readonly (readonly [number, number])[]) {
    const boxes = there.filter((spot) => spot[0] === from);
    for (let cell = 0; cell < side * side; cell++) {
      const [x, y] = [((cell % side) + 0.5) / side, (Math.floor(cell / side) + 0.5) / side];
      const isHere = boxes.some(([, , centreX, centreY, size]) => {
        const reach = size! / 2 + 0.4 / side;
        return Math.abs(x - centreX!) < reach && Math.abs(y - centreY!) < reach;
      });
      if (!isHere) out.fill(1, cell * tokens + from, cell * tokens + to);
    }
  }
}
