// Sample sheets of a run.
import { join } from "node:path";
import { writeFileAtomic } from "../checkpoint/node.js";
import { encodePng, type Image } from "../image/index.js";

/** Writes a step's sheet, and a copy as the latest one. */
export async function writeSheet(folder: string, step: number, sheet: Image): Promise<void> {
  const png = encodePng(sheet);
  await writeFileAtomic(join(folder, `samples-${String(step).padStart(7, "0")}.png`), png);
  await writeFileAtomic(join(folder, "samples.png"), png);
}
