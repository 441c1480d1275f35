// Checks a hub's answers before they become file names: nothing may lead out of the cache or pass bytes off
// as others.
import { NishikiError, quote } from "../errors.js";
import type { HubFile } from "./choose-files.js";

/** An entry of the hub's file tree, unchecked. */
interface ListedFile {
  readonly path: string;
  readonly size: number;
  readonly oid?: string | undefined;
  readonly lfs?: { readonly oid: string; readonly size: number } | undefined;
}

const sha1 = /^[0-9a-f]{40}$/;
const sha256 = /^[0-9a-f]{64}$/;

/** Whether a repository path stays inside the folder it is joined to, on every system. */
export function isInside(path: string): boolean {
  const steps = path.split("/");
  const isStep = (step: string) => step !== "" && step !== "." && step !== ".." && !/[\\:\p{Cc}]/u.test(step);
  return path.length <= 1000 && steps.every(isStep);
}

function lie(endpoint: string, what: string, value: unknown): NishikiError {
  const actual = quote(typeof value === "string" ? value : String(JSON.stringify(value)));
  return new NishikiError(
    "file",
    `${endpoint} does not answer like a hub: ${what}, got ${actual}. Nothing was downloaded.`,
  );
}

/** Checks a commit hash. @throws NishikiError "file" */
export function checkCommit(commit: unknown, endpoint: string): string {
  if (typeof commit === "string" && (sha1.test(commit) || sha256.test(commit))) return commit;
  throw lie(endpoint, "expected a commit hash of 40 or 64 hexadecimal digits", commit);
}

/**
 * Checks a file entry; undefined for a path that leads out of the folder, which is ignored.
 * @throws NishikiError "file" for an invalid hash or size.
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
    throw lie(endpoint, `expected the git hash of ${quote(path)}`, oid);
  return { path, size: bytes, oid };
}

/** Checks a revision. @throws NishikiError "usage" if it is not a branch, tag or commit. */
export function checkRevision(revision: string): string {
  if (isInside(revision)) return revision;
  throw new NishikiError(
    "usage",
    `Expected a branch, tag or commit as the revision, got ${quote(revision)}.`,
  );
}
