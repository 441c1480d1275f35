// The second stage really learns: a tiny network on a folder of four images, and the model folder that draws
// with it.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/index.js";
import { makeEngine } from "../../src/engine/node.js";
import { decodePng } from "../../src/image/index.js";
import { superResolutionConfigs } from "../../src/models/index.js";
import { loadPipeline } from "../../src/pipeline/node.js";
import { completeTrainingConfig, readMetrics, type SampleReport, train } from "../../src/training/index.js";
import { writeTinyModel } from "../support/tiny-model.js";
import { writeImages } from "./images.js";
import { withFolder } from "./regression.js";

let engine: Engine;
beforeAll(() => {
  engine = makeEngine({ threads: 1 });
});
afterAll(() => engine.close());

const network = { ...superResolutionConfigs.tiny, width: 16 };
const sampling = { steps: 2, augmentation: 0.01 };

function configOf(folder: string, steps: number, given: Record<string, unknown> = {}) {
  return completeTrainingConfig({
    kind: "super-resolution",
    folder: join(folder, "run"),
    data: { folder: join(folder, "pictures"), size: 64 },
    network,
    augmentation: 0.02,
    batchSize: 4,
    cropsPerImage: 2,
    crop: 32,
    optimizer: { kind: "adamw" },
    schedule: { steps, learningRate: 0.02, warmupSteps: 0, decaySteps: 0, emaDecay: 0.9 },
    sampleInterval: 1000,
    sampling,
    samples: 2,
    ...given,
  });
}

describe("training super-resolution", { timeout: 300_000 }, () => {
  it("learns, goes on bit for bit where it was stopped, and is put into a model that draws", async () => {
    await withFolder(async (folder) => {
      await writeImages(join(folder, "pictures"), 4, 64);
      const samples: SampleReport[] = [];
      const onSample = (report: SampleReport) => samples.push(report);
      const model = await writeTinyModel(join(folder, "model"));
      await train(configOf(folder, 120, { model }), { engine, onSample });
      const losses = (await readMetrics(join(folder, "run"))).flatMap(({ loss }) => loss ?? []);
      const mean = (part: readonly number[]) => part.reduce((a, b) => a + b, 0) / part.length;
      expect(mean(losses.slice(-20))).toBeLessThan(mean(losses.slice(0, 20)) / 2);
      expect(Object.keys(samples[0]!.measured)).toEqual([
        "psnr",
        "lanczosPsnr",
        "sharpness",
        "lanczosSharpness",
      ]);
      const sheet = decodePng(await readFile(samples[0]!.sheet));
      expect([sheet.width, sheet.height]).toEqual([3 * 68 + 4, 2 * 68 + 4]);

      const other = (steps: number) => ({ ...configOf(folder, steps), folder: join(folder, "other") });
      await train(other(50), { engine });
      await train(other(120), { engine, resume: true });
      const checkpoint = (run: string) => readFile(join(folder, run, "checkpoint.safetensors"));
      expect((await checkpoint("other")).equals(await checkpoint("run"))).toBe(true);

      const pipeline = await loadPipeline({ model, threads: 1, device: "cpu" });
      try {
        for await (const event of pipeline.generate({ prompt: "a cat", size: "512", steps: 1, seed: 1 }))
          if (event.kind === "image") expect([event.width, event.height]).toEqual([512, 512]);
      } finally {
        await pipeline.dispose();
      }
    });
  });

  it("refuses parts and pictures that do not fit, before the first step", async () => {
    await withFolder(async (folder) => {
      await writeImages(join(folder, "pictures"), 2, 64);
      await expect(train(configOf(folder, 5, { crop: 30 }), { engine })).rejects.toThrow(
        /^crop: expected a multiple of 4 up to 64, the images' side, got 30\.$/,
      );
      expect(() => configOf(folder, 5, { blend: 1 })).toThrow(/^unknown field "blend"/);
    });
  });
});
