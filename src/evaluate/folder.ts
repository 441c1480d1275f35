// The folder of an evaluation: one model, one plan. A later call may continue it, but only with the same
// settings.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError, makeFolder, writeFileAtomic } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";

export function picturesFolder(output: string): string {
  return join(output, "pictures");
}

/** @throws NishikiError "file" if the folder holds images drawn with other settings */
export async function claimFolder(output: string, settings: object): Promise<void> {
  const path = join(output, "evaluation.json");
  const text = `${JSON.stringify(settings, null, 2)}\n`;
  const existing = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw fileError(error, `read ${path}`);
  });
  if (existing === text) return;
  if (existing !== undefined) {
    const reason =
      "holds images of another evaluation: the model, seed, number of prompts or a setting differs";
    throw new NishikiError("file", `${output} ${reason}. Choose another folder with --output, or delete it.`);
  }
  await makeFolder(output);
  await writeFileAtomic(path, text);
}
