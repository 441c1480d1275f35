// Two thousand damaged files through the readers, in one process: each is read or refused with one of our own errors.

import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import {
  inspectLora,
  isEmbedding,
  openEmbedding,
  openSafetensors,
  openWeights,
} from "../src/checkpoint/node.js";
import { buildSprites, loadSprites, openFolder } from "../src/data/index.js";
import { NishikiError } from "../src/errors.js";
import { decodePng, encodePng, inspectPng, readProvenance } from "../src/image/index.js";
import { decodeImage, inspectImage } from "../src/image/node.js";
import { parseReceipt } from "../src/pipeline/index.js";
import { describeModel, openModel } from "../src/pipeline/node.js";
import { type Random, random } from "../src/random/index.js";
import { loadTrainingConfig } from "../src/training/index.js";
import { mutateBytes, mutateJson } from "./support/mutate.js";
import { writeTinyModel } from "./support/tiny-model.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const golden = (path: string) => fileURLToPath(new URL(`./golden/${path}`, import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-fuzz-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** FUZZ=10 in the environment tries ten times as many. */
const scale = Number(process.env.FUZZ ?? 1);

/** Runs a reader on `count` inputs; what it throws must be ours. */
async function fuzz(name: string, count: number, read: (rng: Random) => Promise<unknown>): Promise<void> {
  let refused = 0;
  for (let number = 0; number < scale * count; number++) {
    try {
      await read(random(number, name));
    } catch (error) {
      refused++;
      const where = `${name}, number ${number}`;
      expect(error, `${where}: ${(error as Error).stack}`).toBeInstanceOf(NishikiError);
      const { code, message } = error as NishikiError;
      expect(code, `${where}: ${message}`).not.toBe("internal");
      expect(message.length, where).toBeLessThan(8000);
    }
  }
  expect(refused, "some must be refused, or nothing is damaged").toBeGreaterThan(0);
}

const pixels = {
  width: 24,
  height: 16,
  channels: 3 as const,
  data: new Uint8Array(24 * 16 * 3).map((_, i) => i),
};

it("PNG", async () => {
  const text = { parameters: "a cat\nSteps: 4, Seed: 0, Size: 8x8", nishiki: "猫" };
  const files = [
    encodePng(pixels, { text }),
    ...["fooocus.png", "rgb16icc.png"].map((name) => golden(`metadata/${name}`)),
  ];
  const bytes = await Promise.all(files.map((file) => (typeof file === "string" ? readFile(file) : file)));
  await fuzz("PNG", 400, async (rng) => {
    const bad = mutateBytes(bytes[Math.floor(rng.uniform() * bytes.length)]!, rng);
    readProvenance(inspectPng(bad).text);
    decodePng(bad);
  });
  await fuzz("PNG as any picture", 100, async (rng) => {
    await decodeImage(mutateBytes(bytes[0]!, rng));
  });
});

it.each(["jpeg", "webp", "gif", "tiff", "avif"] as const)("%s", async (format) => {
  const raw = { width: 24, height: 16, channels: 3 } as const;
  const exif = { IFD0: { ImageDescription: "prompt:{}" }, IFD2: { UserComment: "a cat" } };
  const good = await sharp(pixels.data, { raw }).withExif(exif).toFormat(format).toBuffer();
  await fuzz(format, 100, async (rng) => {
    const bad = mutateBytes(good, rng);
    readProvenance((await inspectImage(bad)).text);
    await decodeImage(bad);
  });
});

it("what pictures say", async () => {
  const receipts = JSON.parse(await readFile(golden("receipts/embedded.json"), "utf8")) as unknown;
  const [receipt] = Object.values(receipts as object) as unknown[];
  await fuzz("receipt", 250, async (rng) => parseReceipt(JSON.stringify(mutateJson(receipt, rng))));
  const parameters = {
    sui_image_params: { prompt: "cat", seed: 1 },
    version: "Fooocus",
    resolution: "(1, 2)",
  };
  for (let number = 0; number < 250; number++) {
    const json = JSON.stringify(mutateJson(parameters, random(number, "provenance")));
    for (const key of ["parameters", "prompt", "workflow", "invokeai_metadata", "sd-metadata", "UserComment"])
      readProvenance({ [key]: json });
  }
});

it("weights", async () => {
  const files = ["lora/kohya.safetensors", "receipts/toy-cat.safetensors", "dit-tiny.safetensors"];
  const good = (await Promise.all(files.map((name) => readFile(golden(name)).catch(() => undefined)))).filter(
    (bytes) => bytes !== undefined,
  );
  expect(good.length).toBeGreaterThan(1);
  const path = join(folder, "bad.safetensors");
  await fuzz("weights", 300, async (rng) => {
    const bytes = good[Math.floor(rng.uniform() * good.length)]!;
    // The header is where it hurts.
    const head = mutateBytes(bytes.subarray(0, Math.min(bytes.length, 4000)), rng);
    await writeFile(path, Buffer.concat([head, bytes.subarray(4000)]));
    const { tensors, read } = await openSafetensors(path);
    const [name] = tensors.keys();
    if (name !== undefined) await read(name);
    if (await isEmbedding(path)) await openEmbedding(path);
    else await inspectLora(path);
    await openWeights(path);
  });
});

it("model folders", async () => {
  const model = join(folder, "model");
  await writeTinyModel(model);
  const manifest = JSON.parse(await readFile(join(model, "model.json"), "utf8")) as unknown;
  await fuzz("model.json", 250, async (rng) => {
    await writeFile(join(model, "model.json"), JSON.stringify(mutateJson(manifest, rng)));
    await describeModel(model);
    await openModel({ model });
  });
  const published = join(folder, "sd1");
  await cp(golden("pipelines/sd1"), published, { recursive: true });
  for (const name of [
    "unet/config.json",
    "vae/config.json",
    "scheduler/scheduler_config.json",
    "model_index.json",
  ]) {
    const text = await readFile(join(published, name), "utf8");
    await fuzz(name, 60, async (rng) => {
      await writeFile(join(published, name), JSON.stringify(mutateJson(JSON.parse(text), rng)));
      await describeModel(published);
      await openModel({ model: published });
    });
    await writeFile(join(published, name), text);
  }
});

it("folders to train on, and their configs", async () => {
  const sprites = join(folder, "sprites");
  await buildSprites({ output: sprites, things: ["cat", "dog"], sets: ["flat"], size: 16 });
  const index = JSON.parse(await readFile(join(sprites, "sprites.json"), "utf8")) as unknown;
  await fuzz("sprites", 150, async (rng) => {
    await writeFile(join(sprites, "sprites.json"), JSON.stringify(mutateJson(index, rng)));
    await loadSprites(sprites);
  });
  const captioned = await mkdtemp(join(folder, "captioned-"));
  await writeFile(join(captioned, "a.png"), encodePng(pixels));
  const list = new TextEncoder().encode(
    '{"file_name": "a.png", "text": "a cat"}\n{"file_name": "b.png", "text": "b"}\n',
  );
  for (let number = 0; number < 100; number++) {
    await writeFile(join(captioned, "metadata.jsonl"), mutateBytes(list, random(number, "list")));
    const { entries, problems } = await openFolder(captioned, { size: 8 });
    expect(entries.length + problems.length).toBeGreaterThan(0);
  }
  const path = join(folder, "config.json");
  const config = JSON.parse(
    await readFile(new URL("../configs/denoiser.json", import.meta.url), "utf8"),
  ) as unknown;
  await fuzz("config", 150, async (rng) => {
    await writeFile(path, JSON.stringify(mutateJson(config, rng)));
    await loadTrainingConfig(path);
  });
});
