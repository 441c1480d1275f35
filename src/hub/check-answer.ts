// What a hub says becomes names of files and folders: nothing of it is taken that could lead out of the cache, or let bytes pass for
// others that they are not.
import { NishikiError, quote } from "../errors.js";
import type { HubFile } from "./choose-files.js";

/** An entry of the hub's tree of files, as it comes. */
interface ListedFile {
  readonly path: string;
  readonly size: number;
  readonly oid?: string | undefined;
  readonly lfs?: { readonly oid: string; readonly size: number } | undefined;
}

const sha1 = /^[0-9a-f]{40}$/;
const sha256 = /^[0-9a-f]{64}$/;

/** Whether a path of a repository stays inside of a folder it is joined to, on every system. */
export function isInside(path: string): boolean {
  const steps = path.split("/");
  const isStep = (step: string) => step !== "" && step !== "." && step !== ".." && !/[\\:\p{Cc}]/u.test(step);
  return path.length <= 1000 && steps.every(isStep);
}

function lie(endpoint: string, what: string, value: unknown): NishikiError {
  const shown = quote(typeof value === "string" ? value : String(JSON.stringify(value)));
  return new NishikiError(
    "file",
    `${endpoint} does not answer as a hub does: ${what}, got ${shown}. Nothing was downloaded.`,
  );
}

/** @throws NishikiError "file" where it is no commit's hash. */
export function checkCommit(commit: unknown, endpoint: string): string {
  if (typeof commit === "string" && (sha1.test(commit) || sha256.test(commit))) return commit;
  throw lie(endpoint, "expected a commit's hash of 40 or 64 hexadecimal digits", commit);
}

/**
 * A file as it may be downloaded; undefined for a path that leads elsewhere, which is then as if it were not there.
 * @throws NishikiError "file" for a hash or a size that is none.
 */
export function checkFile({ path, size, oid, lfs }: ListedFile, endpoint: string): HubFile | undefined {
  if (typeof path !== "string" || !isInside(path)) return undefined;
  const bytes = lfs ? lfs.size : size;
  if (!Number.isSafeInteger(bytes) || bytes < 0)
    throw lie(endpoint, `expected the size of ${quote(path)} in bytes`, bytes);
  if (lfs) {
    if (!sha256.test(lfs.oid)) throw lie(endpoint, `expected the SHA-256 of ${quote(path)}`, lfs.oid);
    return { path, size: bytes, sha256: lfs.oid };
  }
  if (typeof oid !== "string" || !sha1.test(oid))
    throw lie(endpoint, `expected git's hash of ${quote(path)}`, oid);
  return { path, size: bytes, oid };
}

/** @throws NishikiError "usage" for a revision that is no branch, tag or commit. */
export function checkRevision(revision: string): string {
  if (isInside(revision)) return revision;
  throw new NishikiError(
    "usage",
    `Expected a branch, a tag or a commit as the revision, got ${quote(revision)}.`,
  );
}
