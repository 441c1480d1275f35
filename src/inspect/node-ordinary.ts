// The pull of ordinary prompts, measured once for a model and kept in the cache folder (node).
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { getWeightCache, makeFolder, writeFileAtomic } from "../checkpoint/node.js";
import type { ImageRequest } from "../pipeline/index.js";
import { parse, z } from "../schema/index.js";
import type { DrawingPipeline } from "./explain-progress.js";
import { measureFirstPull, type OrdinaryPull } from "./first-pull.js";

const fileSchema = z.object({
  format: z.literal(1),
  prompts: z.array(z.object({ prompt: z.string(), pull: z.number().min(0) })),
});

/** What the pull of a prompt depends on, beside the prompt. */
async function getFile(pipeline: DrawingPipeline, request: ImageRequest): Promise<string> {
  const { weights, load } = await pipeline.environment();
  const { size } = pipeline.complete(request);
  const key = createHash("sha256")
    .update(JSON.stringify([pipeline.model, Object.entries(weights).sort(), load, size]))
    .digest("hex");
  return join(getWeightCache(), "pulls", `${key.slice(0, 32)}.json`);
}

async function readKnown(path: string): Promise<readonly OrdinaryPull[]> {
  try {
    return parse(fileSchema, JSON.parse(await readFile(path, "utf8")), { name: "the pulls" }).prompts;
  } catch {
    return []; // Measured again.
  }
}

/**
 * The pull of these prompts: known ones at once, others for one guided evaluation each.
 * @throws NishikiError as `generate` does
 */
export async function getOrdinaryPulls(
  pipeline: DrawingPipeline,
  request: ImageRequest,
  prompts: readonly string[],
  signal?: AbortSignal,
): Promise<readonly OrdinaryPull[]> {
  const path = await getFile(pipeline, request);
  const known = new Map((await readKnown(path)).map(({ prompt, pull }) => [prompt, pull]));
  const missing = prompts.filter((prompt) => !known.has(prompt));
  for (const [i, prompt] of missing.entries())
    known.set(prompt, await measureFirstPull(pipeline, request, prompt, { seed: 1000 + i, signal }));
  if (missing.length > 0) {
    const all = [...known].map(([prompt, pull]) => ({ prompt, pull }));
    await makeFolder(join(path, ".."))
      .then(() => writeFileAtomic(path, Buffer.from(JSON.stringify({ format: 1, prompts: all }))))
      .catch(() => undefined); // A cache that cannot be written is measured again.
  }
  return prompts.map((prompt) => ({ prompt, pull: known.get(prompt)! }));
}
