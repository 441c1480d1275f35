// A model whose denoiser sees where things lie takes that from the prompt, where it says so in a form that training had.

import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadPipeline, type Pipeline } from "../src/index.js";
import { readKnownWords, writeKnownWords } from "../src/pipeline/node.js";
import { tinyManifest, writeTinyModel } from "./support/tiny-model.js";

let folder: string;
let seeing: Pipeline;
let blind: Pipeline;

/** Two models of equal weights: the second was never told where things lie, and neither are its inputs. */
async function makeModel(name: string, placement: boolean): Promise<Pipeline> {
  const { parts } = tinyManifest;
  const denoiser = { ...parts.denoiser, config: { ...parts.denoiser.config, placement } };
  const path = await writeTinyModel(join(folder, name), 1, 1, {
    ...tinyManifest,
    parts: { ...parts, denoiser },
  });
  const width = 16;
  const known = await readKnownWords("weights/words.safetensors");
  const rows = (vectors: Float32Array) => new Float32Array((vectors.length / 384) * width);
  await writeKnownWords(join(path, "words.safetensors"), {
    ...known,
    vectors: rows(known.vectors),
    others: rows(known.others),
  });
  const manifest = JSON.parse(await readFile(join(path, "model.json"), "utf8"));
  const sha256 = createHash("sha256")
    .update(await readFile(join(path, "words.safetensors")))
    .digest("hex");
  manifest.words = { file: "words.safetensors", sha256 };
  await writeFile(join(path, "model.json"), JSON.stringify(manifest));
  return loadPipeline({ model: path, threads: 1 });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-placement-"));
  seeing = await makeModel("seeing", true);
  blind = await makeModel("blind", false);
}, 60_000);
afterAll(async () => {
  await seeing?.dispose();
  await blind?.dispose();
  await rm(folder, { recursive: true, force: true });
});

async function draw(pipeline: Pipeline, prompt: string): Promise<Uint8Array> {
  for await (const event of pipeline.generate({ prompt, seed: 0, steps: 2, guidance: 2 }))
    if (event.kind === "image") return event.pixels;
  throw new Error("nothing was drawn");
}

it("draws a cat at its place, and three different things wherever it likes", async () => {
  expect(await draw(seeing, "a cat")).not.toEqual(await draw(blind, "a cat"));
  const many = "a cat, a dog and a house";
  expect(await draw(seeing, many)).toEqual(await draw(blind, many));
});
