// Pictures of a run for a person to look at.
import { join } from "node:path";
import { writeFileAtomic } from "../checkpoint/node.js";
import { encodePng, type Picture } from "../image/index.js";

/** Writes the sheet of a step, and the same as the latest one. */
export async function writeSheet(folder: string, step: number, sheet: Picture): Promise<void> {
  const png = encodePng(sheet);
  await writeFileAtomic(join(folder, `samples-${String(step).padStart(7, "0")}.png`), png);
  await writeFileAtomic(join(folder, "samples.png"), png);
}
