// Small files and folders, read whole: what the system says of them comes as a sentence (node).
import { readdir, readFile } from "node:fs/promises";
import { fileError } from "./node-atomic.js";

/** A file's text as UTF-8. @throws NishikiError "file" that names it and the reason */
export async function readTextFile(path: string): Promise<string> {
  return readFile(path, "utf8").catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
}

/** The names in a folder, sorted. @throws NishikiError "file" that names it and the reason */
export async function listNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw fileError(error, `look into ${folder}`);
  });
  return names.sort();
}
