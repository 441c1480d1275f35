// Opens an IP-Adapter as it is published (node): one .safetensors file with the projection of images to tokens, and the keys
// and values of the denoiser's cross-attentions by number. Facts of tencent-ailab/IP-Adapter's files.
import { basename, dirname, join } from "node:path";
import { listSome, NishikiError, quote } from "../errors.js";
import { checkReadable, refuseOtherFormats } from "./node-component.js";
import { openWeights, type Weights } from "./node-weights.js";

export interface OpenedIpAdapter {
  readonly file: string;
  /** All tensors, by their names in the file: "image_proj.…" and "ip_adapter.1.to_k_ip.weight". */
  readonly weights: Weights;
  /** Cross-attentions that it has keys and values for; they are numbered 1, 3, 5 and so on. */
  readonly attentions: number;
}

/** Whether tensors are an IP-Adapter's. */
export const isIpAdapter = (names: Iterable<string>): boolean =>
  [...names].some((name) => /^ip_adapter\.\d+\.to_k_ip\.weight$/.test(name));

/** Adapters for embeddings of faces, which another program's networks make. */
const facePrefix = /^image_proj\.(perceiver_resampler\.|norm\.weight$)|^ip_adapter\.\d+\.to_[qkv]_lora\./;

function findReason(weights: Weights): string | undefined {
  const names = [...weights.keys()];
  if (!isIpAdapter(names)) {
    const some = listSome(names.map(quote), 3);
    return `expected an IP-Adapter, with tensors such as ip_adapter.1.to_k_ip.weight, got ${some}`;
  }
  const isFace = names.some((name) => facePrefix.test(name)) && !weights.has("image_proj.proj.weight");
  if (isFace)
    return "it is an IP-Adapter FaceID, which takes face embeddings of InsightFace; use a plain or Plus one";
  return undefined;
}

/** Opens an IP-Adapter; reads only the header. @throws NishikiError "file", "checkpoint" */
export async function openIpAdapter(file: string): Promise<OpenedIpAdapter> {
  refuseOtherFormats(file);
  const weights = await openWeights(file);
  const reason = findReason(weights);
  if (reason !== undefined)
    throw new NishikiError("checkpoint", `${basename(file)} cannot be used: ${reason}.`);
  checkReadable(weights, "the IP-Adapter", file);
  let attentions = 0;
  while (weights.has(`ip_adapter.${2 * attentions + 1}.to_k_ip.weight`)) attentions++;
  return { file, weights, attentions };
}

/** Where publishers put an adapter's image encoder: beside the file, or beside the folder of the other models' adapters. */
export const listEncoderPlaces = (file: string): string[] => [
  join(dirname(file), "image_encoder"),
  join(dirname(file), "..", "models", "image_encoder"),
  join(dirname(file), "..", "image_encoder"),
];
