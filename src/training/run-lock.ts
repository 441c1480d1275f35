// One process in a run's folder at a time: two would overwrite each other's checkpoints.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileError } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";

/** Holds the number of the process that trains in the folder. */
const lockFile = "running.pid";

/**
 * Takes a folder for this process. A lock that a killed process left behind is taken over.
 * @returns Gives the folder free.
 * @throws NishikiError "training" where another process trains there, "file"
 */
export function lockRun(folder: string): () => void {
  const path = join(folder, lockFile);
  const other = ownerOf(path);
  if (other !== undefined && other !== process.pid && isAlive(other)) {
    throw new NishikiError(
      "training",
      `Process ${other} is training in ${folder}: wait for it, stop it, or choose another folder ` +
        `(if no such process trains there, delete ${path}).`,
    );
  }
  try {
    if (other !== undefined) rmSync(path, { force: true });
    writeFileSync(path, `${process.pid}\n`, { flag: "wx" });
  } catch (error) {
    throw fileError(error, `write ${path}`);
  }
  return () => {
    if (ownerOf(path) === process.pid) rmSync(path, { force: true });
  };
}

function ownerOf(path: string): number | undefined {
  try {
    const owner = Number(readFileSync(path, "utf8"));
    return Number.isSafeInteger(owner) && owner > 0 ? owner : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(process_: number): boolean {
  try {
    process.kill(process_, 0); // signal 0 only asks
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // it is there, and another user's
  }
}
