// Lists the files of a folder and its subfolders. Follows links, of which a data set may consist, as in the
// hub's cache.

import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileError } from "../checkpoint/node.js";
import type { FolderProblem } from "./open-folder.js";

export interface ListedFiles {
  /** Paths inside the folder, in an order independent of the file system. */
  readonly files: readonly string[];
  /** Unreadable entries: dangling links, folders without permission. */
  readonly problems: readonly FolderProblem[];
}

/** @throws NishikiError `file` if the folder itself cannot be read */
export async function listFiles(folder: string): Promise<ListedFiles> {
  const files: string[] = [];
  const problems: FolderProblem[] = [];
  /** Real paths of the parent folders: a link to one of them would be a cycle. */
  async function visit(inside: string, above: readonly string[]): Promise<void> {
    const path = join(folder, inside);
    const here = await realpath(path);
    if (above.includes(here))
      return void problems.push({ file: inside, reason: "is a link to a folder above it" });
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const name = join(inside, entry.name);
      try {
        const kind = await kindOf(entry, join(folder, name));
        if (kind === "file") files.push(name);
        if (kind === "folder") await visit(name, [...above, here]);
      } catch (error) {
        problems.push({ file: name, reason: reasonOf(fileError(error, "be looked at")) });
      }
    }
  }
  try {
    await visit("", []);
  } catch (error) {
    throw fileError(error, `read the folder ${folder}`);
  }
  return { files: files.sort(), problems };
}

type Kind = "file" | "folder" | "other";

async function kindOf(entry: Dirent, path: string): Promise<Kind> {
  const target = entry.isSymbolicLink() ? await stat(path) : entry;
  return target.isFile() ? "file" : target.isDirectory() ? "folder" : "other";
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // "Cannot be looked at: …" after the file's name.
  return message.replace(/^C/, "c").replace(/\.$/, "");
}
