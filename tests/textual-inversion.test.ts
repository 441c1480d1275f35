// Textual inversions: a word that was taught the vectors of other words draws what those draw.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSafetensors, openStableDiffusion, writeSafetensors } from "../src/checkpoint/node.js";
import { loadPipeline } from "../src/index.js";
import { loadClipFolder } from "../src/tokenizer/node-clip.js";

const golden = (name: string) => fileURLToPath(new URL(`./golden/pipelines/${name}`, import.meta.url));

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nishiki-embedding-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** The vectors that a model's text encoder has for the tokens of a text. */
async function vectorsOf(model: string, text: string, second = false) {
  const { textEncoder, textEncoder2, tokenizers } = await openStableDiffusion(golden(model));
  const place = tokenizers[second ? 1 : 0]!;
  if (!("folder" in place)) throw new Error("the golden models have tokenizers");
  const ids = (await loadClipFolder(place.folder)).encode(text);
  const name = "text_model.embeddings.token_embedding.weight";
  const { file, shape } = (second ? textEncoder2! : textEncoder).weights.get(name)!;
  const table = await (await openSafetensors(file)).readFloat32(await nameIn(file));
  const width = shape[1]!;
  const data = Float32Array.from(ids.flatMap((id) => [...table.subarray(id * width, (id + 1) * width)]));
  return { shape: [ids.length, width], data };
}

async function nameIn(file: string): Promise<string> {
  const { tensors } = await openSafetensors(file);
  return [...tensors.keys()].find((name) => name.endsWith("token_embedding.weight"))!;
}

async function write(
  name: string,
  tensors: Readonly<Record<string, { shape: number[]; data: Float32Array }>>,
) {
  const path = join(root, name);
  const list = Object.entries(tensors).map(([key, { shape, data }]) => ({
    name: key,
    dtype: "f32" as const,
    shape,
    data,
  }));
  await writeSafetensors(path, list);
  return path;
}

async function draw(model: string, prompt: string, embedding: readonly string[]): Promise<Uint8Array> {
  const pipeline = await loadPipeline({ model: golden(model), threads: 1, embedding });
  try {
    for await (const event of pipeline.generate({ prompt, seed: 1, steps: 2, size: "64x64" })) {
      if (event.kind === "image") return event.pixels;
    }
    throw new Error("no picture came");
  } finally {
    await pipeline.dispose();
  }
}

describe("a learned word", () => {
  it("draws what its vectors draw, named by its tensor or by its file", async () => {
    const vectors = await vectorsOf("sd1", "cat toy");
    expect(vectors.shape[0]).toBeGreaterThan(1);
    const byTensor = await write("one.safetensors", { "<toy>": vectors });
    const byFile = await write("my-toy.safetensors", { emb_params: vectors });
    const packed = await write("webui-toy.safetensors", {
      "string_to_param.*": vectors,
      "string_to_token.*": { shape: [1], data: new Float32Array(1) },
    });
    const expected = await draw("sd1", "a cat toy on grass", []);
    expect(await draw("sd1", "a webui-toy on grass", [packed])).toEqual(expected);
    expect(await draw("sd1", "a <toy> on grass", [byTensor])).toEqual(expected);
    expect(await draw("sd1", "a my-toy on grass", [byTensor, byFile])).toEqual(expected);
    expect(await draw("sd1", "a <toy> on grass", [])).not.toEqual(expected);
  });

  it("has vectors for both text encoders of XL", async () => {
    const file = await write("xl.safetensors", {
      clip_l: await vectorsOf("xl", "cat"),
      clip_g: await vectorsOf("xl", "cat", true),
    });
    expect(await draw("xl", "an xl on grass", [file])).toEqual(await draw("xl", "an cat on grass", []));
  });
});

describe("a textual inversion", () => {
  it("is refused where it does not fit, or is none", async () => {
    const load = (model: string, ...embedding: string[]) => loadPipeline({ model: golden(model), embedding });
    const vectors = await vectorsOf("sd1", "cat");
    const good = await write("good.safetensors", { emb_params: vectors });
    await expect(load("xl", good)).rejects.toThrow(
      /^The textual inversion good.safetensors was made for another model/,
    );
    await expect(load("sd1", good, good)).rejects.toThrow(/two files define the word "good"/);
    await expect(load("sd1", await write("two.safetensors", { a: vectors, b: vectors }))).rejects.toThrow(
      /is not a textual inversion: expected one tensor/,
    );
    await expect(load("sd1", join(root, "old.pt"))).rejects.toThrow(/it is a pickle/);
    await expect(load("sd1", join(root, "nowhere.safetensors"))).rejects.toMatchObject({ code: "file" });
  });

  it("is reported if no prompt contains its word", async () => {
    const { data, shape } = await vectorsOf("sd1", "cat");
    const file = await write("toy.safetensors", { "<toy>": { shape, data } });
    const pipeline = await loadPipeline({ model: golden("sd1"), threads: 1, embedding: [file] });
    const warningsOf = async (request: { prompt: string; negativePrompt?: string }) => {
      const warnings: string[] = [];
      for await (const event of pipeline.generate({ ...request, seed: 1, steps: 1, size: "64x64" }))
        if (event.kind === "warning" && event.message.includes("embedding")) warnings.push(event.message);
      return warnings;
    };
    try {
      expect(await warningsOf({ prompt: "a toy cat" })).toEqual([
        'The embedding "toy.safetensors" has no effect: no prompt contains its word "<toy>". Add the word to a prompt.',
      ]);
      expect(await warningsOf({ prompt: "a <toy> cat" })).toEqual([]);
      expect(await warningsOf({ prompt: "a cat", negativePrompt: "<TOY>" })).toEqual([]);
    } finally {
      await pipeline.dispose();
    }
  });
});
