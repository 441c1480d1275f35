// A denoiser from end to end: an autoencoder's run, latents made on the way, captions encoded, prompts drawn
// by the moving averages, a model folder that draws; stopped and gone on with.
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/index.js";
import { makeEngine } from "../../src/engine/node.js";
import { decodePng } from "../../src/image/index.js";
import { denoiserConfigs } from "../../src/models/index.js";
import { shardCount } from "../../src/training/denoiser-run.js";
import { completeTrainingConfig, readMetrics, train } from "../../src/training/index.js";
import { writeImages } from "./images.js";
import { withFolder } from "./regression.js";

let engine: Engine;
beforeAll(() => {
  engine = makeEngine({ threads: 1 });
});
afterAll(() => engine.close());

const size = 64;

function autoencoderOf(root: string) {
  return completeTrainingConfig({
    kind: "autoencoder",
    folder: join(root, "autoencoder"),
    data: { folder: join(root, "pictures"), size },
    network: "tiny",
    batchSize: 4,
    schedule: { steps: 5, warmupSteps: 0, decaySteps: 0 },
  });
}

function denoiserOf(root: string, name: string, steps: number, given: Record<string, unknown> = {}) {
  return completeTrainingConfig({
    kind: "denoiser",
    folder: join(root, name),
    data: { folder: join(root, "pictures"), size },
    network: { ...denoiserConfigs.tiny, latentSize: 4 },
    autoencoder: { weights: join(root, "autoencoder"), network: "tiny" },
    latents: { folder: join(root, "latents"), shardSize: 4, initialShards: 1, stepsPerNewShard: 3 },
    batchSize: 4,
    maxTokens: 12,
    schedule: { steps, learningRate: 0.005, warmupSteps: 0, decaySteps: 0, emaDecay: 0.9 },
    prompts: [],
    sampling: { steps: 2 },
    ...given,
  });
}

// The text encoder is the real one, which takes a while to load on a busy machine.
describe("training a denoiser", { timeout: 300_000 }, () => {
  it("encodes what it needs, learns, draws, and goes on bit for bit", async () => {
    await withFolder(async (root) => {
      await writeImages(join(root, "pictures"), 10, size);
      await train(autoencoderOf(root), { engine });
      const notices: string[] = [];
      const onNotice = (message: string) => notices.push(message);
      const prompts = ["a red square on blue", "a green square"];
      const straight = denoiserOf(root, "straight", 8, { prompts });
      expect(await train(straight, { engine, onNotice })).toEqual({ step: 8, finished: true });
      // Ten images are three files of four: the first steps use one, later ones the others too.
      expect(notices).toEqual(["1 to 4", "5 to 8", "9 to 12"].map((range) => `Encoding images ${range} …`));
      expect(
        (await readdir(join(root, "latents"))).filter((name) => name.startsWith("scenes-")),
      ).toHaveLength(3);
      const metrics = await readMetrics(join(root, "straight"));
      expect(metrics.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      const sheet = decodePng(await readFile(join(root, "straight", "samples.png")));
      expect(sheet.width).toBe(2 * (size + 10) + 10);
      expect(existsSync(join(root, "straight", "model", "model.json"))).toBe(true);

      notices.length = 0;
      await train(denoiserOf(root, "stopped", 3), { engine, onNotice });
      await train(denoiserOf(root, "stopped", 8), { engine, onNotice, resume: true });
      expect(notices).toEqual([]); // the latents were there
      const checkpoint = (name: string) => readFile(join(root, name, "checkpoint.safetensors"));
      expect((await checkpoint("stopped")).equals(await checkpoint("straight"))).toBe(true);
    });
  });

  it("refuses latents that were made otherwise, and networks that do not fit", async () => {
    await withFolder(async (root) => {
      await writeImages(join(root, "pictures"), 4, size);
      await train(autoencoderOf(root), { engine });
      await train(denoiserOf(root, "first", 1), { engine });
      const seeded = train(denoiserOf(root, "second", 1, { seed: 2 }), { engine });
      await expect(seeded).rejects.toThrow(
        /The latents in .* have other settings: seed is 1 there and 2 here/,
      );
      const small = train(denoiserOf(root, "third", 1, { network: "tiny" }), { engine });
      await expect(small).rejects.toThrow("network.latentSize: expected 4 to fit the autoencoder, got 16.");
      const autoencoder = { weights: join(root, "first"), network: "tiny" };
      const wrong = train(denoiserOf(root, "fourth", 1, { autoencoder }), { engine });
      await expect(wrong).rejects.toThrow(/holds no autoencoder/);
    });
  });
});

describe("shardCount", () => {
  it("lets a run begin with few files and grow", () => {
    const latents = { initialShards: 2, stepsPerNewShard: 10 };
    expect([0, 9, 10, 25, 1000].map((step) => shardCount(step, 5, latents))).toEqual([2, 2, 3, 4, 5]);
    expect(shardCount(0, 5, { initialShards: 9, stepsPerNewShard: 10 })).toBe(5);
    expect(shardCount(0, 5, { initialShards: 1, stepsPerNewShard: 0 })).toBe(5);
  });
});
