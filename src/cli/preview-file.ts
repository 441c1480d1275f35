// The file of --preview: rewritten after every step, but never over an existing file.
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder, writeFileAtomic } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import { encodePng } from "../image/index.js";
import type { Pixels } from "../pipeline/index.js";

/** Writes a preview of the image. */
export type WritePreview = (pixels: Pixels) => Promise<void>;

/**
 * Checks that the file can be written, before time is spent on drawing.
 * @throws NishikiError "usage" for another kind of file, "file" for one that is there already
 */
export async function preparePreview(path: string, force: boolean): Promise<WritePreview> {
  if (!/\.png$/i.test(path))
    throw new NishikiError("usage", `--preview: expected a file that ends in .png, got ${path}.`);
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (isThere && !force) {
    const cure = "Choose another name, or add --force to replace it";
    throw new NishikiError("file", `--preview: ${path} is already there. ${cure}.`);
  }
  await makeFolder(dirname(path));
  let isOurs = force;
  return async (pixels) => {
    await writeFileAtomic(path, encodePng(pixels), { overwrite: isOurs });
    isOurs = true;
  };
}
