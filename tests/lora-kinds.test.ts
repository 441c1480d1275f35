// Decompositions other than plain LoRA, in the denoiser of a tiny Stable Diffusion, against LyCORIS and PEFT:
// tests/golden/scripts/lora_kinds.py made the files and what the denoiser then gives.
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { makeLoraAdapter, openLora, openSafetensors, openStableDiffusion } from "../src/checkpoint/node.js";
import type { HostTensor } from "../src/engine/index.js";
import { makeEngine } from "../src/engine/node.js";
import { readConditionalUnetConfig } from "../src/models/index.js";
import { traceUnet } from "../src/pipeline/families/stable-diffusion/programs.js";
import { relativeError } from "./support/golden-network.js";

const golden = (name: string) => fileURLToPath(new URL(`./golden/${name}`, import.meta.url));
const engine = makeEngine({ threads: 1 });
afterAll(() => engine.close());

const given = await openSafetensors(golden("lora/expected.safetensors"));
const expected = await openSafetensors(golden("lora/kinds/expected.safetensors"));
const read = async (file: typeof given, name: string): Promise<HostTensor> => ({
  dtype: "f32",
  shape: [...file.tensors.get(name)!.shape],
  data: await file.readFloat32(name),
});

/** What the denoiser gives with a LoRA of this weight. */
async function predict(path: string, weight: number, inPlace: boolean): Promise<HostTensor> {
  const { unet } = await openStableDiffusion(golden("pipelines/sd1"));
  const config = readConditionalUnetConfig(unet.config);
  const { lora, unknown, unused } = await openLora(path);
  expect({ unknown, unused }).toEqual({ unknown: [], unused: [] });
  const adapter = makeLoraAdapter("unet", traceUnet(config).parameters, [{ lora, weight }]);
  expect(adapter.matched.size).toBe(lora.layers.length);
  const session = await engine.load(traceUnet(config, adapter), { weights: unet.weights, inPlace });
  try {
    const inputs = Object.fromEntries(
      await Promise.all(
        ["sample", "timestep", "states"].map(
          async (name) => [name, await read(given, `sd1.${name}`)] as const,
        ),
      ),
    );
    return (await session.run(inputs)).prediction!;
  } finally {
    await session.close();
  }
}

const files = (await readdir(golden("lora/kinds"))).filter((name) => name !== "expected.safetensors");

describe("decompositions", () => {
  it.each(files)("%s is applied as in the reference", async (file) => {
    const reference = await read(expected, file.replace(".safetensors", ""));
    const found = await predict(golden(`lora/kinds/${file}`), 1, file.includes("dora"));
    expect(relativeError(found, reference)).toBeLessThan(1e-5);
    // The change is one that a mistake in the formula would show in.
    expect(relativeError(reference, await read(given, "sd1.plain.prediction"))).toBeGreaterThan(1e-2);
  });

  it.each(files)("%s of weight 0 changes nothing", async (file) => {
    const found = await predict(golden(`lora/kinds/${file}`), 0, false);
    expect(relativeError(found, await read(given, "sd1.plain.prediction"))).toBeLessThan(1e-6);
  });
});
