// Files that a user names.
import { open } from "node:fs/promises";
import { fileError } from "../checkpoint/node.js";

/** The first bytes of a file, fewer where it is shorter. @throws NishikiError "file" with the reason in words. */
export async function readStart(path: string, length: number): Promise<Uint8Array> {
  try {
    const handle = await open(path, "r");
    try {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(length), 0, length, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileError(error, `read ${path}`);
  }
}
