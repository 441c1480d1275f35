import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyModel } from "../../tests/support/tiny-model.js";
import { loadPipeline } from "../pipeline/node.js";
import { drawTasks, planWorkers } from "./draw-tasks.js";
import { claimFolder } from "./folder.js";
import type { Task } from "./plan.js";

let root: string;
let model: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nishiki-draw-tasks-"));
  model = await writeTinyModel(join(root, "model"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const task = (id: string) => ({ id, prompt: "a cat", seed: 1 }) as Task;

async function draw(folder: string, ids: readonly string[], parallel: number): Promise<number> {
  const machine = { model, threads: 1, device: "cpu" } as const;
  const pipeline = await loadPipeline(machine);
  try {
    const request = { steps: 1, guidance: 1 };
    return await drawTasks(ids.map(task), { folder, machine, pipeline, parallel, request });
  } finally {
    await pipeline.dispose();
  }
}

describe("drawTasks", { timeout: 120_000 }, () => {
  it("draws with several pipelines what is not there yet", async () => {
    const folder = join(root, "plain");
    expect(await draw(folder, ["a", "b", "c"], 2)).toBe(3);
    await rm(join(folder, "b.png"));
    expect(await draw(folder, ["a", "b", "c"], 2)).toBe(1);
    expect((await readdir(folder)).sort()).toEqual(["a.png", "b.png", "c.png"]);
  });

  it("stops all of them at the first that fails, and says why that one did", async () => {
    const folder = join(root, "failing");
    const ids = ["no-such-folder/a", ...Array.from({ length: 60 }, (_, i) => `b${i}`)];
    await expect(draw(folder, ids, 2)).rejects.toMatchObject({
      code: "file",
      message: expect.stringContaining("no-such-folder"),
    });
    expect((await readdir(folder)).length).toBeLessThan(30);
  });
});

describe("planWorkers", () => {
  const GiB = 2 ** 30;
  it.each([
    [2, 16, { parallel: 2, threads: 1 }],
    [2, 1.5, { parallel: 1, threads: 2 }],
    [64, 256, { parallel: 8, threads: 8 }],
    [64, 4, { parallel: 4, threads: 16 }],
    [1, 0, { parallel: 1, threads: 1 }],
  ])("keeps the pipelines of %i threads within %f GiB", (threads, memory, plan) => {
    expect(planWorkers(threads, memory * GiB)).toEqual(plan);
  });
});

describe("claimFolder", () => {
  it("does not take what it cannot read for what is not there", async () => {
    const folder = join(root, "claimed");
    await claimFolder(folder, { seed: 1 });
    await claimFolder(folder, { seed: 1 });
    await expect(claimFolder(folder, { seed: 2 })).rejects.toThrow("another evaluation");
    await rm(join(folder, "evaluation.json"));
    await mkdir(join(folder, "evaluation.json"));
    await expect(claimFolder(folder, { seed: 1 })).rejects.toMatchObject({ code: "file" });
  });
});
