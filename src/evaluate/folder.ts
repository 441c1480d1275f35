// The folder of an evaluation: one model, one plan. Another call may go on with it, but not with something else.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError, makeFolder, writeFileAtomic } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";

export function picturesFolder(output: string): string {
  return join(output, "pictures");
}

/** @throws NishikiError "file" where the folder holds the images of other settings */
export async function claimFolder(output: string, settings: object): Promise<void> {
  const path = join(output, "evaluation.json");
  const text = `${JSON.stringify(settings, null, 2)}\n`;
  const found = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw fileError(error, `read ${path}`);
  });
  if (found === text) return;
  if (found !== undefined) {
    const what =
      "holds the pictures of another evaluation (another model, seed, number of prompts or setting)";
    throw new NishikiError("file", `${output} ${what}. Name another folder with --output, or delete it.`);
  }
  await makeFolder(output);
  await writeFileAtomic(path, text);
}
