// Brings the index in line with the files: reads images that it does not know, drops those whose files are gone. Whatever lies
// in the folder, nothing stops it: what is no image or is damaged is left out, and links are not followed.
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { removeAbandoned } from "../../checkpoint/node.js";
import type { StoredImage } from "../api/index.js";
import { describeFile } from "./describe-file.js";
import { type Drawn, readDrawn, readDrawnFromJobs } from "./drawn-journal.js";
import { getFormatByName, type LibraryFolder } from "./folder.js";
import { type ImageIndex, type IndexedImage, unknownColour } from "./image-index.js";
import type { MarkJournal } from "./marks.js";

export interface ScanOptions {
  readonly folder: LibraryFolder;
  readonly index: ImageIndex;
  readonly marks: MarkJournal;
  /** Also read files that the index knows. */
  readonly all: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, all: number) => void;
}

/** The deepest folder below `images`, and the largest file that is read. */
const [deepest, largestFile] = [8, 256 * 2 ** 20];
/** Rows that are written at once. */
const batchSize = 100;

export interface ScanResult {
  readonly images: number;
  readonly added: readonly StoredImage[];
  readonly removed: readonly string[];
  /** Files that look like images and cannot be read. */
  readonly unreadable: readonly string[];
}

/** @throws NishikiError "file" if the library's own folder cannot be read */
export async function scanImages(options: ScanOptions): Promise<ScanResult> {
  const { folder, index, onProgress, signal } = options;
  const found = await listFiles(folder.root);
  // The journals know more, such as gaps in a job; what they say of a job counts.
  const fromJobs = options.all ? await readDrawnFromJobs(folder.jobs).catch(() => []) : [];
  const drawn = await readAllDrawn(folder.root, found.folders, fromJobs);
  await index.putJobImages(drawn.all.map(({ image, job, index }) => ({ image, job, index })));
  const result = { added: [] as StoredImage[], removed: [] as string[], unreadable: [] as string[] };
  const seen = new Set<string>();
  let done = 0;
  for (const [path, files] of found.folders) {
    const known = await index.folder(path);
    const batch: IndexedImage[] = [];
    for (const file of files) {
      if (signal?.aborted) break;
      const image = await readImage(file, known, drawn.latest, seen, options);
      if (image === "unreadable") result.unreadable.push(file);
      else if (image) batch.push(image);
      if (batch.length >= batchSize) await flush(batch, options, result);
      if (++done % batchSize === 0) onProgress?.(done, found.count);
    }
    await flush(batch, options, result);
  }
  if (!signal?.aborted)
    result.removed.push(...(await removeMissing(folder.root, found.folders, seen, index)));
  onProgress?.(found.count, found.count);
  return { ...result, images: seen.size };
}

async function flush(batch: IndexedImage[], { index }: ScanOptions, result: { added: StoredImage[] }) {
  await index.put(await keepJobs(batch, index));
  // Kept small: a library of a hundred thousand images is read for the first time through here.
  if (result.added.length < 1000) result.added.push(...batch.map(({ image }) => image));
  batch.length = 0;
}

/** An image that was stored after the journals were read has its job in the index already. */
async function keepJobs(batch: readonly IndexedImage[], index: ImageIndex): Promise<IndexedImage[]> {
  const jobless = batch.filter(({ image }) => image.job === null).map(({ image }) => image.id);
  if (jobless.length === 0) return [...batch];
  const known = new Map((await index.getAll(jobless)).map((image) => [image.id, image]));
  return batch.map((entry) => {
    const before = known.get(entry.image.id);
    if (!before || before.job === null) return entry;
    const { job, index: place, modelId, parent, mask, created } = before;
    return { ...entry, image: { ...entry.image, job, index: place, modelId, parent, mask, created } };
  });
}

type Known = ReadonlyMap<string, { readonly id: string; readonly stamp: string }>;

/** @returns undefined if there is nothing to do: the index knows it, or a copy of it was read already */
async function readImage(
  path: string,
  known: Known,
  drawn: ReadonlyMap<string, Drawn>,
  seen: Set<string>,
  { folder, marks, all }: ScanOptions,
): Promise<IndexedImage | "unreadable" | undefined> {
  try {
    const file = join(folder.root, path);
    const entry = await lstat(file);
    if (!entry.isFile() || entry.size > largestFile) return "unreadable";
    const stamp = getStamp(entry);
    const before = known.get(path);
    if (!all && before?.stamp === stamp && !seen.has(before.id)) {
      seen.add(before.id);
      return undefined;
    }
    const description = describeFile(await readFile(file));
    if (!description) return "unreadable";
    if (seen.has(description.id)) return undefined;
    seen.add(description.id);
    const about = drawn.get(description.id);
    const image: StoredImage = {
      ...description,
      job: about?.job ?? null,
      index: about?.index ?? 0,
      modelId: about?.modelId ?? null,
      parent: about?.parent ?? null,
      mask: about?.mask ?? null,
      created: about?.created ?? new Date(Math.min(entry.mtimeMs, Date.now())).toISOString(),
      ...marks.get(description.id),
      colour: unknownColour,
    };
    return { image, path, stamp };
  } catch {
    return "unreadable";
  }
}

export function getStamp({ size, mtimeMs }: { readonly size: number; readonly mtimeMs: number }): string {
  return `${size} ${Math.trunc(mtimeMs)}`;
}

/** Drops images whose files are gone. One that was stored since the files were listed is still there. */
async function removeMissing(
  root: string,
  folders: ReadonlyMap<string, readonly string[]>,
  seen: ReadonlySet<string>,
  index: ImageIndex,
): Promise<string[]> {
  const removed: string[] = [];
  for (const path of new Set([...folders.keys(), ...(await index.folders())]))
    for (const [file, { id }] of await index.folder(path)) {
      const isNew = !folders.get(path)?.includes(file) && (await isPlainFile(join(root, file)));
      if (!seen.has(id) && !isNew) removed.push(id);
    }
  await index.remove(removed);
  return removed;
}

const isPlainFile = (path: string) =>
  lstat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );

/** Files that may be images by their folders, as paths below the library's folder. */
async function listFiles(root: string): Promise<{ folders: Map<string, string[]>; count: number }> {
  const folders = new Map<string, string[]>();
  let count = 0;
  const visit = async (path: string, depth: number): Promise<void> => {
    const entries = await readdir(join(root, path), { withFileTypes: true }).catch((error: unknown) => {
      if (depth === 0) throw error;
      return [];
    });
    // Drafts of a process that was killed.
    if (entries.some(({ name }) => name.endsWith(".tmp")))
      await removeAbandoned(join(root, path)).catch(() => []);
    const files = entries.filter((entry) => entry.isFile() && getFormatByName(entry.name));
    folders.set(path, files.map(({ name }) => `${path}/${name}`).sort());
    count += files.length;
    for (const entry of entries)
      if (entry.isDirectory() && !entry.name.startsWith(".") && depth < deepest)
        await visit(`${path}/${entry.name}`, depth + 1);
  };
  await visit("images", 0);
  return { folders, count };
}

/** What the journals of all folders say; of several jobs that drew an image, the latest is its job. */
async function readAllDrawn(
  root: string,
  folders: ReadonlyMap<string, readonly string[]>,
  fromJobs: readonly Drawn[],
) {
  const journaled: Drawn[] = [];
  for (const path of folders.keys()) journaled.push(...(await readDrawn(join(root, path)).catch(() => [])));
  const known = new Set(journaled.map(({ job, image }) => `${job} ${image}`));
  const all = [...fromJobs.filter(({ job, image }) => !known.has(`${job} ${image}`)), ...journaled];
  const latest = new Map<string, Drawn>();
  for (const drawn of all) {
    const before = latest.get(drawn.image);
    if (!before || drawn.created >= before.created) latest.set(drawn.image, drawn);
  }
  return { all, latest };
}
