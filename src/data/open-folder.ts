// A user's own captioned pictures: image files with a `.txt` of the same name beside them, or a `metadata.jsonl` with
// `file_name` and `text` (the image-folder convention of Hugging Face datasets). What cannot be used is listed, not fatal.

import { readdir, readFile } from "node:fs/promises";
import { extname, isAbsolute, join, normalize, sep } from "node:path";
import sharp from "sharp";
import { NishikiError } from "../errors.js";
import { random } from "../random/index.js";
import type { CaptionedPicture } from "./scene-types.js";

/** How a folder is opened. */
export interface OpenFolderOptions {
  /** Side of the pictures in pixels, 8 to 4096: each is centre-cropped and resized to it. Default 256. */
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

/** One usable picture of a folder. */
export interface FolderEntry {
  readonly file: string;
  readonly caption: string;
}

/** Which pictures of a folder, in which order. */
export interface PicturesOptions {
  readonly seed: number;
  /** Number of the first picture of the stream: go on where a run stopped. Default 0. */
  readonly from?: number;
  /** How many pictures; endless by default. */
  readonly count?: number;
  readonly signal?: AbortSignal;
}

const extensions = new Set([".png", ".jpg", ".jpeg", ".webp"]);
const metadataFile = "metadata.jsonl";

/** The captioned pictures of a folder. Read them one by one, or as an endless stream in which each pass is shuffled anew. */
export class CaptionedPictures {
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

  /** Picture `index` of `entries`: `size × size` RGB bytes and its caption. Throws `data` where it can no longer be read. */
  async read(index: number): Promise<CaptionedPicture> {
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
  async *pictures(options: PicturesOptions): AsyncGenerator<CaptionedPicture, void, undefined> {
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
 * Opens a folder of captioned pictures: reads all captions and decodes every picture once, so that what is broken is known
 * before a long run begins.
 *
 * @throws NishikiError `file` where the folder cannot be read, `usage` for a bad size, `aborted` by the signal
 */
export async function openFolder(
  folder: string,
  options: OpenFolderOptions = {},
): Promise<CaptionedPictures> {
  const size = options.size ?? 256;
  if (!Number.isInteger(size) || size < 8 || size > 4096) {
    throw new NishikiError("usage", `Pictures must be 8 to 4096 pixels wide, not ${size}.`);
  }
  const files = await listFiles(folder);
  const problems: FolderProblem[] = [];
  const captions = files.includes(metadataFile) ? await readMetadata(folder, files, problems) : new Map();
  const pictures = files.filter((file) => extensions.has(extname(file).toLowerCase()));
  const entries: FolderEntry[] = [];
  for (const [done, file] of pictures.entries()) {
    if (options.signal?.aborted) throw new NishikiError("aborted", "Opening the folder was cancelled.");
    const found = await examine(folder, file, files, captions, size);
    if ("caption" in found) entries.push(found);
    else problems.push(found);
    options.onProgress?.(done + 1, pictures.length);
  }
  return new CaptionedPictures(folder, size, entries, problems);
}

/** Files of a folder and its subfolders, in an order that does not depend on the file system. */
async function listFiles(folder: string): Promise<string[]> {
  try {
    const found = await readdir(folder, { recursive: true, withFileTypes: true });
    const names = found
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, sep).length));
    return names.sort();
  } catch (cause) {
    throw new NishikiError("file", `The folder "${folder}" cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

async function examine(
  folder: string,
  file: string,
  files: readonly string[],
  captions: ReadonlyMap<string, string>,
  size: number,
): Promise<FolderEntry | FolderProblem> {
  const caption = captions.get(file) ?? (await readCaption(folder, file, files));
  if (caption === undefined)
    return { file, reason: `has no caption: neither a .txt beside it nor a line in ${metadataFile}` };
  if (caption === "") return { file, reason: "its caption is empty" };
  try {
    await decode(join(folder, file), size);
    return { file, caption };
  } catch (cause) {
    return { file, reason: `cannot be decoded: ${reasonOf(cause)}` };
  }
}

async function readCaption(
  folder: string,
  file: string,
  files: readonly string[],
): Promise<string | undefined> {
  const beside = `${file.slice(0, -extname(file).length)}.txt`;
  if (!files.includes(beside)) return undefined;
  return oneLine(await readFile(join(folder, beside), "utf8"));
}

async function readMetadata(
  folder: string,
  files: readonly string[],
  problems: FolderProblem[],
): Promise<Map<string, string>> {
  const captions = new Map<string, string>();
  const lines = (await readFile(join(folder, metadataFile), "utf8")).split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const where = `${metadataFile}, line ${index + 1}`;
    const row = parseRow(line);
    if (row === undefined) {
      problems.push({ file: where, reason: 'is not a JSON object with the strings "file_name" and "text"' });
      continue;
    }
    const file = normalize(row.file_name);
    if (isAbsolute(file) || file.startsWith("..")) {
      problems.push({ file: where, reason: `"${row.file_name}" lies outside of the folder` });
    } else if (!files.includes(file)) {
      problems.push({ file: where, reason: `there is no file "${row.file_name}"` });
    } else if (!extensions.has(extname(file).toLowerCase())) {
      problems.push({ file: where, reason: `"${row.file_name}" is not a png, jpg or webp file` });
    } else {
      captions.set(file, oneLine(row.text));
    }
  }
  return captions;
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

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** Decodes, turns upright, lays transparent pictures on white, crops to the centre square and resizes. */
async function decode(path: string, size: number): Promise<Uint8Array> {
  const pixels = await sharp(path, { failOn: "error" })
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

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
