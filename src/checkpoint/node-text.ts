// Reads small files and folders whole; system errors become sentences (node).
import { readdir, readFile } from "node:fs/promises";
import { fileError } from "./node-atomic.js";

/** Reads a file's text as UTF-8. @throws NishikiError "file" that names it and the reason */
export async function readTextFile(path: string): Promise<string> {
  return readFile(path, "utf8").catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
}

/** Lists the names in a folder, sorted. @throws NishikiError "file" that names it and the reason */
export async function listNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw fileError(error, `read the folder ${folder}`);
  });
  return names.sort();
}
