// What a model's files say about it, read in the drawing process.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { LoadOptions } from "../../pipeline/index.js";
import { describeModel, embeddedModel, getModelFamily } from "../../pipeline/node.js";
import type { ModelFacts } from "./protocol.js";

/** The load options that clients of the server choose by ids. */
const offered: Readonly<Record<string, string>> = {
  lora: "lora",
  embedding: "embedding",
  vae: "vae",
  precision: "precision",
};

/** Tokens that a family's text encoder reads at a time. */
const tokenLimits: Readonly<Record<string, number>> = { nishiki: 512, "stable-diffusion": 77 };

/** @throws NishikiError "file", "checkpoint" */
export async function readModelFacts({ model = embeddedModel }: LoadOptions): Promise<ModelFacts> {
  const [{ id, loadOptions }, { what, memory }, bytes] = await Promise.all([
    getModelFamily(model),
    describeModel(model),
    countBytes(model),
  ]);
  return {
    family: id,
    what,
    bytes,
    memory: memory ?? null,
    loadOptions: loadOptions.flatMap((name) => offered[name] ?? []),
    tokenLimit: tokenLimits[id] ?? null,
  };
}

/** Size of a file, or of all files in a folder. */
async function countBytes(path: string): Promise<number> {
  const entry = await stat(path).catch(() => undefined); // A broken link has no size.
  if (!entry?.isDirectory()) return entry?.size ?? 0;
  const sizes = await Promise.all((await readdir(path)).map((name) => countBytes(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}
