// The trainer really learns: a tiny autoencoder on a folder of four images, through the public function.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/index.js";
import { makeEngine } from "../../src/engine/node.js";
import { decodePng } from "../../src/image/index.js";
import { autoencoderConfigs } from "../../src/models/index.js";
import { completeTrainingConfig, readMetrics, type SampleReport, train } from "../../src/training/index.js";
import { readStart } from "../../src/training/start-from.js";
import { writeImages } from "./images.js";
import { withFolder } from "./regression.js";

let engine: Engine;
beforeAll(() => {
  engine = makeEngine({ threads: 1 });
});
afterAll(() => engine.close());

function configOf(folder: string, steps: number, given: Record<string, unknown> = {}) {
  return completeTrainingConfig({
    kind: "autoencoder",
    folder: join(folder, "run"),
    data: { folder: join(folder, "pictures"), size: 32 },
    network: "tiny",
    batchSize: 4,
    optimizer: { kind: "adamw" },
    schedule: { steps, learningRate: 0.01, warmupSteps: 0, decaySteps: 0, emaDecay: 0.9 },
    sampleInterval: 1000,
    ...given,
  });
}

describe("training an autoencoder", { timeout: 300_000 }, () => {
  it("learns four pictures nearly by heart", async () => {
    await withFolder(async (folder) => {
      await writeImages(join(folder, "pictures"), 4, 32);
      const samples: SampleReport[] = [];
      const result = await train(configOf(folder, 250, { loss: { latentNoise: 0.01 } }), {
        engine,
        onSample: (report) => samples.push(report),
      });
      expect(result).toEqual({ step: 250, finished: true });
      const metrics = (await readMetrics(join(folder, "run"))).filter(({ squared }) => squared !== undefined);
      const [first, last] = [metrics[0]!.squared!, metrics.at(-1)!.squared!];
      expect(first / last).toBeGreaterThan(20);
      expect(samples).toHaveLength(1);
      expect(samples[0]!.measured.psnr).toBeGreaterThan(20);
      const sheet = decodePng(await readFile(samples[0]!.sheet));
      expect([sheet.width, sheet.height]).toEqual([4 * 36 + 4, 2 * 36 + 4]);
      expect(decodePng(await readFile(samples[0]!.plot)).width).toBeGreaterThan(200);
      expect((await readdir(join(folder, "run"))).sort()).toEqual([
        "checkpoint.safetensors",
        "config.json",
        "loss.png",
        "metrics.jsonl",
        "samples-0000250.png",
        "samples.png",
      ]);
    });
  });

  it("trains the decoder alone: the encoder stays to the bit, and a decoder that knows its place draws better", async () => {
    await withFolder(async (folder) => {
      await writeImages(join(folder, "pictures"), 4, 32);
      await train(configOf(folder, 60), { engine });
      const start = join(folder, "run");
      const run = join(folder, "decoder");
      const network = { ...autoencoderConfigs.tiny, positions: 4 };
      const given = { part: "decoder", initFrom: start, network, folder: run };
      const measured: Readonly<Record<string, number>>[] = [];
      const onSample = (report: SampleReport) => measured.push(report.measured);
      await train(configOf(folder, 120, { ...given, sampleInterval: 10 }), { engine, onSample });
      const [before, after] = [await readStart(start), await readStart(join(run, "autoencoder.safetensors"))];
      expect(Object.keys(after).sort()).toEqual([...Object.keys(before), "decoder.position"].sort());
      for (const [name, { data }] of Object.entries(before)) {
        if (name.startsWith("encoder.")) expect(after[name]!.data, name).toEqual(data);
      }
      expect(after["decoder.stem.weight"]!.data).not.toEqual(before["decoder.stem.weight"]!.data);
      expect(measured.at(-1)!.psnr).toBeGreaterThan(measured[0]!.psnr! + 1);
      const alone = configOf(folder, 1, { ...given, initFrom: undefined, folder: join(folder, "alone") });
      await expect(train(alone, { engine })).rejects.toThrow(/^part "decoder" needs initFrom/);
    });
  });

  it("goes on where it was stopped, bit for bit, and with its pictures in the same order", async () => {
    await withFolder(async (folder) => {
      await writeImages(join(folder, "pictures"), 7, 32);
      const checkpoint = () => readFile(join(folder, "run", "checkpoint.safetensors"));
      await train(configOf(folder, 12), { engine });
      const straight = await checkpoint();
      const other = (steps: number) => ({ ...configOf(folder, steps), folder: join(folder, "other") });
      await train(other(5), { engine });
      await train(other(12), { engine, resume: true });
      expect((await readFile(join(folder, "other", "checkpoint.safetensors"))).equals(straight)).toBe(true);
      const changed = { ...configOf(folder, 15, { batchSize: 2 }), folder: join(folder, "other") };
      await expect(train(changed, { engine, resume: true })).rejects.toThrow(
        /belongs to another run: batchSize is 4 there and 2 here/,
      );
      expect(JSON.parse(await readFile(join(folder, "other", "config.json"), "utf8")).batchSize).toBe(4);
    });
  });
});
