import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { type ModelManifest, parseManifest } from "./manifest.js";
import { traceNetworks } from "./programs.js";

type Part = "textEncoder" | "autoencoder" | "denoiser";

async function manifestWith(name: Part, sizes: Record<string, unknown>): Promise<ModelManifest> {
  const path = new URL("../../../../weights/model.json", import.meta.url);
  const manifest = parseManifest(await readFile(path, "utf8"));
  const part = manifest.parts[name];
  const changed = { ...part, config: { ...part.config, ...sizes } };
  return { ...manifest, parts: { ...manifest.parts, [name]: changed } };
}

describe("traceNetworks", () => {
  it.each<[Part, Record<string, unknown>, string]>([
    ["textEncoder", { layers: 1_000_000 }, "layers: expected a whole number from 0 to 200, got 1000000."],
    ["denoiser", { middle: Array(10_000).fill("conv") }, "middle: expected a list of at most 200"],
    ["autoencoder", { decoderBlocks: [2, 9999] }, "decoderBlocks[1]: expected a whole number from 0 to 200"],
    ["denoiser", { widht: 3 }, 'unknown field "widht"; did you mean "widths"?'],
  ])("refuses sizes of %s beyond any network at once: %j", async (part, sizes, message) => {
    const manifest = await manifestWith(part, sizes);
    expect(() => traceNetworks(manifest)).toThrow(`model.json: parts.${part} cannot be built: ${message}`);
  });
});
