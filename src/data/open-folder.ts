// A user's captioned images: image files with a `.txt` of the same name, or a `metadata.jsonl` with
// `file_name` and `text` (the ImageFolder convention of Hugging Face datasets). Unusable files are listed,
// not fatal.

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

/** Options of {@link openFolder}. */
export interface OpenFolderOptions {
  /** Side of the images in pixels, 8 to 4096: each is centre-cropped and resized to it. Default 256. */
  readonly size?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** An unusable file, and the reason. */
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

/** Options of a stream of images. */
export interface ImagesOptions {
  readonly seed: number;
  /** Number of the first image, to continue a stopped run. Default 0. */
  readonly from?: number;
  /** Number of images. Default: endless. */
  readonly count?: number;
  readonly signal?: AbortSignal;
}

const extensions = new Set([".png", ".jpg", ".jpeg", ".webp"]);
/** Images of unsupported types, reported as problems. */
const otherExtensions = /\.(?:gif|tiff?|avif|hei[cf]|bmp|jxl|jp2|jfif|psd|svg|ico|exr|hdr)$/i;
const metadataFile = "metadata.jsonl";

/** Images decoded in parallel. */
const parallel = 4;

/**
 * The captioned images of a folder. Read them one by one, or as an endless stream with a new shuffle for each
 * pass.
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
   * Reads image `index` of `entries`: `size × size` RGB bytes and caption. Throws `data` if it can no longer
   * be read.
   */
  async read(index: number): Promise<CaptionedImage> {
    const entry = this.entries[index];
    if (entry === undefined) {
      throw new NishikiError(
        "usage",
        `index: expected a number below ${this.entries.length}, the folder's images, got ${index}.`,
      );
    }
    try {
      return { pixels: await decode(join(this.folder, entry.file), this.size), caption: entry.caption };
    } catch (cause) {
      throw new NishikiError("data", `"${entry.file}" can no longer be read: ${reasonOf(cause)}`, { cause });
    }
  }

  /** An endless stream: the seed and the pass's number decide the shuffle of each pass. */
  async *images(options: ImagesOptions): AsyncGenerator<CaptionedImage, void, undefined> {
    const { seed, from = 0, count = Number.POSITIVE_INFINITY, signal } = options;
    const all = this.entries.map((_, index) => index);
    if (all.length === 0) throw new NishikiError("data", `The folder "${this.folder}" has no usable images.`);
    let pass = -1;
    let order: readonly number[] = all;
    for (let number = from; number < from + count; number++) {
      if (signal?.aborted) throw new NishikiError("aborted", "Stopped while reading images.");
      const current = Math.floor(number / all.length);
      if (current !== pass) order = random(seed, "folder", current).shuffle(all);
      pass = current;
      yield await this.read(order[number % all.length]!);
    }
  }
}

/**
 * Opens a folder of captioned images. Reads all captions and decodes every image once, to find broken files
 * before a long run.
 *
 * @throws NishikiError `file` if the folder cannot be read, `usage` for a bad size, `aborted`
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
      problems.push({ file, reason: "is not a png, jpg or webp file: save it as one" });
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

/** Examines all images, several in parallel. Results are in the order of the images. */
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
      if (signal?.aborted) throw new NishikiError("aborted", "Stopped while opening the folder.");
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
      return { file, reason: `has no caption: add a .txt beside it, or a line in ${metadataFile}` };
    if (caption === "") return { file, reason: "its caption is empty" };
    await decode(join(source.folder, file), source.size);
    return { file, caption };
  } catch (cause) {
    if (cause instanceof CaptionProblem) return { file, reason: cause.message };
    return { file, reason: `cannot be decoded: ${reasonOf(cause)}` };
  }
}

/** An unusable caption; the message is the reason. */
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

/** Why a row of the list is unusable; undefined if it is usable. */
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

/** The error's message on one line, without a full stop. */
function reasonOf(cause: unknown): string {
  return showText(cause instanceof Error ? cause.message : String(cause), { limit: 200 }).replace(/\.$/, "");
}
