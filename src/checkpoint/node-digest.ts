// Digests of weights, by which a network is recognised whatever file holds it (node).
import { createHash } from "node:crypto";
import type { WeightPlaces } from "../engine/index.js";
import { readWeight, type WeightLocation } from "./node-file.js";

/**
 * Digest of weights: a training must not continue beside other ones, and a LoRA belongs to one encoder's latents.
 * @param prefix includes only tensors whose names start with it
 * @returns 16 hexadecimal digits of a SHA-256 over names and bytes
 */
export async function digestWeights(weights: WeightPlaces, prefix = ""): Promise<string> {
  const hash = createHash("sha256");
  for (const name of [...weights.keys()].filter((each) => each.startsWith(prefix)).sort()) {
    const { data } = await readWeight(weights.get(name) as WeightLocation);
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex").slice(0, 16);
}
