// nishiki pull: downloads a model from the hub into its cache. Skips files that are already there, whoever
// put them there.
// The hub's library lists files. Its downloads neither resume nor check hashes, so download.ts transfers the
// files.
import { stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import {
  checkRepositoryName,
  findSnapshot,
  getFolders,
  isThere,
  linkBlob,
  modelInSnapshot,
  writeRef,
} from "./cache.js";
import { checkRevision } from "./check-answer.js";
import { type Choice, chooseFiles, type HubFile } from "./choose-files.js";
import { download } from "./download.js";
import type { HubEnvironment } from "./environment.js";
import { makeFetch } from "./fetch.js";
import { hubUrl, listRepository, stopped, type Terms } from "./list-repository.js";

export interface PullOptions extends Choice {
  /** A branch, tag or commit. Default "main". */
  readonly revision?: string;
  readonly environment: HubEnvironment;
  readonly signal?: AbortSignal;
  /** Called once, before any download. */
  onPlan?(plan: PullPlan): void;
  onProgress?(done: number, total: number): void;
}

export interface PullPlan {
  readonly repository: string;
  readonly files: readonly HubFile[];
  /** Bytes of all files, and of those still missing. */
  readonly total: number;
  readonly missing: number;
  readonly cache: string;
  readonly terms: Terms;
  /** The repository's page, where terms are accepted. */
  readonly page: string;
}

export interface Pulled {
  readonly commit: string;
  /** What `--model` accepts (or the path, for a file of another kind). */
  readonly path: string;
  /** Downloaded bytes. */
  readonly downloaded: number;
}

/**
 * Downloads the files that a model needs.
 * @throws NishikiError "usage", "checkpoint" (no supported model), "file" (network, access, hash, disk),
 *   "aborted".
 */
export async function pullModel(name: string, options: PullOptions): Promise<Pulled> {
  const repository = checkRepositoryName(name);
  const { environment } = options;
  const revision = checkRevision(options.revision ?? "main");
  if (environment.offline) return findOffline(repository, revision, environment);
  const { commit, files, terms } = await listRepository(repository, revision, options);
  const chosen = chooseFiles(files, repository, options);
  const folders = getFolders(repository, environment.cache);
  const getBlobPath = (file: HubFile) => join(folders.blobs, (file.sha256 ?? file.oid)!);
  const snapshot = join(folders.snapshots, commit);
  const there = await Promise.all(
    chosen.map(async (file) => ({ file, is: await isWhole(getBlobPath(file), file.size) })),
  );
  const total = chosen.reduce((sum, { size }) => sum + size, 0);
  const toCome = there.filter(({ is }) => !is).map(({ file }) => file);
  const missing = toCome.reduce((sum, { size }) => sum + size, 0);
  const page = `${environment.endpoint ?? hubUrl}/${repository}`;
  options.onPlan?.({ repository, files: chosen, total, missing, cache: environment.cache, terms, page });
  await checkSpace(environment.cache, missing - (await countPartialBytes(toCome, getBlobPath)));
  const hubFetch = await makeFetch();
  let done = total - missing;
  for (const { file, is } of there) {
    if (options.signal?.aborted) throw stopped();
    const blob = getBlobPath(file);
    if (!is) {
      await download(file, {
        url: makeUrl(repository, commit, file.path, environment),
        fetch: hubFetch,
        token: environment.token,
        blob,
        ...(options.signal && { signal: options.signal }),
        onBytes: (count) => {
          done += count;
          options.onProgress?.(done, total);
        },
      });
    }
    await linkBlob(blob, join(snapshot, file.path));
  }
  await writeRef(folders, revision, commit);
  const path = options.file ? join(snapshot, options.file) : ((await modelInSnapshot(snapshot)) ?? snapshot);
  return { commit, path, downloaded: missing };
}

/** Whether a blob exists with the right size; its name is the hash of the content. */
async function isWhole(blob: string, size: number): Promise<boolean> {
  return stat(blob).then(
    (entry) => entry.isFile() && entry.size === size,
    () => false,
  );
}

async function findOffline(repository: string, revision: string, { cache }: HubEnvironment): Promise<Pulled> {
  const snapshot = await findSnapshot(repository, cache, revision);
  const path = snapshot && (await modelInSnapshot(snapshot));
  if (snapshot && path) return { commit: snapshot, path, downloaded: 0 };
  const message = `${repository} is not in the cache (${cache}), and HF_HUB_OFFLINE forbids downloads.`;
  throw new NishikiError("file", message);
}

function makeUrl(repository: string, commit: string, path: string, { endpoint }: HubEnvironment): string {
  const inside = path.split("/").map(encodeURIComponent).join("/");
  return `${endpoint ?? hubUrl}/${repository}/resolve/${commit}/${inside}`;
}

/** Counts the bytes of partial downloads. */
async function countPartialBytes(
  files: readonly HubFile[],
  blobOf: (file: HubFile) => string,
): Promise<number> {
  const sizes = await Promise.all(
    files.map((file) =>
      stat(`${blobOf(file)}.incomplete`).then(
        ({ size }) => Math.min(size, file.size),
        () => 0,
      ),
    ),
  );
  return sizes.reduce((a, b) => a + b, 0);
}

/** Checks the free disk space. @throws NishikiError "file" if the disk has too little. */
export async function checkSpace(cache: string, needed: number): Promise<void> {
  await makeFolder(cache);
  let folder = cache;
  while (!(await isThere(folder)) && dirname(folder) !== folder) folder = dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (needed <= free) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const message = `${gigabytes(needed)} remain to download, but the disk of ${cache} has ${gigabytes(free)} free. Free some space, or set HF_HOME to a folder on another disk.`;
  throw new NishikiError("file", message);
}
