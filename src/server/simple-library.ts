// A library in memory over files in a folder: enough for a first session.
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileError, writeFileAtomic } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import { FORMAT_BYTES, getImageFormat, readPngText, readProvenance } from "../image/index.js";
import { parseReceipt, receiptKey, sha256 } from "../pipeline/index.js";
import type { ImageQuery, StoredImage, Upload } from "./api/index.js";
import type { FileBytes } from "./application.js";
import type { Library } from "./parts.js";

type About = Parameters<Library["addDrawn"]>[1];

const types = { png: "image/png", jpeg: "image/jpeg", webp: "image/webp" } as const;

/** The images of a folder. */
export async function openSimpleLibrary(folder: string): Promise<Library> {
  const library = new SimpleLibrary(folder);
  await library.reindex();
  return library;
}

class SimpleLibrary implements Library {
  readonly #folder: string;
  readonly #images = new Map<string, StoredImage>();
  readonly #jobs = new Map<string, Map<number, string>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async addDrawn(png: Uint8Array, about: About): Promise<StoredImage> {
    const id = await sha256(png);
    const ofJob = this.#jobs.get(about.job) ?? new Map<number, string>();
    this.#jobs.set(about.job, ofJob.set(about.index, id));
    const known = this.#images.get(id);
    if (known) return known;
    await this.#write("images", id, "png", png);
    return this.#index(id, png, about);
  }

  async upload(bytes: Uint8Array): Promise<Upload> {
    const { inspectImage } = await import("../image/node.js");
    const { width, height, hasAlpha = false, text } = await inspectImage(bytes, "The image");
    const format = readFormat(bytes);
    const id = await sha256(bytes);
    await this.#write("uploads", id, format, bytes);
    const provenance = readProvenance(text as Readonly<Record<string, string>>);
    return {
      id,
      width,
      height,
      format,
      hasAlpha,
      provenance: provenance
        ? { ...provenance, fields: definedFields(provenance.fields), request: {} }
        : null,
    };
  }

  async images({ favourite, trash, job, parent, cursor, limit, search }: ImageQuery) {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const all = [...this.#images.values()]
      .reverse()
      .filter((image) => (image.trashed !== null) === trash)
      .filter((image) => favourite === undefined || image.favourite === favourite)
      .filter((image) => job === undefined || image.job === job)
      .filter((image) => parent === undefined || image.parent?.image === parent)
      .filter((image) => words.every((word) => image.prompt.toLowerCase().includes(word)));
    const start = cursor === undefined ? 0 : Number(cursor);
    const next = start + limit < all.length ? String(start + limit) : null;
    return { images: all.slice(start, start + limit), next, total: all.length };
  }

  async image(id: string) {
    return this.#images.get(id);
  }

  async imagesOfJob(job: string) {
    const ids = [...(this.#jobs.get(job) ?? [])].sort(([a], [b]) => a - b);
    return ids.flatMap(([index, id]) => {
      const image = this.#images.get(id);
      return image ? [{ ...image, job, index }] : [];
    });
  }

  async file(id: string): Promise<FileBytes | undefined> {
    for (const kind of ["images", "uploads"])
      for (const [extension, type] of Object.entries(types)) {
        const bytes = await readFile(this.#path(kind, id, extension)).catch(() => undefined);
        if (bytes) return { bytes, type };
      }
    return undefined;
  }

  async thumbnail(id: string): Promise<FileBytes | undefined> {
    const file = await this.file(id);
    if (!file) return undefined;
    const { decodeImage, encodeWebp } = await import("../image/node.js");
    const image = await decodeImage(file.bytes, { alpha: true });
    return { bytes: await encodeWebp(image, { side: 512 }), type: "image/webp" };
  }

  async mark(id: string, marks: { readonly favourite?: boolean }) {
    const image = this.#images.get(id);
    if (!image) return undefined;
    const marked = { ...image, ...marks };
    this.#images.set(id, marked);
    return marked;
  }

  async trash(ids: readonly string[], trashed: boolean) {
    const when = trashed ? new Date().toISOString() : null;
    return ids.flatMap((id) => {
      const image = this.#images.get(id);
      if (!image) return [];
      const changed = { ...image, trashed: when };
      this.#images.set(id, changed);
      return [changed];
    });
  }

  async emptyTrash() {
    const gone = [...this.#images.values()].filter(({ trashed }) => trashed !== null).map(({ id }) => id);
    for (const id of gone) {
      this.#images.delete(id);
      await rm(this.#path("images", id, "png"), { force: true });
    }
    return gone;
  }

  async reindex() {
    const folder = join(this.#folder, "images");
    const names = await readdir(folder).catch(() => [] as string[]);
    for (const name of names.filter((one) => one.endsWith(".png"))) {
      const id = name.slice(0, -4);
      if (!this.#images.has(id)) await this.#index(id, await readFile(join(folder, name)));
    }
    return this.#images.size;
  }

  async close() {}

  #path(kind: string, id: string, extension: string) {
    return join(this.#folder, kind, `${id}.${extension}`);
  }

  async #write(kind: string, id: string, extension: string, bytes: Uint8Array) {
    const path = this.#path(kind, id, extension);
    try {
      await mkdir(join(this.#folder, kind), { recursive: true });
      await writeFileAtomic(path, bytes);
    } catch (error) {
      throw fileError(error, `write ${path}`);
    }
  }

  async #index(id: string, png: Uint8Array, about?: About): Promise<StoredImage> {
    const { request, load, model } = parseReceipt(readPngText(png)[receiptKey] ?? "");
    const image: StoredImage = {
      id,
      job: about?.job ?? null,
      index: about?.index ?? 0,
      prompt: request.prompt,
      negativePrompt: request.negativePrompt,
      seed: request.seed,
      ...request.size,
      model: `${model.name} ${model.version}`,
      modelId: about?.modelId ?? null,
      request,
      load,
      parent: about?.parent ?? null,
      mask: about?.mask ?? null,
      created: about?.created ?? new Date().toISOString(),
      favourite: false,
      trashed: null,
      bytes: png.length,
      colour: await getColour(png),
    };
    this.#images.set(id, image);
    return image;
  }
}

function readFormat(bytes: Uint8Array): Upload["format"] {
  const name = getImageFormat(bytes.subarray(0, FORMAT_BYTES))?.name.toLowerCase();
  if (name === "png" || name === "jpeg" || name === "webp") return name;
  throw new NishikiError("data", `The image: expected PNG, JPEG or WebP, got ${name ?? "something else"}.`);
}

const definedFields = (fields: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );

/** The average colour as #rrggbb. */
async function getColour(png: Uint8Array): Promise<string> {
  const { decodeImage } = await import("../image/node.js");
  const { data } = await decodeImage(png);
  const sums = [0, 0, 0];
  for (let i = 0; i < data.length; i++) sums[i % 3]! += data[i]!;
  const hex = sums.map((sum) =>
    Math.round((3 * sum) / data.length)
      .toString(16)
      .padStart(2, "0"),
  );
  return `#${hex.join("")}`;
}
