// A run's moving averages in a file of their own, for as long as a model is made of them.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeSafetensors } from "../checkpoint/node.js";
import { tensorsOf } from "./checkpoint.js";
import type { State } from "./initial-state.js";

/** Writes `averages.safetensors` into a run's folder, and takes it away again after `work`. */
export async function withAverages<T>(
  folder: string,
  averages: State,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const path = join(folder, "averages.safetensors");
  await writeSafetensors(path, tensorsOf(averages));
  try {
    return await work(path);
  } finally {
    await rm(path, { force: true });
  }
}
