import { readFile, writeFile } from "node:fs/promises";

/** Changes one bit of a file, at a place counted from its start (or, where negative, from its end). */
export async function flipBit(path: string, place: number): Promise<void> {
  const bytes = await readFile(path);
  const at = place < 0 ? bytes.length + place : place;
  bytes[at]! ^= 1;
  await writeFile(path, bytes);
}
