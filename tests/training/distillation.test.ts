// A student that needs few steps, from end to end: a tiny teacher, its paths, the student's run, and the
// model that draws by it.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/index.js";
import { makeEngine } from "../../src/engine/node.js";
import type { ImageEvent, ImageRequest, Pipeline } from "../../src/pipeline/index.js";
import { compareWithReceipt } from "../../src/pipeline/index.js";
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

const size = teacherSize;

function configOf(root: string, name: string, steps: number, paths: Record<string, unknown> = {}) {
  return completeTrainingConfig({
    kind: "distillation",
    folder: join(root, name),
    data: { folder: join(root, "pictures"), size },
    teacher: join(root, "denoiser", "model"),
    latents: { folder: join(root, "captions"), shardSize: 4 },
    paths: {
      folder: join(root, "paths"),
      count: 8,
      shardSize: 4,
      initialShards: 1,
      stepsPerNewShard: 4,
      studentSteps: 2,
      ...paths,
    },
    batchSize: 8,
    schedule: { steps, learningRate: 0.005, warmupSteps: 0, decaySteps: 0, emaDecay: 0.9 },
    prompts: ["a red square"],
  });
}

async function draw(pipeline: Pipeline, request: Partial<ImageRequest>): Promise<ImageEvent> {
  for await (const event of pipeline.generate({ prompt: "a red square", seed: 4, ...request }))
    if (event.kind === "image") return event;
  throw new Error("no picture");
}

describe("distillation", { timeout: 300_000 }, () => {
  it("comes near the teacher in fewer steps, goes on bit for bit, and draws by name", async () => {
    await withFolder(async (root) => {
      const teacher = await trainTeacher(root, engine);
      const notices: string[] = [];
      await train(configOf(root, "student", 150), { engine, onNotice: (text) => notices.push(text) });
      const drawn = notices.filter((text) => text.startsWith("The teacher"));
      expect(drawn).toEqual(["1 to 4", "5 to 8"].map((range) => `The teacher draws paths ${range} …`));
      const losses = (await readMetrics(join(root, "student"))).flatMap(({ loss }) => loss ?? []);
      const mean = (part: readonly number[]) => part.reduce((a, b) => a + b, 0) / part.length;
      expect(mean(losses.slice(-10))).toBeLessThan(mean(losses.slice(0, 10)) / 2);

      await train(configOf(root, "stopped", 60), { engine });
      await train(configOf(root, "stopped", 150), { engine, resume: true });
      const checkpoint = (name: string) => readFile(join(root, name, "checkpoint.safetensors"));
      expect((await checkpoint("stopped")).equals(await checkpoint("student"))).toBe(true);

      const model = join(root, "student", "model");
      const pipeline = await loadPipeline({ model, threads: 1, device: "cpu" });
      try {
        const fast = await draw(pipeline, { fast: true });
        expect(fast.receipt.request).toMatchObject({ fast: true, steps: 2, guidance: 1, sampler: "euler" });
        const slow = await draw(pipeline, {});
        expect(slow.receipt.request).toMatchObject({ steps: 6, guidance: 2 });
        expect(fast.pixels).not.toEqual(slow.pixels);
        const pixels = { width: size, height: size, channels: 3 as const, data: fast.pixels };
        expect((await compareWithReceipt(pixels, fast.receipt, pipeline)).identical).toBe(true);
        for (const wrong of [
          { steps: 4 },
          { guidance: 3 },
          { sampler: "heun" },
          { negativePrompt: "a circle" },
        ])
          expect(() => pipeline.complete({ prompt: "a", fast: true, ...wrong })).toThrow(/the fast network/);
      } finally {
        await pipeline.dispose();
      }
      const none = await runCli(["a red square", "--fast", "--model", teacher]);
      expect(none.code).toBe(2);
      expect(none.stderr).toContain("fast: this model does not support this setting");

      const other = train(configOf(root, "third", 5, { guidance: 4 }), { engine });
      await expect(other).rejects.toThrow(
        /The teacher's paths in .* have other settings: guidance is 2 there and 4 here/,
      );
    });
  });
});
