// The terminal's side of the command line: everything printed passes here. Foreign text (metadata, file names, captions)
// may hold escape sequences that move the cursor, rename the window or reverse the reading order; they are shown, not sent.
import { visible } from "../errors.js";

let failure: NodeJS.ErrnoException | undefined;
const listeners = new Set<() => void>();

/** Why standard output takes no more: "EPIPE" where its reader has seen enough. Undefined while it does. */
export function outputFailure(): NodeJS.ErrnoException | undefined {
  return failure;
}

/** Calls `listener` once standard output fails. @returns What takes the listener away again. */
export function onOutputFailure(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

function fail(error: NodeJS.ErrnoException): void {
  failure ??= error;
  for (const listener of listeners) listener();
}

/** Keeps a failing stream from ending the process in the middle of its work. What stderr cannot say is lost. */
export function watchOutput(): void {
  process.stdout.on("error", fail);
  process.stderr.on("error", () => {});
}

/**
 * Writes a result to standard output, control characters shown.
 *
 * @throws the system's error where it cannot be written; `report` turns it into the end of the program
 */
export function print(text: string): Promise<void> {
  return printBytes(visible(text));
}

/** Writes bytes, or a text that must arrive as it is, to standard output. Throws like `print`. */
export function printBytes(data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    if (failure) return reject(failure);
    process.stdout.write(data, (error) => {
      if (!error) return resolve();
      fail(error);
      reject(error);
    });
  });
}

/** Writes a path, one a line. Programs that read it get the very bytes; a terminal does not. */
export function printPath(path: string): Promise<void> {
  return process.stdout.isTTY ? print(`${path}\n`) : printBytes(`${path}\n`);
}
