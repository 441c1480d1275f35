// A temporary file with a run's moving averages, from which a model is exported.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeSafetensors } from "../checkpoint/node.js";
import { tensorsOf } from "./checkpoint.js";
import type { State } from "./initial-state.js";

/** Writes `averages.safetensors` to a run's folder and removes it after `work`. */
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
