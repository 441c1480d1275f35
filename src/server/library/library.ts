// The library: image files are the truth, the database is an index of them, and a journal holds the user's marks.
import { lstat, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { fileError, makeFolder, removeAbandoned, writeFileAtomic } from "../../checkpoint/node.js";
import { NishikiError } from "../../errors.js";
import { decodePng } from "../../image/index.js";
import type { ImagePage, ImageQuery, StoredImage, Upload } from "../api/index.js";
import type { FileBytes } from "../application.js";
import type { Database, Library } from "../parts.js";
import { readHomeId } from "../queue/keeper.js";
import { describeFile } from "./describe-file.js";
import { recordDrawn } from "./drawn-journal.js";
import {
  getFormatByName,
  type LibraryFolder,
  makeFileName,
  makeLibraryFolder,
  type StoredFormat,
} from "./folder.js";
import { ImageIndex, unknownColour } from "./image-index.js";
import { getIndexSchema, makeTables } from "./index-tables.js";
import { MarkJournal } from "./marks.js";
import { getStamp, type ScanResult, scanImages } from "./scan.js";
import { Thumbnails } from "./thumbnails.js";
import { checkUpload, describeUpload, UploadStore } from "./uploads.js";

export interface LibraryOptions {
  /** The library's folder; made if it does not exist. */
  readonly folder: string;
  readonly database: Database;
  /** Called for images that were found in the folder or deleted from the trash by themselves, in the background. */
  readonly onChange?: (change: { readonly image: StoredImage } | { readonly gone: string }) => void;
  /** Whether a job names an image; without it, uploads stay for ever. */
  readonly isUsed?: (id: string) => Promise<boolean>;
  /** Looks for files that changed while nobody watched, once, in the background; true by default. */
  readonly watch?: boolean;
}

/** Days after which images in the trash, and uploads that nothing uses, are deleted. In milliseconds: how often that is looked at. */
const [trashDays, day] = [30, 24 * 3600 * 1000];

/** Pixels up to which an image's colour is computed at once, in this process: some ten milliseconds. */
const smallImage = 2 ** 18;

type About = Parameters<Library["addDrawn"]>[1];

export class FolderLibrary implements Library {
  readonly folder: LibraryFolder;
  readonly #schema: string;
  readonly #index: ImageIndex;
  readonly #marks: MarkJournal;
  readonly #uploads: UploadStore;
  readonly #thumbnails: Thumbnails;
  readonly #onChange: NonNullable<LibraryOptions["onChange"]>;
  readonly #isUsed: LibraryOptions["isUsed"];
  readonly #stop = new AbortController();
  /** Images that were indexed without a look at their pixels. */
  readonly #colourless = new Set<string>();
  #scanning: Promise<unknown> = Promise.resolve();
  #adding: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    folder: LibraryFolder,
    marks: MarkJournal,
    schema: string,
    { database, onChange, isUsed }: LibraryOptions,
  ) {
    this.folder = folder;
    this.#marks = marks;
    this.#schema = schema;
    this.#index = new ImageIndex(database, schema);
    this.#uploads = new UploadStore(folder.uploads);
    this.#thumbnails = new Thumbnails(folder.thumbnails);
    this.#onChange = onChange ?? (() => {});
    this.#isUsed = isUsed;
  }

  /** @throws NishikiError "file" if the folder cannot be used */
  static async open(options: LibraryOptions): Promise<FolderLibrary> {
    const folder = await makeLibraryFolder(options.folder);
    await removeAbandoned(folder.root);
    const schema = getIndexSchema(options.database, await readHomeId(folder.cache));
    const library = new FolderLibrary(folder, await MarkJournal.open(folder.marks), schema, options);
    await makeTables(options.database, library.#schema);
    await library.#index.applyMarks(library.#marks.entries());
    if (options.watch !== false) library.#watch();
    return library;
  }

  async addDrawn(png: Uint8Array, about: About): Promise<StoredImage> {
    // One after the other: two jobs may bring the same image at once.
    const adding = this.#adding.then(() => this.#addDrawn(png, about));
    this.#adding = adding.catch(() => undefined);
    return adding;
  }

  async #addDrawn(png: Uint8Array, about: About): Promise<StoredImage> {
    const file = describeFile(png);
    if (!file) throw new NishikiError("internal", "A drawn image is not a PNG file.");
    const { job, index, modelId, parent, mask } = about;
    const created = new Date(about.created).toISOString();
    const before = await this.#index.get(file.id);
    if (before?.image.job === job && before.image.index === index && (await this.#exists(before.path)))
      return before.image;
    const path =
      before && (await this.#exists(before.path)) ? before.path : await this.#write(png, file, created);
    const folder = join(this.folder.root, path, "..");
    await recordDrawn(folder, { image: file.id, job, index, parent, mask, modelId, created });
    // Drawn again, so it is wanted again.
    if (this.#marks.get(file.id).trashed !== null) await this.#marks.set([file.id], { trashed: null });
    const colour =
      before && before.image.colour !== unknownColour
        ? before.image.colour
        : await this.#getColour(png, file);
    const image = {
      ...file,
      job,
      index,
      modelId,
      parent,
      mask,
      created,
      ...this.#marks.get(file.id),
      colour,
    };
    const entry = await lstat(join(this.folder.root, path));
    await this.#index.put([{ image, path, stamp: getStamp(entry) }]);
    await this.#index.putJobImages([{ job, index, image: file.id }]);
    return image;
  }

  async #write(png: Uint8Array, file: Pick<StoredImage, "id" | "prompt" | "seed">, created: string) {
    const path = `images/${created.slice(0, 10)}/${makeFileName(file)}`;
    await makeFolder(join(this.folder.images, created.slice(0, 10)));
    await writeFileAtomic(join(this.folder.root, path), png);
    return path;
  }

  async #getColour(png: Uint8Array, { width, height }: { width: number; height: number }): Promise<string> {
    if (width * height > smallImage) return unknownColour;
    const { data, channels } = decodePng(png);
    const sums = [0, 0, 0];
    for (let at = 0; at < data.length; at += channels) for (let c = 0; c < 3; c++) sums[c]! += data[at + c]!;
    const pixels = width * height;
    return `#${sums
      .map((sum) =>
        Math.round(sum / pixels)
          .toString(16)
          .padStart(2, "0"),
      )
      .join("")}`;
  }

  async upload(bytes: Uint8Array): Promise<Upload> {
    const upload = describeUpload(bytes, checkUpload(bytes));
    const drawn = await this.#index.get(upload.id);
    if (drawn && (await this.#exists(drawn.path))) return upload;
    await this.#uploads
      .put(upload, bytes, (path) => this.#thumbnails.make(upload.id, path))
      .catch((error: unknown) => {
        if (error instanceof NishikiError && /decoded/.test(error.message))
          throw new NishikiError("data", error.message, { cause: error });
        throw error;
      });
    return upload;
  }

  images(query: ImageQuery): Promise<ImagePage> {
    return this.#index.page(query);
  }

  async image(id: string): Promise<StoredImage | undefined> {
    return (await this.#index.get(id))?.image;
  }

  imagesOfJob(job: string): Promise<readonly StoredImage[]> {
    return this.#index.ofJob(job);
  }

  async file(id: string): Promise<FileBytes | undefined> {
    const found = await this.#find(id);
    const bytes = found && (await readFile(found.path).catch(() => undefined));
    return bytes && { bytes, type: `image/${found.format}` };
  }

  async has(id: string): Promise<boolean> {
    return (await this.#find(id)) !== undefined;
  }

  async thumbnail(id: string): Promise<FileBytes | undefined> {
    const kept = this.#colourless.has(id) ? undefined : await this.#thumbnails.read(id);
    if (kept) return { bytes: kept, type: "image/webp" };
    const found = await this.#find(id);
    if (!found) return undefined;
    const colour = await this.#thumbnails.make(id, found.path);
    this.#colourless.delete(id);
    await this.#index.setColour(id, colour);
    const bytes = await this.#thumbnails.read(id);
    return bytes && { bytes, type: "image/webp" };
  }

  async mark(id: string, marks: { readonly favourite?: boolean }): Promise<StoredImage | undefined> {
    const before = await this.image(id);
    if (!before || marks.favourite === undefined || marks.favourite === before.favourite) return before;
    await this.#marks.set([id], { favourite: marks.favourite });
    return (await this.#index.mark([id], { favourite: marks.favourite }))[0];
  }

  async trash(ids: readonly string[], trashed: boolean): Promise<readonly StoredImage[]> {
    const time = trashed ? new Date().toISOString() : null;
    const known = await this.#index.getAll([...new Set(ids)]);
    const changing = known.filter((image) => (image.trashed !== null) !== trashed).map(({ id }) => id);
    await this.#marks.set(changing, { trashed: time });
    const changed = new Map(
      (await this.#index.mark(changing, { trashed: time })).map((image) => [image.id, image]),
    );
    return known.map((image) => changed.get(image.id) ?? image);
  }

  emptyTrash(): Promise<readonly string[]> {
    return this.#deleteTrash();
  }

  async #deleteTrash(before?: string): Promise<string[]> {
    const entries = await this.#index.trash(before);
    const deleted: string[] = [];
    for (const { id, path } of entries) {
      await unlink(join(this.folder.root, path)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw fileError(error, `delete ${path}`);
      });
      await unlink(this.#thumbnails.path(id)).catch(() => undefined);
      deleted.push(id);
      if (deleted.length % 100 === 0) await this.#forget(deleted.slice(-100));
    }
    await this.#forget(deleted.slice(deleted.length - (deleted.length % 100)));
    return deleted;
  }

  async #forget(ids: readonly string[]): Promise<void> {
    await this.#marks.set(ids, { favourite: false, trashed: null });
    await this.#index.remove(ids);
  }

  /** Deletes uploads that no job and no image has named, last uploaded before a time. @returns their ids */
  async deleteUnusedUploads(before: Date): Promise<readonly string[]> {
    const isUsed = this.#isUsed;
    if (!isUsed) return [];
    const deleted = await this.#uploads.deleteUnused(
      before,
      async (id) => (await isUsed(id)) || (await this.#index.names(id)),
    );
    for (const id of deleted) await unlink(this.#thumbnails.path(id)).catch(() => undefined);
    return deleted;
  }

  async reindex(onProgress?: (done: number, all: number) => void): Promise<number> {
    return (await this.scan({ all: true, ...(onProgress && { onProgress }) })).images;
  }

  /** Brings the index in line with the files. */
  async scan(
    options: { readonly all?: boolean; onProgress?(done: number, all: number): void } = {},
  ): Promise<ScanResult> {
    const scanning = this.#scanning.then(() =>
      scanImages({
        ...{ folder: this.folder, index: this.#index, marks: this.#marks, signal: this.#stop.signal },
        all: options.all ?? false,
        ...(options.onProgress && { onProgress: options.onProgress }),
      }),
    );
    this.#scanning = scanning.catch(() => undefined);
    const result = await scanning;
    for (const { id } of result.added) this.#colourless.add(id);
    if (!this.#stop.signal.aborted) await this.#index.analyze();
    return result;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    this.#thumbnails.close();
    await Promise.all([this.#adding, this.#scanning, this.#marks.close()]);
  }

  #watch(): void {
    const tidy = async () => {
      const before = new Date(Date.now() - trashDays * day);
      for (const gone of await this.#deleteTrash(before.toISOString())) this.#onChange({ gone });
      await this.deleteUnusedUploads(before);
    };
    const start = async () => {
      const { added, removed } = await this.scan();
      for (const image of added) this.#onChange({ image });
      for (const gone of removed) this.#onChange({ gone });
      await tidy();
    };
    // In the background: what fails here is tried again at the next start.
    void start().catch(() => undefined);
    this.#timer = setInterval(() => void tidy().catch(() => undefined), day);
    this.#timer.unref();
  }

  async #find(id: string): Promise<{ readonly path: string; readonly format: StoredFormat } | undefined> {
    if (!/^[0-9a-f]{64}$/.test(id)) return undefined;
    const drawn = await this.#index.get(id);
    const format = drawn && getFormatByName(drawn.path);
    if (format && (await this.#exists(drawn.path)))
      return { path: join(this.folder.root, drawn.path), format };
    return this.#uploads.find(id);
  }

  /** Whether a path is a plain file: links are not followed. */
  async #exists(path: string): Promise<boolean> {
    return lstat(join(this.folder.root, path)).then(
      (entry) => entry.isFile(),
      () => false,
    );
  }
}
