// Makes the index of a folder again while no server uses it.
import { stat } from "node:fs/promises";
import { NishikiError } from "../../errors.js";
import { openDatabase } from "../database/index.js";
import { getLibraryFolder } from "./folder.js";
import { FolderLibrary } from "./library.js";
import type { ScanResult } from "./scan.js";

/** @throws NishikiError "database" if a server uses the folder; "file" */
export async function reindexFolder(
  folder: string,
  onProgress?: (done: number, all: number) => void,
): Promise<ScanResult> {
  const { images } = getLibraryFolder(folder);
  const isLibrary = await stat(images).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  // A mistyped path must not become a new library.
  if (!isLibrary)
    throw new NishikiError("file", `There is no library in ${folder}: it has no folder "images".`);
  const database = await openDatabase({ folder });
  try {
    const library = await FolderLibrary.open({ folder, database, watch: false });
    try {
      return await library.scan({ all: true, ...(onProgress && { onProgress }) });
    } finally {
      await library.close();
    }
  } finally {
    await database.close();
  }
}
