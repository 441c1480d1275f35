// Images that requests refer to. A file claims any size at no cost, so its header is checked before anything decodes it.
import { randomUUID } from "node:crypto";
import { lstat, readdir, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../checkpoint/node.js";
import { NishikiError } from "../../errors.js";
import {
  checkSize,
  getImageFormat,
  type ImageHeader,
  MAX_PIXELS,
  readImageHeader,
  readProvenance,
} from "../../image/index.js";
import type { Upload } from "../api/index.js";
import { getImageId } from "./describe-file.js";
import { fileEndings, type StoredFormat } from "./folder.js";
import { makeRequest } from "./provenance-request.js";

/** The largest upload: in bytes, and in pixels of the decoded image. */
export const uploadLimits = { bytes: 64 * 2 ** 20, pixels: MAX_PIXELS } as const;

/** Characters of foreign texts that are repeated: a workflow can have millions. */
const longestText = 100_000;

/** @throws NishikiError "data" for a file that is no image, is damaged, or is too large */
export function checkUpload(bytes: Uint8Array): ImageHeader {
  if (bytes.length > uploadLimits.bytes) {
    const most = uploadLimits.bytes / 2 ** 20;
    throw new NishikiError("data", `The image has ${bytes.length} bytes; the limit is ${most} MiB.`);
  }
  try {
    const header = readImageHeader(bytes);
    if (!header) throw refuse(bytes);
    checkSize("The image", header, uploadLimits.pixels);
    return header;
  } catch (error) {
    if (!(error instanceof NishikiError)) throw error;
    throw new NishikiError("data", error.message, { cause: error });
  }
}

function refuse(bytes: Uint8Array): NishikiError {
  const name = getImageFormat(bytes)?.name;
  const got =
    bytes.length === 0 ? "an empty file" : name === undefined ? "a file of no known image format" : `${name}`;
  return new NishikiError("data", `Expected a PNG, JPEG or WebP image, got ${got}.`);
}

const cut = (text: string) => text.slice(0, longestText);

/** What an uploaded image is, and what it says about how it was made. */
export function describeUpload(
  bytes: Uint8Array,
  { format, width, height, hasAlpha, text }: ImageHeader,
): Upload {
  const found = readProvenance(text);
  const provenance = found && {
    program: found.program,
    prompt: cut(found.prompt),
    negativePrompt: cut(found.negativePrompt),
    fields: Object.fromEntries(Object.entries(found.fields).map(([name, value]) => [name, cut(value)])),
    raw: cut(found.raw),
    request: { ...makeRequest(found, text) },
  };
  return { id: getImageId(bytes), width, height, format, hasAlpha, provenance: provenance ?? null };
}

export class UploadStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  path({ id, format }: Pick<Upload, "id" | "format">): string {
    return join(this.#folder, `${id}${fileEndings[format]}`);
  }

  /**
   * Stores an image whose pixels prove to be readable.
   * @param check Decodes the file; its error is the caller's.
   */
  async put(upload: Upload, bytes: Uint8Array, check: (path: string) => Promise<unknown>): Promise<void> {
    const path = this.path(upload);
    if (await isFile(path)) {
      // Wanted again: its time begins anew.
      await utimes(path, new Date(), new Date());
      return;
    }
    const draft = join(this.#folder, `.${randomUUID()}.draft`);
    try {
      await writeFileAtomic(draft, bytes);
      await check(draft);
      await writeFileAtomic(path, bytes);
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** Deletes images that were last uploaded before a time and that nothing names. @returns their ids */
  async deleteUnused(before: Date, isUsed: (id: string) => Promise<boolean>): Promise<readonly string[]> {
    const deleted: string[] = [];
    for (const name of await readdir(this.#folder)) {
      const id = /^([0-9a-f]{64})\.[a-z]+$/.exec(name)?.[1];
      const path = join(this.#folder, name);
      if (id === undefined || (await lstat(path)).mtime >= before || (await isUsed(id))) continue;
      await rm(path, { force: true });
      deleted.push(id);
    }
    return deleted;
  }

  async find(id: string): Promise<{ readonly path: string; readonly format: StoredFormat } | undefined> {
    for (const format of ["png", "jpeg", "webp"] as const) {
      const path = this.path({ id, format });
      if (await isFile(path)) return { path, format };
    }
    return undefined;
  }
}

/** Links are not followed. */
const isFile = (path: string) =>
  lstat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
