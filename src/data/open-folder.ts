// A user's own captioned images: image files with a `.txt` of the same name beside them, or a
// `metadata.jsonl` with `file_name` and `text` (the image-folder convention of Hugging Face datasets). What
// cannot be used is listed, not fatal.

import { readFile } from "node:fs/promises";
import { extname, isAbsolute, join, normalize } from "node:path";
import sharp from "sharp";
import { fileError } from "../checkpoint/node.js";
import { NishikiError, showText } from "../errors.js";
import { toEightBits } from "../image/node.js";
import { random } from "../random/index.js";
import { decodeText, oneLine } from "./caption-text.js";
import { listFiles } from "./list-files.js";
import type { CaptionedImage } from "./scene-types.js";

/** How a folder is opened. */
export interface OpenFolderOptions {
  /** Side of the images in pixels, 8 to 4096: each is centre-cropped and resized to it. Default 256. */
  readonly size?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Something in the folder that cannot be used, and why. */
export interface FolderProblem {
  /** Path inside the folder. */
  readonly file: string;
  readonly reason: string;
}

/** One usable image of a folder. */
export interface FolderEntry {
  readonly file: string;
  readonly caption: string;
}

/** Which images of a folder, in which order. */
export interface ImagesOptions {
  readonly seed: number;
  /** Number of the first image of the stream: go on where a run stopped. Default 0. */
  readonly from?: number;
  /** How many images; endless by default. */
  readonly count?: number;
  readonly signal?: AbortSignal;
}

const extensions = new Set([".png", ".jpg", ".jpeg", ".webp"]);
/** Images all the same, which would be missed without a word. */
const otherExtensions = /\.(?:gif|tiff?|avif|hei[cf]|bmp|jxl|jp2|jfif|psd|svg|ico|exr|hdr)$/i;
const metadataFile = "metadata.jsonl";

/** Images that are decoded at the same time. */
const parallel = 4;

/**
 * The captioned images of a folder. Read them one by one, or as an endless stream in which each pass is
 * shuffled anew.
 */
export class CaptionedImages {
  readonly folder: string;
  readonly size: number;
  readonly entries: readonly FolderEntry[];
  readonly problems: readonly FolderProblem[];

  constructor(
    folder: string,
    size: number,
    entries: readonly FolderEntry[],
    problems: readonly FolderProblem[],
  ) {
    this.folder = folder;
    this.size = size;
    this.entries = entries;
    this.problems = problems;
  }

  /**
   * Image `index` of `entries`: `size × size` RGB bytes and its caption. Throws `data` where it can no longer
   * be read.
   */
  async read(index: number): Promise<CaptionedImage> {
    const entry = this.entries[index];
    if (entry === undefined) {
      throw new NishikiError(
        "usage",
        `The folder has ${this.entries.length} pictures; there is no number ${index}.`,
      );
    }
    try {
      return { pixels: await decode(join(this.folder, entry.file), this.size), caption: entry.caption };
    } catch (cause) {
      throw new NishikiError("data", `"${entry.file}" can no longer be read: ${reasonOf(cause)}`, { cause });
    }
  }

  /** An endless stream: every pass over the folder is shuffled by the seed and the pass's number. */
  async *images(options: ImagesOptions): AsyncGenerator<CaptionedImage, void, undefined> {
    const { seed, from = 0, count = Number.POSITIVE_INFINITY, signal } = options;
    const all = this.entries.map((_, index) => index);
    if (all.length === 0)
      throw new NishikiError("data", `The folder "${this.folder}" has no usable pictures.`);
    let pass = -1;
    let order: readonly number[] = all;
    for (let number = from; number < from + count; number++) {
      if (signal?.aborted) throw new NishikiError("aborted", "Reading pictures was cancelled.");
      const wanted = Math.floor(number / all.length);
      if (wanted !== pass) order = random(seed, "folder", wanted).shuffle(all);
      pass = wanted;
      yield await this.read(order[number % all.length]!);
    }
  }
}

/**
 * Opens a folder of captioned images: reads all captions and decodes every image once, so that what is broken
 * is known before a long run begins.
 *
 * @throws NishikiError `file` where the folder cannot be read, `usage` for a bad size, `aborted` by the
 * signal
 */
export async function openFolder(folder: string, options: OpenFolderOptions = {}): Promise<CaptionedImages> {
  const size = options.size ?? 256;
  if (!Number.isInteger(size) || size < 8 || size > 4096) {
    throw new NishikiError("usage", `Pictures must be 8 to 4096 pixels wide, not ${size}.`);
  }
  const { files, problems: unread } = await listFiles(folder);
  const source: Source = { folder, files: new Set(files), captions: new Map<string, string>(), size };
  const problems: FolderProblem[] = [...unread];
  if (source.files.has(metadataFile)) await readMetadata(source, problems);
  for (const file of files)
    if (otherExtensions.test(file))
      problems.push({ file, reason: "is no png, jpg or webp file: save it as one" });
  const images = files.filter((file) => extensions.has(extname(file).toLowerCase()));
  const examined = await examineAll(source, images, options);
  const entries = examined.filter((found) => "caption" in found);
  problems.push(...examined.filter((found) => "reason" in found));
  return new CaptionedImages(folder, size, entries, problems);
}

/** A folder that is being opened. */
interface Source {
  readonly folder: string;
  readonly files: ReadonlySet<string>;
  /** Captions from the list, by file. */
  readonly captions: Map<string, string>;
  readonly size: number;
}

/** Looks at all images, several at a time. The answers are in the order of the images. */
async function examineAll(
  source: Source,
  images: readonly string[],
  { signal, onProgress }: OpenFolderOptions,
): Promise<(FolderEntry | FolderProblem)[]> {
  const examined: (FolderEntry | FolderProblem)[] = new Array(images.length);
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < images.length) {
      if (signal?.aborted) throw new NishikiError("aborted", "Opening the folder was cancelled.");
      const index = next++;
      examined[index] = await examine(source, images[index]!);
      onProgress?.(++done, images.length);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return examined;
}

async function examine(source: Source, file: string): Promise<FolderEntry | FolderProblem> {
  try {
    const caption = source.captions.get(file) ?? (await readCaption(source, file));
    if (caption === undefined)
      return { file, reason: `has no caption: neither a .txt beside it nor a line in ${metadataFile}` };
    if (caption === "") return { file, reason: "its caption is empty" };
    await decode(join(source.folder, file), source.size);
    return { file, caption };
  } catch (cause) {
    if (cause instanceof CaptionProblem) return { file, reason: cause.message };
    return { file, reason: `cannot be decoded: ${reasonOf(cause)}` };
  }
}

/** A caption that cannot be used; its message is the reason. */
class CaptionProblem extends Error {}

async function readCaption({ folder, files }: Source, file: string): Promise<string | undefined> {
  const stem = file.slice(0, -extname(file).length);
  const beside = [`${stem}.txt`, `${stem}.TXT`].find((name) => files.has(name));
  if (beside === undefined) return undefined;
  try {
    return oneLine(decodeText(await readFile(join(folder, beside))));
  } catch (cause) {
    const told = fileError(cause, "read it");
    throw new CaptionProblem(`its caption ${beside}${told === cause ? " " : ": "}${reasonOf(told)}`);
  }
}

async function readMetadata({ folder, files, captions }: Source, problems: FolderProblem[]): Promise<void> {
  const bytes = await readFile(join(folder, metadataFile)).catch((error: unknown) => {
    throw fileError(error, `read ${join(folder, metadataFile)}`);
  });
  let text: string;
  try {
    text = decodeText(bytes);
  } catch (cause) {
    return void problems.push({ file: metadataFile, reason: reasonOf(cause) });
  }
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    if (line.trim() === "") continue;
    const where = `${metadataFile}, line ${index + 1}`;
    const row = parseRow(line);
    const reason = row ? refuseRow(row.file_name, files) : notARow;
    if (reason !== undefined) problems.push({ file: where, reason });
    else if (row) captions.set(normalize(row.file_name), oneLine(row.text));
  }
}

const notARow = 'is not a JSON object with the strings "file_name" and "text"';

/** Why a row of the list cannot be used; undefined where it can. */
function refuseRow(name: string, files: ReadonlySet<string>): string | undefined {
  const file = normalize(name);
  const shown = showText(name);
  if (isAbsolute(file) || /^\.\.(?:[/\\]|$)/.test(file)) return `"${shown}" lies outside of the folder`;
  if (!files.has(file)) return `there is no file "${shown}"`;
  if (!extensions.has(extname(file).toLowerCase())) return `"${shown}" is not a png, jpg or webp file`;
  return undefined;
}

function parseRow(line: string): { file_name: string; text: string } | undefined {
  try {
    const row: unknown = JSON.parse(line);
    if (typeof row !== "object" || row === null) return undefined;
    const { file_name, text } = row as { file_name?: unknown; text?: unknown };
    return typeof file_name === "string" && typeof text === "string" ? { file_name, text } : undefined;
  } catch {
    return undefined;
  }
}

/** Decodes, turns upright, lays transparent images on white, crops to the centre square and resizes. */
async function decode(path: string, size: number): Promise<Uint8Array> {
  const pixels = await sharp(await toEightBits(path), { failOn: "error" })
    .rotate()
    .flatten({ background: "#ffffff" })
    .resize(size, size, { fit: "cover" })
    .toColourspace("srgb")
    .removeAlpha()
    .raw()
    .toBuffer();
  if (pixels.length !== size * size * 3) {
    throw new NishikiError("data", `it decodes to ${pixels.length} bytes instead of ${size * size * 3}`);
  }
  return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length);
}

/** On one line, without the full stop that a sentence has. */
function reasonOf(cause: unknown): string {
  return showText(cause instanceof Error ? cause.message : String(cause), { limit: 200 }).replace(/\.$/, "");
}
