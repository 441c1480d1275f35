// Whole pipelines against diffusers: the same seed, the same words, the same pictures to begin from, and the latents that
// come out. tests/golden/scripts/pipelines.py made them; the files' metadata says with which versions.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSafetensors } from "../src/checkpoint/node.js";
import { type PictureRequest, Pipeline, readInputPicture } from "../src/index.js";
import type { Drawing, ModelFamily } from "../src/pipeline/family.js";
import { loadParts } from "../src/pipeline/node.js";

const golden = (name: string) => fileURLToPath(new URL(`./golden/pipelines/${name}`, import.meta.url));

type Case = Omit<PictureRequest, "image" | "mask"> & { readonly image?: boolean; readonly mask?: boolean };

async function readCases(name: string): Promise<readonly (readonly [string, Case])[]> {
  const { metadata } = await openSafetensors(golden(`${name}.safetensors`));
  return Object.entries(JSON.parse(metadata.cases!) as Record<string, Case>);
}

/** A family that keeps the latents that it is asked to decode. */
function listen(family: ModelFamily): { family: ModelFamily; latents: () => Float32Array } {
  let last: Float32Array | undefined;
  const prepare = async (...args: Parameters<ModelFamily["prepare"]>): Promise<Drawing> => {
    const drawing = await family.prepare(...args);
    const decode = (latents: Float32Array) => {
      last = latents;
      return drawing.decode(latents);
    };
    return { ...drawing, decode };
  };
  const { model, context } = family;
  return { family: { model, context, prepare }, latents: () => last! };
}

/** Cases by the names of their files, with the model that draws them. */
const families: Readonly<Record<string, string>> = {
  sd1: "sd1",
  samplers: "sd1",
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
    const heard = listen(parts.family);
    latents = heard.latents;
    pipeline = new Pipeline({ ...parts, family: heard.family });
  });
  afterAll(() => pipeline?.dispose());

  it.each(cases)("%s", async (key, { image, mask, ...asked }) => {
    const request = {
      ...asked,
      ...(image && { image: await readInputPicture(golden("picture.png")) }),
      ...(mask && { mask: await readInputPicture(golden("mask.png")) }),
    };
    for await (const event of pipeline.generate(request)) expect(event.kind).not.toBe("warning");
    const expected = await (await openSafetensors(golden(`${name}.safetensors`))).readFloat32(key);
    const found = latents();
    expect(found).toHaveLength(expected.length);
    const most = Math.max(...expected.map(Math.abs));
    const error = Math.max(...found.map((value, i) => Math.abs(value - expected[i]!))) / most;
    if (process.env.SHOW) console.log(name, key, error.toExponential(1));
    expect(error).toBeLessThan(1e-3);
  });
});
