// Sizes of models on disk.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Size of a file, or of all files in a folder; a link that leads nowhere has none. */
export async function countBytes(path: string): Promise<number> {
  const entry = await stat(path).catch(() => undefined);
  if (!entry?.isDirectory()) return entry?.size ?? 0;
  const names = await readdir(path).catch(() => [] as string[]);
  const sizes = await Promise.all(names.map((name) => countBytes(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** What changes when a file, or one in a folder, is replaced: sizes and times. */
export async function stampFiles(path: string): Promise<string> {
  const entry = await stat(path).catch(() => undefined);
  if (!entry) return "none";
  if (!entry.isDirectory()) return `${entry.size} ${entry.mtimeMs}`;
  const names = (await readdir(path).catch(() => [] as string[])).sort();
  const stamps = await Promise.all(
    names.map(async (name) => `${name} ${await stampFiles(join(path, name))}`),
  );
  return stamps.join("\n");
}
