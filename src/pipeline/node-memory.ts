// How much memory this machine can give to drawing.
import { readFile } from "node:fs/promises";
import { freemem, totalmem } from "node:os";

export interface Memory {
  readonly total: number;
  /** What programs can have without swapping. */
  readonly free: number;
}

/** The machine's memory, or the limit of the container that this runs in. */
export async function readMemory(): Promise<Memory> {
  const limit = process.constrainedMemory?.();
  const total = limit !== undefined && limit > 0 && limit < totalmem() ? limit : totalmem();
  return { total, free: Math.min(total, await readAvailable()) };
}

/** Linux counts its file cache as used, although it gives it back at once. */
async function readAvailable(): Promise<number> {
  const text = await readFile("/proc/meminfo", "utf8").catch(() => "");
  const [, kilobytes] = /^MemAvailable:\s+(\d+) kB/m.exec(text) ?? [];
  return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
}
