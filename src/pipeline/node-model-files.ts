// What lies at a model's path, as far as telling families apart needs it (node). Nothing is refused here.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { readJson } from "../checkpoint/node.js";

/** A folder or a file that may be a model. */
export interface ModelFiles {
  readonly path: string;
  readonly kind: "folder" | "file" | "nothing";
  /** Names of a folder's entries. */
  readonly entries: ReadonlySet<string>;
  /** The class of pipeline that a `model_index.json` names; "" where it cannot be read. */
  readonly pipelineClass?: string;
}

/** Looks at a path, which need not exist. */
export async function readModelFiles(path: string): Promise<ModelFiles> {
  const entry = await stat(path).catch(() => undefined);
  if (!entry?.isDirectory()) return { path, kind: entry ? "file" : "nothing", entries: new Set() };
  const entries = new Set(await readdir(path).catch(() => []));
  if (!entries.has("model_index.json")) return { path, kind: "folder", entries };
  const index = await readJson(join(path, "model_index.json")).catch(() => ({}) as Record<string, unknown>);
  const { _class_name: name } = index;
  return { path, kind: "folder", entries, pipelineClass: typeof name === "string" ? name : "" };
}
