// Whole pipelines against diffusers: the same seed, the same words, the same images to begin from, and the latents that
// come out. tests/golden/scripts/pipelines.py made them; the files' metadata says with which versions.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSafetensors } from "../src/checkpoint/node.js";
import { type ImageRequest, Pipeline, readInputImage } from "../src/index.js";
import { loadParts } from "../src/pipeline/node.js";
import { getError, listen } from "./support/heard-model.js";

const golden = (name: string) => fileURLToPath(new URL(`./golden/pipelines/${name}`, import.meta.url));

/** A request with the names of the golden files, which stay as they are. */
interface Case {
  readonly prompt: string;
  readonly negative?: string;
  readonly image?: boolean;
  readonly mask?: boolean;
  readonly strength?: number;
  readonly tile?: boolean;
}

async function readCases(name: string): Promise<readonly (readonly [string, Case])[]> {
  const { metadata } = await openSafetensors(golden(`${name}.safetensors`));
  return Object.entries(JSON.parse(metadata.cases!) as Record<string, Case>);
}

/** Cases by the names of their files, with the model that draws them. */
const families: Readonly<Record<string, string>> = {
  sd1: "sd1",
  samplers: "sd1",
  starts: "sd1",
  "lcm-image": "lcm",
  "sd2-v": "sd2-v",
  inpaint: "inpaint",
  lcm: "lcm",
  xl: "xl",
};

describe.each(
  await Promise.all(
    Object.entries(families).map(async ([name, model]) => [name, model, await readCases(name)] as const),
  ),
)("%s against diffusers", (name, model, cases) => {
  let pipeline: Pipeline;
  let latents: () => Float32Array;

  beforeAll(async () => {
    const parts = await loadParts({ model: golden(model), threads: 1 });
    const heard = listen(parts.model);
    latents = heard.latents;
    pipeline = new Pipeline({ ...parts, model: heard.model });
  });
  afterAll(() => pipeline?.dispose());

  it.each(cases)("%s", async (key, { image, mask, negative, strength, tile, ...same }) => {
    const request: ImageRequest = {
      ...same,
      ...(tile && { seamless: tile }),
      ...(negative !== undefined && { negativePrompt: negative }),
      ...(image && { init: { image: await readInputImage(golden("picture.png")), strength } }),
      ...(mask && { inpaint: { mask: await readInputImage(golden("mask.png")), pasteBack: false } }),
    };
    for await (const event of pipeline.generate(request)) expect(event.kind).not.toBe("warning");
    const expected = await (await openSafetensors(golden(`${name}.safetensors`))).readFloat32(key);
    const error = getError(latents(), expected);
    if (process.env.SHOW) console.log(name, key, error.toExponential(1));
    expect(error).toBeLessThan(1e-3);
  });
});
