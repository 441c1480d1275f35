// Loads a folder of sprites into one shared buffer per set, which worker threads use without copying.

import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { fileError } from "../checkpoint/node.js";
import { NishikiError, unknownName } from "../errors.js";
import { getSetLength, readSpriteIndex, type SpriteIndex, type SpriteSetEntry } from "./sprite-index.js";
import type { SetName } from "./sprite-sets.js";

/** The available drawings: all that describing a scene needs. */
export interface Catalogue {
  readonly things: readonly string[];
  has(thing: string, set: string): boolean;
  /** Height of a drawing as a share of its width. Default 1. */
  ratio?(thing: string, set: string): number;
}

/** A sprite's pixels. */
export interface Sprite {
  readonly thing: string;
  readonly set: SetName;
  readonly width: number;
  readonly height: number;
  /** RGBA with premultiplied alpha, rows from top to bottom. */
  readonly rgba: Uint8Array;
}

/** Data for a worker thread: the index and the shared pixels of each loaded set, with premultiplied alpha. */
export interface SharedSprites {
  readonly index: SpriteIndex;
  readonly pixels: Readonly<Record<string, SharedArrayBuffer>>;
}

/** The loaded sprites. */
export class Sprites implements Catalogue {
  readonly things: readonly string[];
  readonly shared: SharedSprites;
  readonly #byKey = new Map<string, Sprite>();

  constructor(shared: SharedSprites) {
    this.shared = shared;
    for (const entry of shared.index.sprites) {
      const pixels = shared.pixels[entry.set];
      if (pixels === undefined) continue;
      const { thing, set, width, height, offset } = entry;
      const rgba = new Uint8Array(pixels, offset, width * height * 4);
      this.#byKey.set(`${thing}|${set}`, { thing, set, width, height, rgba });
    }
    this.things = [...new Set([...this.#byKey.values()].map((sprite) => sprite.thing))];
  }

  has(thing: string, set: string): boolean {
    return this.#byKey.has(`${thing}|${set}`);
  }

  ratio(thing: string, set: string): number {
    const sprite = this.#byKey.get(`${thing}|${set}`);
    return sprite === undefined ? 1 : sprite.height / sprite.width;
  }

  /** Gets a thing's sprite in a set. Throws `data` if there is none. */
  get(thing: string, set: string): Sprite {
    const sprite = this.#byKey.get(`${thing}|${set}`);
    if (sprite === undefined)
      throw new NishikiError(
        "data",
        `The set "${set}" has no sprite of "${thing}". Build the sprites again: "nishiki data build".`,
      );
    return sprite;
  }
}

/**
 * Loads a folder written by `buildSprites`. Refuses pixels that do not match the index, as in a folder mixed
 * from several builds.
 *
 * @param sets sets to load. Default: all of the folder's
 * @throws NishikiError `file` if the folder cannot be read, `data` if its files do not match the index
 */
export async function loadSprites(folder: string, sets?: readonly SetName[]): Promise<Sprites> {
  const index = await readSpriteIndex(folder);
  const known = index.sets.map((set) => set.name);
  for (const name of sets ?? []) {
    if (!known.includes(name)) throw unknownName("sprite set", name, known);
  }
  const pixels: Record<string, SharedArrayBuffer> = {};
  for (const set of index.sets) {
    if (sets !== undefined && !sets.includes(set.name)) continue;
    pixels[set.name] = await loadPixels(join(folder, set.file), set, getSetLength(index, set.name));
  }
  return new Sprites({ index, pixels });
}

const cure = "Build the sprites again.";

async function loadPixels(path: string, set: SpriteSetEntry, needed: number): Promise<SharedArrayBuffer> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    const { size } = await handle.stat();
    if (size !== needed) {
      throw new NishikiError("data", `${path}: expected ${needed} bytes, got ${size}. ${cure}`);
    }
    const buffer = new SharedArrayBuffer(size);
    const bytes = new Uint8Array(buffer);
    await fill(bytes, handle, path);
    checkHash(bytes, set, path);
    multiplyAlpha(bytes);
    return buffer;
  } catch (error) {
    throw fileError(error, `read the sprites in ${path}`);
  } finally {
    await handle?.close();
  }
}

async function fill(bytes: Uint8Array, handle: FileHandle, path: string): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(bytes.length - at, 1 << 24), at);
    if (bytesRead === 0) throw new NishikiError("data", `${path} ended early. ${cure}`);
    at += bytesRead;
  }
}

/** Folders of earlier versions have no hashes. */
function checkHash(bytes: Uint8Array, { sha256 }: SpriteSetEntry, path: string): void {
  if (sha256 === undefined || createHash("sha256").update(bytes).digest("hex") === sha256) return;
  throw new NishikiError("data", `${path} does not match the hash in the index. ${cure}`);
}

/** Premultiplies alpha in place, which resampling needs. */
function multiplyAlpha(rgba: Uint8Array): void {
  for (let at = 0; at < rgba.length; at += 4) {
    const alpha = rgba[at + 3]!;
    if (alpha === 255) continue;
    rgba[at] = (rgba[at]! * alpha + 127) / 255;
    rgba[at + 1] = (rgba[at + 1]! * alpha + 127) / 255;
    rgba[at + 2] = (rgba[at + 2]! * alpha + 127) / 255;
  }
}
