// The cache of prepared weights: its entries and their size limit (node).
import { readdir, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { NishikiError, quote } from "../errors.js";
import { fileError, systemCode } from "./node-atomic.js";
import { openSafetensors } from "./node-file.js";
import { expandHome } from "./node-folder.js";

type Variables = Readonly<Record<string, string | undefined>>;

/** Gets the cache's folder: NISHIKI_CACHE, else `nishiki` in XDG_CACHE_HOME or ~/.cache. */
export function getWeightCache(variables: Variables = process.env): string {
  const base = variables.XDG_CACHE_HOME || join(homedir(), ".cache");
  return expandHome(variables.NISHIKI_CACHE || join(base, "nishiki"));
}

export const getInt8Folder = (cache: string): string => join(cache, "int8");

const gigabyte = 1e9;

/**
 * Reads the cache's limit in bytes: NISHIKI_CACHE_LIMIT in gigabytes, 10 by default. @throws NishikiError
 * "usage"
 */
export function getCacheLimit(variables: Variables = process.env): number {
  const text = variables.NISHIKI_CACHE_LIMIT;
  if (!text) return 10 * gigabyte;
  const limit = Number(text);
  if (Number.isFinite(limit) && limit >= 0) return limit * gigabyte;
  throw new NishikiError("usage", `NISHIKI_CACHE_LIMIT: expected gigabytes, such as 10, got ${quote(text)}.`);
}

/** Weights prepared from one file. */
export interface PreparedWeights {
  /** Hash of the source. */
  readonly hash: string;
  /** The source file, if known. */
  readonly file: string | undefined;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly lastUsed: number;
}

const preparedName = /^([0-9a-z]+)(?:\.(?:codes|rest))?\.safetensors$/;

/** Lists the cache's entries, least recently used first. @throws NishikiError "file" */
export async function listWeightCache(cache: string): Promise<readonly PreparedWeights[]> {
  const folder = getInt8Folder(cache);
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw fileError(error, `read the folder ${folder}`);
  });
  const prepared = new Map<string, PreparedWeights>();
  for (const name of names) {
    const hash = preparedName.exec(name)?.[1];
    const entry = hash === undefined ? undefined : await stat(join(folder, name)).catch(() => undefined);
    if (hash === undefined || !entry) continue;
    const before = prepared.get(hash);
    const opened = await openSafetensors(join(folder, name)).catch(() => undefined);
    prepared.set(hash, {
      hash,
      file: before?.file ?? opened?.metadata.file,
      bytes: (before?.bytes ?? 0) + entry.size,
      lastUsed: Math.max(before?.lastUsed ?? 0, entry.mtimeMs),
    });
  }
  return [...prepared.values()].sort((a, b) => a.lastUsed - b.lastUsed || (a.hash < b.hash ? -1 : 1));
}

async function remove(cache: string, { hash }: PreparedWeights): Promise<void> {
  for (const end of ["rest.safetensors", "codes.safetensors", "safetensors"]) {
    const path = join(getInt8Folder(cache), `${hash}.${end}`);
    await rm(path, { force: true }).catch((error: unknown) => {
      throw fileError(error, `remove ${path}`);
    });
  }
}

/** Empties the cache. @returns The removed entries. @throws NishikiError "file" */
export async function clearWeightCache(cache: string): Promise<readonly PreparedWeights[]> {
  const all = await listWeightCache(cache);
  for (const prepared of all) await remove(cache, prepared);
  return all;
}

/**
 * Evicts the least recently used entries until the cache takes at most `limit` bytes; never evicts `keep`.
 * @throws NishikiError "file"
 */
export async function trimWeightCache(cache: string, limit: number, keep: string): Promise<void> {
  const all = await listWeightCache(cache);
  let total = all.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const prepared of all) {
    if (total <= limit) return;
    if (prepared.hash === keep) continue;
    await remove(cache, prepared);
    total -= prepared.bytes;
  }
}
