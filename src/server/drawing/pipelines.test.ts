import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { writeTinyModel } from "../../../tests/support/tiny-model.js";
import type { Pipeline } from "../../pipeline/index.js";
import { Pipelines } from "./pipelines.js";
import type { ModelPath } from "./protocol.js";

// Minutes, because a machine may be busy with training; on an idle one it is seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-pipelines-"));
  for (const name of ["a", "b", "c", "d", "e"]) await writeTinyModel(join(folder, name));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const model = (name: string) => ({ model: join(folder, name), threads: 1 });

async function drawOne(pipeline: Pipeline): Promise<number> {
  let images = 0;
  for await (const event of pipeline.generate({ prompt: "a cat", seed: 1, steps: 1 }))
    if (event.kind === "image") images += 1;
  return images;
}

describe("Pipelines", () => {
  it("keeps a model loaded, and no more than a few", async () => {
    const loaded: (readonly ModelPath[])[] = [];
    const pipelines = new Pipelines((models) => loaded.push(models));
    const seen = new Set<Pipeline>();
    const use = (name: string) =>
      pipelines.use(model(name), async (pipeline) => {
        seen.add(pipeline);
        return drawOne(pipeline);
      });
    for (const name of ["a", "a", "b", "c", "d", "e"]) expect(await use(name)).toBe(1);
    expect(seen.size).toBe(5);
    await vi.waitFor(() =>
      expect(loaded.at(-1)).toEqual(["b", "c", "d", "e"].map((name) => join(folder, name))),
    );
    await pipelines.unload(join(folder, "c"), false);
    expect(loaded.at(-1)).not.toContain(join(folder, "c"));
    await pipelines.unload(undefined, true);
    expect(loaded.at(-1)).toEqual([]);
  });

  it("frees a model in use when its work is done", async () => {
    const pipelines = new Pipelines();
    let first: Pipeline | undefined;
    const images = await pipelines.use(model("a"), async (pipeline) => {
      first = pipeline;
      await pipelines.unload(undefined, true);
      return drawOne(pipeline);
    });
    expect(images).toBe(1);
    await expect(drawOne(first!)).rejects.toMatchObject({ code: "closed" });
    await pipelines.use(model("a"), async (pipeline) => expect(pipeline).not.toBe(first));
    await pipelines.unload(undefined, true);
  });

  it("loads again what one request began to load and gave up", async () => {
    const pipelines = new Pipelines();
    const stop = new AbortController();
    const cancelled = pipelines.use(model("b"), drawOne, { signal: stop.signal });
    const other = pipelines.use(model("b"), drawOne);
    stop.abort();
    await expect(cancelled).rejects.toMatchObject({ code: "aborted" });
    expect(await other).toBe(1);
    await pipelines.unload(undefined, true);
  });

  it("does not begin work that was cancelled while another request loaded the model", async () => {
    const pipelines = new Pipelines();
    const stop = new AbortController();
    const work = vi.fn(drawOne);
    const other = pipelines.use(model("b"), async (pipeline) => {
      const cancelled = pipelines.use(model("b"), work, { signal: stop.signal });
      stop.abort();
      await expect(cancelled).rejects.toMatchObject({ code: "aborted" });
      return drawOne(pipeline);
    });
    expect(await other).toBe(1);
    expect(work).not.toHaveBeenCalled();
    await pipelines.unload(undefined, true);
  });

  it("opens files that were replaced", async () => {
    const pipelines = new Pipelines();
    const before = await pipelines.open(model("d"));
    expect(await pipelines.open(model("d"))).toBe(before);
    await cp(join(folder, "e"), join(folder, "d"), { recursive: true, force: true });
    expect(await pipelines.open(model("d"))).not.toBe(before);
  });

  it("tries a model again that could not be opened", async () => {
    const pipelines = new Pipelines();
    await expect(pipelines.open(model("f"))).rejects.toMatchObject({ code: "file" });
    await cp(join(folder, "e"), join(folder, "f"), { recursive: true });
    expect((await pipelines.open(model("f"))).context.defaults.steps).toBe(4);
  });
});
