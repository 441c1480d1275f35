// A folder of sprites, loaded: every sprite's pixels lie in one shared buffer per set, which worker threads use without
// copying it.

import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { NishikiError, unknownName } from "../errors.js";
import type { SetName } from "./sprite-sets.js";

/** Name of the index inside a folder of sprites. */
export const indexFile = "sprites.json";

/** A set as the index records it: where its drawings came from and what their licence asks. */
export interface SpriteSetEntry {
  readonly name: SetName;
  /** File of raw RGBA beside the index. */
  readonly file: string;
  readonly packageName: string;
  readonly packageVersion: string;
  readonly licence: string;
  readonly attribution: string;
}

/** One sprite: `width × height` RGBA bytes at `offset` of its set's file, where alpha is not multiplied in. */
export interface SpriteEntry {
  readonly thing: string;
  readonly set: SetName;
  readonly codePoint: string;
  readonly width: number;
  readonly height: number;
  readonly offset: number;
}

/** The content of the index file. */
export interface SpriteIndex {
  readonly version: 1;
  /** Longest side of any sprite, in pixels. */
  readonly size: number;
  readonly sets: SpriteSetEntry[];
  readonly sprites: SpriteEntry[];
}

/** Which thing exists in which set: all that describing a scene needs. */
export interface Catalogue {
  readonly things: readonly string[];
  has(thing: string, set: string): boolean;
}

/** A sprite's pixels. */
export interface Sprite {
  readonly thing: string;
  readonly set: SetName;
  readonly width: number;
  readonly height: number;
  /** RGBA with alpha multiplied in, rows from top to bottom. */
  readonly rgba: Uint8Array;
}

/** What a worker thread is given: the index and the shared pixels of each loaded set, alpha multiplied in. */
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

  /** The sprite of a thing in a set; throws `data` where there is none. */
  get(thing: string, set: string): Sprite {
    const sprite = this.#byKey.get(`${thing}|${set}`);
    if (sprite === undefined)
      throw new NishikiError("data", `There is no sprite of "${thing}" in the set "${set}".`);
    return sprite;
  }
}

/**
 * Loads a folder that `buildSprites` wrote.
 *
 * @param sets only these sets; all of the folder's by default
 * @throws NishikiError `file` where the folder cannot be read, `data` where its files do not fit the index
 */
export async function loadSprites(folder: string, sets?: readonly SetName[]): Promise<Sprites> {
  const index = await loadIndex(folder);
  const known = index.sets.map((set) => set.name);
  for (const name of sets ?? []) {
    if (!known.includes(name)) throw unknownName("sprite set", name, known);
  }
  const pixels: Record<string, SharedArrayBuffer> = {};
  for (const set of index.sets) {
    if (sets !== undefined && !sets.includes(set.name)) continue;
    const needed = index.sprites
      .filter((sprite) => sprite.set === set.name)
      .reduce((end, sprite) => Math.max(end, sprite.offset + sprite.width * sprite.height * 4), 0);
    pixels[set.name] = await loadPixels(join(folder, set.file), needed);
  }
  return new Sprites({ index, pixels });
}

async function loadIndex(folder: string): Promise<SpriteIndex> {
  const path = join(folder, indexFile);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const cure = 'Build the sprites first: "nishiki data build".';
    throw new NishikiError("file", `The folder "${folder}" has no readable ${indexFile}. ${cure}`, { cause });
  }
  try {
    const index = JSON.parse(text) as SpriteIndex;
    if (index.version === 1 && Array.isArray(index.sprites) && Array.isArray(index.sets)) return index;
  } catch (cause) {
    throw new NishikiError("data", `${path} is not JSON. Build the sprites again.`, { cause });
  }
  throw new NishikiError("data", `${path} is not an index of sprites (version 1). Build the sprites again.`);
}

async function loadPixels(path: string, needed: number): Promise<SharedArrayBuffer> {
  const handle = await open(path, "r").catch((cause: unknown) => {
    throw new NishikiError("file", `The sprite file "${path}" cannot be read. Build the sprites again.`, {
      cause,
    });
  });
  try {
    const { size } = await handle.stat();
    if (size !== needed) {
      throw new NishikiError(
        "data",
        `${path} has ${size} bytes where the index says ${needed}. Build the sprites again.`,
      );
    }
    const buffer = new SharedArrayBuffer(size);
    const bytes = new Uint8Array(buffer);
    for (let at = 0; at < size; ) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(size - at, 1 << 24), at);
      if (bytesRead === 0) throw new NishikiError("data", `${path} ended early. Build the sprites again.`);
      at += bytesRead;
    }
    multiplyAlpha(bytes);
    return buffer;
  } finally {
    await handle.close();
  }
}

/** In place, once for all threads: resampling is right only with alpha multiplied in. */
function multiplyAlpha(rgba: Uint8Array): void {
  for (let at = 0; at < rgba.length; at += 4) {
    const alpha = rgba[at + 3]!;
    if (alpha === 255) continue;
    rgba[at] = (rgba[at]! * alpha + 127) / 255;
    rgba[at + 1] = (rgba[at + 1]! * alpha + 127) / 255;
    rgba[at + 2] = (rgba[at + 2]! * alpha + 127) / 255;
  }
}
