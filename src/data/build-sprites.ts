// Builds a folder of sprites from the installed sets of drawings: one binary file of raw RGBA per set and one index.
// Sprites are trimmed to the drawing's bounding box, so that the compositor can place them exactly.

import { mkdir, open, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { NishikiError } from "../errors.js";
import { openDrawings, packageVersion } from "./drawings.js";
import { type SetName, spriteSetNamed, spriteSets } from "./sprite-sets.js";
import { indexFile, type SpriteEntry, type SpriteIndex, type SpriteSetEntry } from "./sprites.js";
import { type Thing, thingNamed, vocabulary } from "./vocabulary.js";

/** What to build, and where. */
export interface BuildSpritesOptions {
  /** Folder to write; made where it does not exist. */
  readonly output: string;
  /** Names from the vocabulary; all of it by default. */
  readonly things?: readonly string[];
  /** Sets to draw from; all of them by default. */
  readonly sets?: readonly SetName[];
  /** Longer side of a sprite's box in pixels, 16 to 384. Default 224, the largest that scenes of 256×256 need. */
  readonly size?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What was built, and which drawings do not exist. */
export interface BuildSpritesReport {
  readonly sprites: number;
  readonly bytes: number;
  readonly missing: readonly { readonly set: SetName; readonly thing: string }[];
}

interface RawPicture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Buffer;
}

/** Pixels more transparent than this are outside of the drawing: shadows' faint tails must not widen its box. */
const alphaThreshold = 12;

/**
 * Renders the drawings of `things` in each of `sets` into `output`.
 *
 * @throws NishikiError `usage` for unknown names or sizes, `data` where a package is missing, `aborted` by the signal
 */
export async function buildSprites(options: BuildSpritesOptions): Promise<BuildSpritesReport> {
  const size = options.size ?? 224;
  if (!Number.isInteger(size) || size < 16 || size > 384) {
    throw new NishikiError("usage", `A sprite's size must be a whole number from 16 to 384, not ${size}.`);
  }
  const things = options.things?.map(thingNamed) ?? vocabulary;
  const sets = (options.sets ?? spriteSets.map((set) => set.name)).map(spriteSetNamed);
  await mkdir(options.output, { recursive: true });
  const index: SpriteIndex = { version: 1, size, sets: [], sprites: [] };
  const missing: { set: SetName; thing: string }[] = [];
  let bytes = 0;
  for (const [row, set] of sets.entries()) {
    const file = `${set.name}.rgba`;
    const { name, packageName, licence, attribution } = set;
    const entry: SpriteSetEntry = {
      name,
      file,
      packageName,
      packageVersion: packageVersion(packageName),
      licence,
      attribution,
    };
    index.sets.push(entry);
    const source = openDrawings(set);
    const render = async (thing: Thing): Promise<RawPicture | undefined> => {
      if (options.signal?.aborted) throw new NishikiError("aborted", "Building the sprites was cancelled.");
      const drawing = set.leaveOut?.includes(thing.name) ? undefined : source(thing);
      return drawing === undefined ? undefined : renderSprite(drawing, size);
    };
    const written = await writeSet(join(options.output, file), things, name, render, (done) =>
      options.onProgress?.(row * things.length + done, sets.length * things.length),
    );
    index.sprites.push(...written.entries);
    missing.push(...written.missing.map((thing) => ({ set: name, thing })));
    bytes += written.bytes;
  }
  const temporary = join(options.output, `${indexFile}.part`);
  await writeFile(temporary, `${JSON.stringify(index)}\n`);
  await rename(temporary, join(options.output, indexFile));
  return { sprites: index.sprites.length, bytes, missing };
}

interface WrittenSet {
  readonly entries: SpriteEntry[];
  readonly missing: string[];
  readonly bytes: number;
}

async function writeSet(
  path: string,
  things: readonly Thing[],
  set: SetName,
  render: (thing: Thing) => Promise<RawPicture | undefined>,
  onDone: (done: number) => void,
): Promise<WrittenSet> {
  const entries: SpriteEntry[] = [];
  const missing: string[] = [];
  let offset = 0;
  const temporary = `${path}.part`;
  const handle = await open(temporary, "w");
  try {
    for (const [position, thing] of things.entries()) {
      const sprite = await render(thing);
      if (sprite === undefined) {
        missing.push(thing.name);
      } else {
        await handle.write(sprite.rgba);
        const { width, height } = sprite;
        entries.push({ thing: thing.name, set, codePoint: thing.codePoint, width, height, offset });
        offset += sprite.rgba.length;
      }
      onDone(position + 1);
    }
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  return { entries, missing, bytes: offset };
}

/** Decodes a drawing, trims it and scales it down until its longer side is `size` (a smaller one stays as it is). */
async function renderSprite(drawing: Buffer, size: number): Promise<RawPicture> {
  const { data, info } = await sharp(drawing).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const box = findBox(data, info.width, info.height);
  const longer = Math.max(box.width, box.height);
  const scale = Math.min(1, size / longer);
  const width = Math.max(1, Math.round(box.width * scale));
  const height = Math.max(1, Math.round(box.height * scale));
  const rgba = await sharp(data, { raw: { width: info.width, height: info.height, channels: 4 } })
    .extract(box)
    .resize(width, height, { fit: "fill" })
    .raw()
    .toBuffer();
  return { width, height, rgba };
}

function findBox(rgba: Buffer, width: number, height: number) {
  let left = width;
  let right = -1;
  let top = height;
  let bottom = -1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (rgba[(y * width + x) * 4 + 3]! <= alphaThreshold) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      bottom = y;
    }
  }
  if (right < 0) throw new NishikiError("data", "A drawing of a sprite set is empty.");
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}
