import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { encodePng, getImageFormat, inspectPng } from "../image/index.js";
import { sha256 } from "../pipeline/index.js";
import type { Job, NumberedEvent, ServerEvent } from "./api/index.js";
import type { Application } from "./application.js";
import { createApplication } from "./node-application.js";

// Minutes, because a machine may be busy with training; on an idle one it is seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const me = { owner: "test" };

let folder: string;
let application: Application;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-application-"));
  application = await createApplication({ folder });
});

afterAll(async () => {
  await application?.close();
  await rm(folder, { recursive: true, force: true });
});

/** All events until one that `isLast` accepts. */
async function collect(isLast: (event: ServerEvent) => boolean, after?: string): Promise<NumberedEvent[]> {
  const stop = new AbortController();
  const events: NumberedEvent[] = [];
  for await (const event of application.events({ signal: stop.signal, ...(after && { after }) })) {
    events.push(event);
    if (isLast(event.event)) stop.abort();
  }
  return events;
}

const isEnd = (id: string) => (event: ServerEvent) =>
  event.kind === "job" && event.job.id === id && ["done", "failed", "cancelled"].includes(event.job.state);

/** Creates a job and waits for its end. */
async function draw(request: object, id: string): Promise<{ job: Job; events: NumberedEvent[] }> {
  const events = collect(isEnd(id));
  await application.createJob({ request } as never, me, id);
  const seen = await events;
  return { job: (await application.job(id))!, events: seen };
}

describe("a drawing job", () => {
  it("has its seed and settings from the start, shows every step and leaves an image", async () => {
    const { job, events } = await draw({ prompt: "a red fox", steps: 3, count: 2 }, "first");
    expect(job).toMatchObject({ state: "done", attempts: 1, error: null, model: "embedded" });
    expect(job.request).toMatchObject({
      prompt: "a red fox",
      steps: 3,
      count: 2,
      guidance: expect.any(Number),
    });
    expect(job.images.map(({ index, seed }) => [index, seed])).toEqual([
      [0, job.request.seed],
      [1, Number(job.request.seed) + 1],
    ]);
    const previews = new Map<number, string>();
    for (const { event } of events)
      if (event.kind === "progress" && event.progress.preview !== null)
        previews.set(event.progress.preview, `${event.progress.index}/${event.progress.step}`);
    expect(previews.size).toBe(6);
    const steps = events.flatMap(({ event }) =>
      event.kind === "progress" && event.progress.step > 0
        ? [`${event.progress.index}/${event.progress.step}`]
        : [],
    );
    expect([...new Set(steps)]).toEqual(["0/1", "0/2", "0/3", "1/1", "1/2", "1/3"]);
    const file = (await application.imageFile(job.images[0]!.id))!;
    expect(inspectPng(file.bytes)).toMatchObject({ width: 256, height: 256 });
    expect(await sha256(file.bytes)).toBe(job.images[0]!.id);
  });

  it("has previews of each step as WebP", async () => {
    const bytes = (await application.preview("first", 1))!.bytes;
    expect(getImageFormat(bytes)?.name).toBe("WebP");
    expect((await application.preview("first"))!.bytes).not.toEqual(bytes);
    expect(await application.preview("first", 99)).toBeUndefined();
    expect(await application.preview("nobody")).toBeUndefined();
  });

  it("is the same job when it is asked for again, and a conflict with another request", async () => {
    const request = { prompt: "a red fox", steps: 3, count: 2 };
    const again = await application.createJob({ request }, me, "first");
    expect(again).toMatchObject({ isNew: false, job: { id: "first", state: "done" } });
    const other = application.createJob({ request: { ...request, steps: 4 } }, me, "first");
    await expect(other).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("request"),
    });
  });

  it("is one job when two clients ask for it at once", async () => {
    const request = { prompt: "a cat", steps: 1 };
    const created = await Promise.all(
      Array.from({ length: 4 }, () => application.createJob({ request }, me, "at-once")),
    );
    expect(created.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(new Set(created.map(({ job }) => job.request.seed)).size).toBe(1);
  });

  it("is refused with a sentence if the model does not take its request", async () => {
    const refused = application.createJob({ request: { prompt: "a fox", size: "640x640", steps: 0 } }, me);
    await expect(refused).rejects.toMatchObject({ code: "usage", message: expect.stringContaining("steps") });
    const unknown = application.createJob({ request: { prompt: "a fox" }, model: "nobody" }, me);
    await expect(unknown).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("embedded"),
    });
  });

  it("starts from a stored image", async () => {
    const [first] = (await application.job("first"))!.images;
    const { bytes } = (await application.imageFile(first!.id))!;
    const upload = await application.upload(bytes);
    expect(upload).toMatchObject({ id: first!.id, width: 256, provenance: { program: "Nishiki" } });
    const request = { prompt: "a blue fox", steps: 4, seed: 3, init: { image: upload.id, strength: 0.5 } };
    const { job } = await draw(request, "from-image");
    expect(job).toMatchObject({ state: "done", request: { init: { image: upload.id, strength: 0.5 } } });
  });

  it("says from the start what is done with its image and its parameters, and once", async () => {
    const pixels = { width: 300, height: 200, channels: 3 as const, data: new Uint8Array(300 * 200 * 3) };
    const { id: image } = await application.upload(encodePng(pixels));
    const request = { prompt: "a fox --s 400 --relax", steps: 2, seed: 3, init: { image, strength: 0.5 } };
    const job = { request, readParameters: true } as never;
    const finished = collect(isEnd("noticed"));
    const { job: created } = await application.createJob(job, me, "noticed");
    const expected = [
      expect.stringMatching(/^--relax belongs/),
      expect.stringMatching(/^--stylize 400 is a guidance scale/),
      `${image.slice(0, 12)}… has 300x200 pixels; its center of 200x200 is scaled to 256x256.`,
    ];
    expect(created.warnings).toEqual(expected);
    await finished;
    const done = await application.job("noticed");
    expect(done).toMatchObject({ state: "done", labels: {}, warnings: expected });
  });

  it("is cancelled within a step", async () => {
    const steps = collect((event) => event.kind === "progress" && event.progress.step === 2);
    await application.createJob({ request: { prompt: "a cat", steps: 500 } }, me, "long");
    await steps;
    const end = collect(isEnd("long"));
    await application.cancelJob("long");
    const after = (await end).filter(({ event }) => event.kind === "progress" && event.job === "long");
    expect(after.length).toBeLessThan(10);
    expect(await application.job("long")).toMatchObject({ state: "cancelled", images: [] });
  });

  it("leaves out an image and goes on with the next", async () => {
    const begun = collect(
      (event) => event.kind === "progress" && event.job === "skip" && event.progress.step === 2,
    );
    const end = collect(isEnd("skip"));
    await application.createJob({ request: { prompt: "a cat", seed: 5, steps: 40, count: 2 } }, me, "skip");
    await begun;
    await application.skipImage("skip");
    await end;
    const { state, images } = (await application.job("skip"))!;
    expect(state).toBe("done");
    expect(images.map(({ index, seed }) => [index, seed])).toEqual([[1, 6]]);
  });
});

describe("events", () => {
  it("are replayed after an id, and repeat the state after an unknown one", async () => {
    const request = { prompt: "a dog", steps: 2, seed: 1 };
    const { events } = await draw(request, "replayed");
    const again = await collect(isEnd("replayed"), events[0]!.id);
    expect(again).toEqual(events.slice(1));
    const repeated = await collect((event) => event.kind === "models", "long-gone-1");
    expect(repeated.map(({ event }) => event.kind)).toEqual(["queue", "models"]);
  });
});

describe("a job that was paused", () => {
  it("goes on with the image that was not finished", async () => {
    const progress = (index: number) => (event: ServerEvent) =>
      event.kind === "progress" &&
      event.job === "paused" &&
      event.progress.index === index &&
      event.progress.step > 0;
    const begun = collect(progress(1));
    const request = { prompt: "a cat", seed: 5, steps: 12, count: 3 };
    await application.createJob({ request }, me, "paused");
    await begun;
    const stopped = collect(
      (event) => event.kind === "job" && event.job.id === "paused" && event.job.state === "paused",
    );
    await application.pauseJob("paused");
    await stopped;
    expect((await application.job("paused"))!.images.map(({ index }) => index)).toEqual([0]);
    const end = collect(isEnd("paused"));
    await application.resumeJob("paused");
    const events = (await end).map(({ event }) => event);
    expect(events.some(progress(0))).toBe(false);
    const { state, images } = (await application.job("paused"))!;
    expect([state, ...images.map(({ seed }) => seed)]).toEqual(["done", 5, 6, 7]);
    const fractions = events.flatMap((event) => (event.kind === "progress" ? [event.progress.fraction] : []));
    expect(Math.min(...fractions)).toBeGreaterThanOrEqual(1 / 3);
  });
});

describe("published models", () => {
  it("draw with what is loaded beside them, by ids", async () => {
    const own = await mkdtemp(join(tmpdir(), "nishiki-published-"));
    const golden = fileURLToPath(new URL("../../tests/golden/", import.meta.url));
    await cp(join(golden, "pipelines", "sd1"), join(own, "models", "sd1"), { recursive: true });
    await cp(join(golden, "lora", "kohya.safetensors"), join(own, "models", "ink.safetensors"));
    await cp(join(golden, "receipts", "toy-cat.safetensors"), join(own, "models", "toy-cat.safetensors"));
    const adapter = join(golden, "pipelines", "ip-adapter", "sd1.safetensors");
    await cp(adapter, join(own, "models", "ip", "see.safetensors"));
    const encoder = join(golden, "pipelines", "unclip", "image_encoder");
    await cp(encoder, join(own, "models", "ip", "image_encoder"), { recursive: true });
    const other = await createApplication({ folder: join(own, "data"), models: [join(own, "models")] });
    try {
      const { models, additions } = await other.catalogue();
      expect(models.map(({ id }) => id)).toEqual(["embedded", "sd1"]);
      const found = additions.map(({ id, kind }) => `${kind} ${id}`).sort();
      expect(found).toEqual(["embedding toy-cat", "ipAdapter see", "lora ink"]);
      const style = { prompt: `a cat --sref ${"0".repeat(64)}`, model: "sd1" };
      expect((await other.readPrompt(style))?.faults).toEqual([expect.stringMatching(/load an IP-Adapter/)]);
      const adapted = await other.readPrompt({ ...style, load: { ipAdapter: "see" } });
      expect(adapted?.faults).toEqual([]);
      expect(adapted?.requests[0]).toMatchObject({ styleReference: { images: ["0".repeat(64)] } });
      const request = { prompt: "a <toy-cat>", steps: 2, seed: 3 };
      const load = { embeddings: ["toy-cat"] };
      await other.createJob({ request, load, model: "sd1" }, me, "published");
      const stop = new AbortController();
      for await (const { event } of other.events({ after: "from the start", signal: stop.signal }))
        if (isEnd("published")(event)) break;
      const job = (await other.job("published"))!;
      expect(job).toMatchObject({ state: "done", error: null, request: { rng: "torch-cpu" } });
      expect(job.images[0]!.load).toMatchObject({ embeddings: [{ file: "toy-cat.safetensors" }] });
      expect((await other.catalogue()).models[1]).toMatchObject({
        state: "loaded",
        secondsPerImage: expect.any(Number),
      });
      await other.unloadModel();
      expect((await other.catalogue()).models[1]!.state).toBe("ready");
    } finally {
      await other.close();
      await rm(own, { recursive: true, force: true });
    }
  });
});

describe("the catalogue", () => {
  it("has the embedded model with its limits", async () => {
    const { models, default: id } = await application.catalogue();
    expect(id).toBe("embedded");
    expect(models[0]).toMatchObject({ id: "embedded", family: "nishiki", fits: { fits: true } });
    const schema = (await application.requestSchema("embedded")) as { properties: Record<string, unknown> };
    expect(Object.keys(schema.properties)).toContain("prompt");
    expect(await application.requestSchema("nobody")).toBeUndefined();
  });
});
