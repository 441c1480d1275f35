// Inspects a model's path just enough to detect its family (node). Never throws.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { readJson } from "../checkpoint/node.js";

/** A folder or a file that may be a model. */
export interface ModelFiles {
  readonly path: string;
  readonly kind: "folder" | "file" | "nothing";
  /** Names of a folder's entries. */
  readonly entries: ReadonlySet<string>;
  /** The pipeline class in `model_index.json`; "" if it cannot be read. */
  readonly pipelineClass?: string;
}

/** Inspects a path, which need not exist. */
export async function readModelFiles(path: string): Promise<ModelFiles> {
  const entry = await stat(path).catch(() => undefined);
  if (!entry?.isDirectory()) return { path, kind: entry ? "file" : "nothing", entries: new Set() };
  const entries = new Set(await readdir(path).catch(() => []));
  if (!entries.has("model_index.json")) return { path, kind: "folder", entries };
  const index = await readJson(join(path, "model_index.json")).catch(() => ({}) as Record<string, unknown>);
  const { _class_name: name } = index;
  return { path, kind: "folder", entries, pipelineClass: typeof name === "string" ? name : "" };
}
