// Real drawing processes, which are really killed.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { writeTinyModel } from "../../../tests/support/tiny-model.js";
import { ModelList } from "../catalogue/catalogue.js";
import type { JobRecord, WorkEvent } from "../parts.js";
import { makeDrawer, type ProcessDrawer } from "./drawer.js";
import { makeWorker } from "./worker.js";

// Minutes, because a machine may be busy with training; on an idle one it is seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let drawer: ProcessDrawer;
let models: ModelList;
const changes: (readonly string[])[] = [];

const open = () => {
  changes.length = 0;
  models = new ModelList(() => drawer.scan([]));
  drawer = makeDrawer(
    (model, load) => models.resolve(model, load),
    () => changes.push(drawer.loaded()),
  );
  return drawer;
};

afterEach(() => drawer.close());

const makeJob = (request: object): JobRecord => ({
  id: "one",
  kind: "draw",
  owner: "test",
  priority: 0,
  group: null,
  labels: {},
  model: "embedded",
  modelName: "Nishiki",
  request: { prompt: "a cat", seed: 1, ...request },
  load: {},
  parent: null,
  created: new Date().toISOString(),
});

/** Runs a job; kills the process at each of these steps, once for every number. */
async function run(request: object, kills: readonly (readonly [step: number, signal: NodeJS.Signals])[]) {
  const events: WorkEvent[] = [];
  const left = [...kills];
  const reporter = {
    report: async (event: WorkEvent) => {
      events.push(event);
      const [step, signal] = left[0] ?? [];
      if (event.kind !== "progress" || event.progress.step !== step) return;
      left.shift();
      process.kill(drawer.pid!, signal);
    },
    onSkip: () => () => {},
    image: () => Promise.reject(new Error("none")),
  };
  const outcome = await makeWorker(drawer, (id) => models.find(id)).run(
    makeJob(request),
    reporter,
    new AbortController().signal,
  );
  const warnings = events.flatMap((event) => (event.kind === "warning" ? [event.message] : []));
  const images = events.flatMap((event) => (event.kind === "image" ? [event.png] : []));
  return { outcome, warnings, images };
}

describe("the drawing process", () => {
  it("is started again if it was killed, and draws the same image", async () => {
    open();
    const expected = await run({ steps: 4 }, []);
    const first = drawer.pid;
    const { outcome, warnings, images } = await run({ steps: 4 }, [[2, "SIGKILL"]]);
    expect(outcome).toEqual({ state: "done" });
    expect(warnings).toEqual([
      "The process that draws ended: it was killed, most likely because memory ran out. The job was started again.",
    ]);
    expect(images).toEqual(expected.images);
    expect(drawer.pid).not.toBe(first);
    expect(changes).toEqual([["embedded"], [], ["embedded"]]);
  });

  it("fails a job that kills it twice, with what helps, and draws the next one", async () => {
    open();
    const { outcome } = await run({ steps: 4, size: { width: 512, height: 512 } }, [
      [1, "SIGKILL"],
      [2, "SIGABRT"],
    ]);
    expect(outcome).toMatchObject({
      state: "failed",
      error: {
        code: "device",
        message: "The process that draws ended: the runtime gave up, most likely because memory ran out.",
        hint: "Choose a smaller size, such as 256x256.",
        change: { size: "256x256" },
      },
    });
    expect(await run({ steps: 1 }, [])).toMatchObject({ outcome: { state: "done" }, warnings: [] });
  });

  it("crashes without harm to the server", async () => {
    open();
    const { outcome, warnings } = await run({ steps: 4 }, [[1, "SIGSEGV"]]);
    expect(outcome).toEqual({ state: "done" });
    expect(warnings[0]).toContain("the runtime crashed (SIGSEGV)");
  });

  it("answers questions that were open when it died", async () => {
    open();
    await drawer.scan([]);
    const question = drawer.complete("embedded", {}, { prompt: "a cat" }, new Map());
    process.kill(drawer.pid!, "SIGKILL");
    expect((await question).request).toMatchObject({ prompt: "a cat" });
  });

  it("ends when it has nothing to do and nothing loaded that takes long to load", async () => {
    const folder = await mkdtemp(join(tmpdir(), "nishiki-idle-"));
    const path = await writeTinyModel(join(folder, "tiny")).then(() => join(folder, "tiny"));
    drawer = makeDrawer(
      async (model) => (model === "tiny" ? { model: path } : {}),
      () => {},
      { idleMilliseconds: 50 },
    );
    await drawer.load("tiny");
    const { pid } = drawer;
    await wait(200);
    expect({ pid: drawer.pid, loaded: drawer.loaded() }).toEqual({ pid, loaded: ["tiny"] });
    await drawer.unload("tiny");
    await drawer.load("embedded");
    while (drawer.pid !== undefined) await wait(10);
    expect(drawer.loaded()).toEqual([]);
    await drawer.load("embedded");
    expect(drawer.pid).not.toBe(pid);
    await rm(folder, { recursive: true, force: true });
  });

  it("ends with its server", async () => {
    open();
    await drawer.scan([]);
    const pid = drawer.pid!;
    await drawer.close();
    await wait(10);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    await expect(drawer.scan([])).rejects.toMatchObject({ code: "closed" });
  });
});
