// What is added to a Stable Diffusion model: LoRAs, textual inversions and IP-Adapters. Of LoRAs, only headers and alphas are
// read.

import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { inspectLora, openEmbedding, openIpAdapter } from "../checkpoint/node.js";
import { listSome, quote } from "../errors.js";
import { readIpAdapterConfig } from "../models/index.js";
import { type Description, formatBytes } from "./description.js";

const range = (values: readonly number[], show: (value: number) => string) => {
  const [first, last] = [values[0]!, values.at(-1)!];
  return first === last ? show(first) : `${show(first)} to ${show(last)}`;
};

/** A file, or a folder that one was saved in. @throws NishikiError "file", "checkpoint" */
export async function describeLora(path: string): Promise<Description> {
  const { dialect, fits, parts, kinds, ranks, scales, notes, unknown, unused, file } =
    await inspectLora(path);
  const all = Object.values(parts).reduce((sum, count) => sum + count, 0);
  const each = Object.entries(parts).map(([part, count]) => `${count} of the ${part}`);
  return {
    title: `${path}: LoRA`,
    values: {
      fits: fits ?? "not told by its names and shapes",
      names: dialect,
      layers: `${all} (${each.join(", ")})`,
      kind: kinds.join(", "),
      ...(ranks.length > 0 && { rank: range(ranks, String) }),
      "alpha/rank": range(scales, (scale) => String(Number(scale.toPrecision(4)))),
      size: formatBytes((await stat(file)).size),
      ...(unknown.length > 0 && {
        unknown: `${unknown.length} tensors are not known; without --lora-partial it is refused: ${listSome(unknown.map(quote), 5)}`,
      }),
      ...(unused.length > 0 && { unused: listSome(unused.map(quote), 5) }),
      use: `--lora ${basename(path)}:1`,
    },
    ...(Object.keys(notes).length > 0 && { parts: [{ title: "What it says of itself", values: notes }] }),
  };
}

const families: Readonly<Record<string, string>> = {
  "768": "Stable Diffusion 1.x",
  "1024": "Stable Diffusion 2.x",
  "768,1280": "Stable Diffusion XL",
};

/** @throws NishikiError "file", "checkpoint" */
export async function describeEmbedding(path: string): Promise<Description> {
  const { word, encoders } = await openEmbedding(path);
  const rows = encoders[0]!.rows;
  return {
    title: `${path}: textual inversion`,
    values: {
      word: `"${word}", to be written in prompts`,
      vectors: `${rows}: the word counts as ${rows} token${rows === 1 ? "" : "s"}`,
      width: encoders.map(({ width }) => width).join(" and "),
      fits: families[encoders.map(({ width }) => width).join()] ?? "no published family",
      use: `--embedding ${basename(path)}`,
    },
  };
}

const adapterKinds = { linear: "plain", layers: "Full Face", resampler: "Plus" };

/** @throws NishikiError "file", "checkpoint" */
export async function describeIpAdapter(path: string): Promise<Description> {
  const { weights, attentions } = await openIpAdapter(path);
  const config = readIpAdapterConfig(weights);
  const width = weights.get("ip_adapter.1.to_k_ip.weight")?.shape[1];
  const output = config?.kind === "linear" ? "embeddings of" : "states of width";
  return {
    title: `${path}: IP-Adapter`,
    values: {
      kind: config ? adapterKinds[config.kind] : "not known",
      fits: families[width === 2048 ? "768,1280" : String(width)] ?? "no published family",
      tokens: config ? String(config.tokens ?? "one for each state of the image encoder") : undefined,
      "cross-attentions": String(attentions),
      "image encoder": config && `one with ${output} ${config.inputWidth}`,
      size: formatBytes((await stat(path)).size),
      use: `--ip-adapter ${basename(path)} --image-prompt PICTURE`,
    },
  };
}
