// Fine-tuning on images of one's own, as a LoRA and as a whole, and what is drawn with it.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSafetensors, writeSafetensors } from "../../src/checkpoint/node.js";
import type { Engine } from "../../src/engine/index.js";
import { makeEngine } from "../../src/engine/node.js";
import { compareWithReceipt, type ImageEvent, type Pipeline } from "../../src/pipeline/index.js";
import { loadPipeline } from "../../src/pipeline/node.js";
import { completeTrainingConfig, readMetrics, train } from "../../src/training/index.js";
import { runCli } from "../support/run-cli.js";
import { withFolder } from "./regression.js";
import { teacherSize, trainTeacher } from "./teacher.js";

let engine: Engine;
beforeAll(() => {
  engine = makeEngine({ threads: 1 });
});
afterAll(() => engine.close());

function configOf(root: string, name: string, steps: number, given: Record<string, unknown> = {}) {
  return completeTrainingConfig({
    kind: "fine-tuning",
    folder: join(root, name),
    data: { folder: join(root, "pictures"), size: teacherSize },
    model: join(root, "denoiser", "model"),
    rank: 4,
    batchSize: 4,
    optimizer: { kind: "adamw" },
    schedule: { steps, learningRate: 0.02, warmupSteps: 0, decaySteps: 0, emaDecay: 0.5 },
    prompts: ["a red square"],
    priorPreservation: { images: 4 },
    ...given,
  });
}

async function drawWith(model: string, lora: readonly string[] = []): Promise<ImageEvent> {
  const pipeline = await loadPipeline({ model, lora, threads: 1, device: "cpu" });
  try {
    const event = await drawOne(pipeline);
    const pixels = { width: event.width, height: event.height, channels: 3 as const, data: event.pixels };
    expect((await compareWithReceipt(pixels, event.receipt, pipeline)).identical).toBe(true);
    return event;
  } finally {
    await pipeline.dispose();
  }
}

async function drawOne(pipeline: Pipeline): Promise<ImageEvent> {
  for await (const event of pipeline.generate({ prompt: "a red square", seed: 4 }))
    if (event.kind === "image") return event;
  throw new Error("no picture");
}

describe("fine-tuning", { timeout: 300_000 }, () => {
  it("learns thin matrices alone, goes on bit for bit, and draws with them", async () => {
    await withFolder(async (root) => {
      const model = await trainTeacher(root, engine);
      const before = await readFile(join(model, "denoiser.safetensors"));
      await train(configOf(root, "lora", 120), { engine });
      const losses = (await readMetrics(join(root, "lora"))).flatMap(({ loss }) => loss ?? []);
      const mean = (part: readonly number[]) => part.reduce((a, b) => a + b, 0) / part.length;
      expect(mean(losses.slice(-20))).toBeLessThan(mean(losses.slice(0, 20)));
      expect((await readFile(join(model, "denoiser.safetensors"))).equals(before)).toBe(true);

      const checkpoint = await openSafetensors(join(root, "lora", "checkpoint.safetensors"));
      const names = [...checkpoint.tensors.keys()];
      expect(names.every((name) => /\.lora_[AB]\.weight$/.test(name))).toBe(true);
      const lora = await openSafetensors(join(root, "lora", "lora.safetensors"));
      expect(lora.tensors.get("velocity.lora_A.weight")!.shape[0]).toBe(4);
      expect(lora.metadata["modelspec.architecture"]).toContain("nishiki/");

      await train(configOf(root, "stopped", 50), { engine });
      await train(configOf(root, "stopped", 120), { engine, resume: true });
      const bytes = (name: string) => readFile(join(root, name, "checkpoint.safetensors"));
      expect((await bytes("stopped")).equals(await bytes("lora"))).toBe(true);

      const file = join(root, "lora", "lora.safetensors");
      const plain = await drawWith(model);
      const changed = await drawWith(model, [file]);
      expect(changed.pixels).not.toEqual(plain.pixels);
      expect(JSON.stringify(changed.receipt)).toContain("lora.safetensors");
      expect((await drawWith(model, [`${file}:0`])).pixels).toEqual(plain.pixels);
      expect((await drawWith(model, [`${file}:0.5`, `${file}:0.5`])).pixels).not.toEqual(plain.pixels);

      const info = await runCli(["info", file]);
      expect(info.stdout).toContain("a model that Nishiki trained");
      const other = join(root, "other.safetensors");
      const thin = { dtype: "f32" as const, shape: [4, 5], data: new Float32Array(20) };
      await writeSafetensors(other, [
        { name: "velocity.lora_A.weight", ...thin },
        { name: "velocity.lora_B.weight", ...thin, shape: [5, 4] },
      ]);
      await expect(drawWith(model, [other])).rejects.toThrow(/was made for another model/);
    });
  });

  it("changes the whole model, by a short command too", async () => {
    await withFolder(async (root) => {
      const model = await trainTeacher(root, engine);
      await train(configOf(root, "full", 30, { method: "full" }), { engine });
      const [old, changed] = [await drawWith(model), await drawWith(join(root, "full", "model"))];
      expect(changed.pixels).not.toEqual(old.pixels);

      const images = join(root, "pictures");
      const file = join(root, "mine.safetensors");
      const command = ["finetune", images, "--model", model, "--steps", "2"];
      const wrongSize = await runCli([...command, "--output", file]);
      expect(wrongSize.stderr).toContain("data.size: expected 64, the model's image size, got 256");
      for (const wrong of [[], ["--output", "a.bin"], ["--output", "x", "--rank", "3"]])
        expect((await runCli([...command, ...wrong])).code).toBe(2);
      await writeFile(join(root, "there.safetensors"), "");
      const there = await runCli([...command, "--output", join(root, "there.safetensors")]);
      expect(there.stderr).toContain("is already there");
      expect((await runCli(["train"])).stderr).toMatch(/^Expected a config, .* nishiki finetune FOLDER/);
    });
  });
});
