// Builds a folder of sprites from the installed sets of drawings: one binary file of raw RGBA per set and one
// index. The replacement is atomic, even if the process is killed: pixel files are written under names made
// of their hashes beside the old ones, then the new index replaces the old one, then the old files are
// removed.

import { createHash } from "node:crypto";
import { readdir, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import {
  fileError,
  makeFolder,
  removeAbandoned,
  writeAtomically,
  writeFileAtomic,
} from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import { openDrawings, packageVersion } from "./drawings.js";
import { type RawImage, renderSprite } from "./render-sprite.js";
import {
  indexFile,
  MAX_SPRITE_SIDE,
  readSpriteIndex,
  type SpriteEntry,
  type SpriteIndex,
  type SpriteSetEntry,
} from "./sprite-index.js";
import { type SetName, type SpriteSet, spriteSetNamed, spriteSets } from "./sprite-sets.js";
import { type Thing, thingNamed, vocabulary } from "./vocabulary.js";

/** Options of a build. */
export interface BuildSpritesOptions {
  /** Output folder; created if missing. */
  readonly output: string;
  /** Names from the vocabulary. Default: all. */
  readonly things?: readonly string[];
  /** Sets of drawings. Default: all. */
  readonly sets?: readonly SetName[];
  /**
   * Longer side of a sprite in pixels, 16 to 384. Default 224, the largest that scenes of 256×256 need.
   */
  readonly size?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** The built sets, and the missing drawings. */
export interface BuildSpritesReport {
  readonly sprites: number;
  readonly bytes: number;
  readonly missing: readonly { readonly set: SetName; readonly thing: string }[];
}

/**
 * Renders the drawings of `things` in each of `sets` into `output`. Replaces existing sprites as a whole.
 *
 * @throws NishikiError `usage` for unknown names or sizes, `data` where a package is missing, `file` where
 * the folder cannot be written, `aborted` by the signal
 */
export async function buildSprites(options: BuildSpritesOptions): Promise<BuildSpritesReport> {
  const size = options.size ?? 224;
  if (!Number.isInteger(size) || size < 16 || size > MAX_SPRITE_SIDE) {
    throw new NishikiError(
      "usage",
      `size: expected a whole number from 16 to ${MAX_SPRITE_SIDE}, got ${size}.`,
    );
  }
  const things = options.things?.map(thingNamed) ?? vocabulary;
  const sets = [...new Set(options.sets ?? spriteSets.map((set) => set.name))].map(spriteSetNamed);
  await makeFolder(options.output);
  const before = await getIndexedFiles(options.output);
  const written: WrittenSet[] = [];
  try {
    for (const [row, set] of sets.entries()) {
      const onDone = (done: number) =>
        options.onProgress?.(row * things.length + done, sets.length * things.length);
      written.push(await writeSet(options, set, things, size, onDone));
    }
    const index: SpriteIndex = {
      version: 1,
      size,
      sets: written.map(({ set }) => set),
      sprites: written.flatMap(({ entries }) => entries),
    };
    await writeFileAtomic(join(options.output, indexFile), `${JSON.stringify(index)}\n`);
  } catch (error) {
    await remove(options.output, written, before);
    throw error;
  }
  const now = new Set(written.map(({ set }) => set.file));
  await tidy(options.output, before, now);
  return report(written);
}

/** Age in milliseconds at which the files of killed builds are removed; longer than any build takes. */
const leftoverMilliseconds = 6 * 3600 * 1000;

/** Removes the files of the replaced index and of killed builds. */
async function tidy(folder: string, before: readonly string[], now: ReadonlySet<string>): Promise<void> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const isLeftover = async (name: string) => {
    if (!/^[\w-]+-(?:[0-9a-f]{16}|building-\d+)\.rgba$/.test(name)) return false;
    const entry = await stat(join(folder, name)).catch(() => undefined);
    return entry !== undefined && entry.mtimeMs < Date.now() - leftoverMilliseconds;
  };
  for (const name of names)
    if (!now.has(name) && (before.includes(name) || (await isLeftover(name))))
      await discard(join(folder, name));
  await removeAbandoned(folder).catch(() => undefined);
}

function report(written: readonly WrittenSet[]): BuildSpritesReport {
  return {
    sprites: written.reduce((sum, { entries }) => sum + entries.length, 0),
    bytes: written.reduce((sum, { bytes }) => sum + bytes, 0),
    missing: written.flatMap(({ set, missing }) => missing.map((thing) => ({ set: set.name, thing }))),
  };
}

/** Files of the present index; none if no index can be read. */
async function getIndexedFiles(folder: string): Promise<readonly string[]> {
  const index = await readSpriteIndex(folder).catch(() => undefined);
  return index?.sets.map(({ file }) => file) ?? [];
}

/** Removes an unfinished build's files, except those of the old index. */
async function remove(
  folder: string,
  written: readonly WrittenSet[],
  before: readonly string[],
): Promise<void> {
  const unused = written.map(({ set }) => set.file).filter((file) => !before.includes(file));
  await Promise.all(unused.map((file) => discard(join(folder, file))));
}

/** Removes an obsolete file, if possible. */
const discard = (path: string) => unlink(path).catch(() => undefined);

interface WrittenSet {
  readonly set: SpriteSetEntry;
  readonly entries: readonly SpriteEntry[];
  readonly missing: readonly string[];
  readonly bytes: number;
}

/** Writes a set's pixels to a file named by their hash. */
async function writeSet(
  { output, signal }: BuildSpritesOptions,
  set: SpriteSet,
  things: readonly Thing[],
  size: number,
  onDone: (done: number) => void,
): Promise<WrittenSet> {
  const { name, packageName, licence, attribution } = set;
  const version = packageVersion(packageName);
  const source = openDrawings(set);
  const entries: SpriteEntry[] = [];
  const missing: string[] = [];
  const hash = createHash("sha256");
  let offset = 0;
  const temporary = join(output, `${name}-building-${process.pid}.rgba`);
  await writeAtomically(temporary, async (file) => {
    for (const [position, thing] of things.entries()) {
      if (signal?.aborted) throw new NishikiError("aborted", "Stopped while building sprites.");
      const drawing = set.leaveOut?.includes(thing.name) ? undefined : source(thing);
      if (drawing === undefined) missing.push(thing.name);
      else {
        const { width, height, rgba } = await render(drawing, size, `"${thing.name}" of ${packageName}`);
        await file.write(rgba);
        hash.update(rgba);
        entries.push({ thing: thing.name, set: name, codePoint: thing.codePoint, width, height, offset });
        offset += rgba.length;
      }
      onDone(position + 1);
    }
  });
  const sha256 = hash.digest("hex");
  const file = `${name}-${sha256.slice(0, 16)}.rgba`;
  await publish(temporary, join(output, file));
  const entry = { name, file, sha256, packageName, packageVersion: version, licence, attribution };
  return { set: entry, entries, missing, bytes: offset };
}

/** Renames finished pixels to the name made of their hash. */
async function publish(temporary: string, path: string): Promise<void> {
  try {
    await rename(temporary, path);
  } catch (error) {
    await discard(temporary);
    throw fileError(error, `write ${path}`);
  }
}

async function render(drawing: Buffer, size: number, what: string): Promise<RawImage> {
  return renderSprite(drawing, size).catch((cause: unknown) => {
    throw new NishikiError(
      "data",
      `The drawing of ${what} cannot be read. Install the packages again: "npm ci".`,
      { cause },
    );
  });
}
