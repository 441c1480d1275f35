// Makes folders (node). Node's recursive mkdir never returns if the system reports ENOENT for a name in an
// existing folder, as /proc does, and then no signal can stop the process.

import { mkdir, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { NishikiError } from "../errors.js";
import { fileError, systemCode } from "./node-atomic.js";

const reasons: Readonly<Record<string, string>> = {
  EEXIST: "a part of that path is a file, not a folder",
  ENOTDIR: "a part of that path is a file, not a folder",
  ENOENT: "the system does not allow new folders there",
};

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

/** @param mayTryAgain whether a missing parent may be made, or have been made by somebody else meanwhile */
async function makeStep(path: string, mayTryAgain = true): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const code = systemCode(error);
    // Read-only disks and Windows drives report codes other than EEXIST for an existing folder.
    if (code !== "ENOENT" && (await isFolder(path))) return;
    const parent = dirname(path);
    if (code !== "ENOENT" || parent === path || !mayTryAgain) throw error;
    if (!(await isFolder(parent))) await makeStep(parent);
    await makeStep(path, false);
  }
}

/** Expands "~" and "~/…" to the home folder: shells leave them alone in quoted variables. */
export function expandHome(path: string): string {
  return /^~(?=$|[/\\])/.test(path) ? join(homedir(), path.slice(1)) : path;
}

/**
 * Makes a folder and its parents. Leaves an existing folder unchanged.
 *
 * @throws NishikiError `file` that names the folder and the reason: no permission, read-only disk, a file in
 *   the way
 */
export async function makeFolder(path: string): Promise<void> {
  const target = resolve(path);
  try {
    await makeStep(target);
  } catch (error) {
    const reason = reasons[systemCode(error) ?? ""];
    if (reason === undefined) throw fileError(error, `write into ${path}`);
    throw new NishikiError("file", `Cannot write into ${path}: ${reason}.`, { cause: error });
  }
}
