// Downloads one file of the hub into the cache: resumes a partial file, and checks the hash before accepting
// it.
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError, makeFolder } from "../checkpoint/node.js";
import { NishikiError, showText } from "../errors.js";
import type { HubFile } from "./choose-files.js";
import type { Fetch } from "./fetch.js";

export interface DownloadOptions {
  readonly url: string;
  readonly fetch: Fetch;
  readonly token: string | undefined;
  /** Path of the finished file; a partial one lies beside it as `.incomplete`. */
  readonly blob: string;
  readonly signal?: AbortSignal;
  /** Called with the number of bytes present, including those of an earlier partial download. */
  readonly onBytes?: (count: number) => void;
}

/**
 * The hash of small files is git's, over a header and the content; that of large files covers the content
 * alone.
 */
function makeHash({ sha256, size }: HubFile): Hash {
  return sha256 ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
}

/**
 * Downloads a file.
 * @throws NishikiError "file" (network, disk, wrong hash), "aborted". Keeps the partial download, unless its
 *   hash is wrong.
 */
export async function download(file: HubFile, options: DownloadOptions): Promise<void> {
  const { blob, signal } = options;
  const part = `${blob}.incomplete`;
  try {
    await makeFolder(dirname(blob));
    const hash = makeHash(file);
    const before = await readPart(part, file, hash, options);
    const complete =
      before < file.size || file.size === 0 ? await fetchRest(file, before, hash, options) : hash;
    await finish(file, complete, part, blob);
  } catch (error) {
    if (signal?.aborted) {
      const message = `Stopped; the partial download of ${file.path} is kept. Run the same command to resume.`;
      throw new NishikiError("aborted", message, { cause: error });
    }
    throw error instanceof NishikiError ? error : describe(error, file.path);
  }
}

/** Measures and hashes the partial download. One that is too long belongs to another file. */
async function readPart(
  part: string,
  { size }: HubFile,
  hash: Hash,
  { signal, onBytes }: Pick<DownloadOptions, "signal" | "onBytes">,
): Promise<number> {
  const partStats = await stat(part).catch(() => undefined);
  if (!partStats) return 0;
  if (partStats.size > size) {
    await rm(part);
    return 0;
  }
  for await (const chunk of createReadStream(part, { ...(signal && { signal }) }))
    hash.update(chunk as Buffer);
  onBytes?.(partStats.size);
  return partStats.size;
}

async function fetchRest(
  file: HubFile,
  before: number,
  hash: Hash,
  { url, fetch, token, blob, signal, onBytes }: DownloadOptions,
): Promise<Hash> {
  const headers = {
    ...(token && { Authorization: `Bearer ${token}` }),
    ...(before > 0 && { Range: `bytes=${before}-` }),
  };
  const response = await fetch(url, { headers, ...(signal && { signal }) });
  if (!response.ok || !response.body) {
    throw new NishikiError("file", `${file.path} cannot be downloaded: the hub answered ${response.status}.`);
  }
  // A server without range support sends the whole file again.
  const resumed = before > 0 && response.status === 206;
  const used = resumed || before === 0 ? hash : makeHash(file);
  if (!resumed && before > 0) onBytes?.(-before);
  const handle = await open(`${blob}.incomplete`, resumed ? "a" : "w");
  let size = resumed ? before : 0;
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > file.size) break;
      await handle.writeFile(chunk);
      used.update(chunk);
      onBytes?.(chunk.length);
    }
  } finally {
    await handle.close();
  }
  if (size > file.size) {
    await rm(`${blob}.incomplete`);
    const message = `${showText(file.path)} exceeded the ${file.size} bytes that the hub announced and was discarded. Download it again.`;
    throw new NishikiError("file", message);
  }
  return used;
}

async function finish(file: HubFile, hash: Hash, part: string, blob: string): Promise<void> {
  const { size } = await stat(part);
  if (size < file.size) {
    const message = `The connection ended after ${size} of ${file.size} bytes of ${file.path}. Run the same command to resume.`;
    throw new NishikiError("file", message);
  }
  const expected = file.sha256 ?? file.oid;
  const actual = hash.digest("hex");
  if (expected !== undefined && actual !== expected) {
    await rm(part);
    const message = `${file.path} has a wrong hash (${actual}, expected ${expected}) and was discarded. Download it again.`;
    throw new NishikiError("file", message);
  }
  await rename(part, blob);
}

function describe(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (/^E(NOSPC|DQUOT|ACCES|PERM|ROFS|NOTDIR|FBIG)/.test(code)) return fileError(error, `write ${path}`);
  const cause =
    (error as Error).cause instanceof Error
      ? ((error as Error).cause as Error).message
      : (error as Error).message;
  const message = `The download of ${path} was interrupted (${showText(cause, { limit: 200 })}). Run the same command to resume.`;
  return new NishikiError("file", message, { cause: error });
}
