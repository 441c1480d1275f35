// Jobs that are no drawings, on a whole application: enlarging, and training with drawings in between.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { writeTinyModel } from "../../tests/support/tiny-model.js";
import { decodePng, encodePng } from "../image/index.js";
import { type ExplanationPart, mergeParts } from "../inspect/index.js";
import type { Job, JobRequest } from "./api/index.js";
import type { Application } from "./application.js";
import { createApplication } from "./node-application.js";

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

let folder: string;
let application: Application;
const caller = { owner: "test" };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-work-"));
  await writeTinyModel(join(folder, "others", "tiny"));
  application = await createApplication({ folder, models: [join(folder, "others")] });
});
afterAll(async () => {
  await application.close();
  await rm(folder, { recursive: true, force: true });
});

const create = async (request: JobRequest, id?: string) =>
  (await application.createJob(request, caller, id)).job;

async function follow(id: string, until: (job: Job) => boolean): Promise<Job> {
  for (;;) {
    const job = (await application.job(id))!;
    if (until(job)) return job;
    await pause(50);
  }
}

const finish = (id: string) => follow(id, ({ state }) => ["done", "failed", "cancelled"].includes(state));

/** An image of vertical stripes. */
function makeImage(width: number, height: number, shift = 0, channels: 3 | 4 = 3): Uint8Array {
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const x = Math.floor(i / channels) % width;
    data[i] = i % channels === 3 ? 128 : (x * 8 + shift * 40 + (i % channels) * 60) % 256;
  }
  return encodePng(
    { width, height, channels, data },
    { text: { parameters: "stripes\nSteps: 4, Seed: 7, Size: 8x8" } },
  );
}

describe("enlarging", () => {
  it.each([
    ["lanczos", 2, 3],
    ["lanczos", 1.5, 4],
    ["super-resolution", 2, 3],
    ["super-resolution", 3, 4],
  ] as const)("by %s, %d times, with %d channels", async (upscaler, factor, channels) => {
    const { id } = await application.upload(makeImage(31, 20, 0, channels));
    const job = await finish((await create({ kind: "enlarge", image: id, factor, upscaler })).id);
    expect(job).toMatchObject({
      state: "done",
      error: null,
      kind: "enlarge",
      request: { image: id, factor, upscaler },
    });
    const [image] = job.images;
    const size = { width: Math.round(31 * factor), height: 20 * factor };
    expect(image).toMatchObject({ ...size, prompt: "stripes", seed: 7 });
    const { text, ...pixels } = decodePng((await application.imageFile(image!.id))!.bytes);
    expect(pixels).toMatchObject({ ...size, channels });
    expect(text.parameters).toMatch(new RegExp(`Postprocess upscale by: ${factor}, Postprocess upscaler: `));
  });

  it("belongs to the image that it enlarges, and stays the same image when it is repeated", async () => {
    const drawn = await finish((await create({ request: { prompt: "a cat", steps: 2, seed: 1 } })).id);
    const request: JobRequest = {
      kind: "enlarge",
      image: drawn.images[0]!.id,
      factor: 2,
      upscaler: "super-resolution",
    };
    const [first, second] = [await create(request, "once"), await create(request, "twice")];
    const [a, b] = [await finish(first.id), await finish(second.id)];
    expect(a.images[0]).toMatchObject({
      width: 512,
      prompt: "a cat",
      parent: { image: drawn.images[0]!.id, action: "enlarge" },
    });
    expect(b.images[0]!.id).toBe(a.images[0]!.id);
    await expect(create({ ...request, factor: 4 } as JobRequest, "once")).rejects.toThrow(/exists already/);
  });

  it("refuses what it cannot do, with a sentence", async () => {
    const { id } = await application.upload(makeImage(31, 20));
    const enlarge = (change: object) =>
      create({ kind: "enlarge", image: id, factor: 2, upscaler: "lanczos", ...change });
    await expect(enlarge({ upscaler: "esrgan" })).rejects.toThrow(
      /Unknown upscaler "esrgan".*lanczos, super-resolution/,
    );
    await expect(enlarge({ image: "0".repeat(64) })).rejects.toThrow(/there is no stored image/);
    await expect(enlarge({ factor: 9 })).rejects.toThrow(/factor: expected/);
    const large = await application.upload(makeImage(4000, 4000));
    await expect(enlarge({ image: large.id, factor: 8 })).rejects.toThrow(
      /32000x32000 pixels; the limit is 67 million/,
    );
  });
});

it("refuses trainings and evaluations that cannot be run", async () => {
  const image = await application.upload(makeImage(8, 8));
  const train = (change: object) =>
    create({ kind: "train", name: "mine", images: [{ id: image.id, caption: "a cat" }], ...change });
  await expect(train({ images: [{ id: "0".repeat(64), caption: "a cat" }] })).rejects.toThrow(
    /images\[0\]\.id: there is no stored image/,
  );
  await expect(train({ images: [] })).rejects.toThrow(/images: expected/);
  await expect(train({ name: "../../etc/passwd" })).rejects.toThrow(/name: expected/);
  await expect(train({ model: "nothing" })).rejects.toThrow(/Unknown model "nothing"/);
  process.env.NISHIKI_SPRITES = join(folder, "nowhere");
  try {
    await expect(create({ kind: "evaluate" })).rejects.toThrow(
      /sprites are not on this machine: run `nishiki data build`/,
    );
  } finally {
    delete process.env.NISHIKI_SPRITES;
  }
});

describe("training", () => {
  async function startTraining(name: string, steps: number) {
    const images = [];
    for (const shift of [0, 1]) {
      const { id } = await application.upload(makeImage(64, 64, shift));
      images.push({ id, caption: "stripes in my style" });
    }
    return create({ kind: "train", name, model: "tiny", images, steps, rank: 4 });
  }

  it("lets drawings go first, shows its values and samples, and gives a LoRA that can be used at once", async () => {
    const { id, request } = await startTraining("my stripes", 8);
    expect(request).toMatchObject({
      steps: 8,
      rank: 4,
      learningRate: 2e-3,
      samplePrompt: "stripes in my style",
    });
    const running = await follow(id, ({ progress }) => progress?.stage === "train");
    expect(running.progress?.values?.loss).toBeGreaterThan(0);
    const drawing = await finish(
      (await create({ model: "tiny", request: { prompt: "a cat", steps: 2, seed: 2 } })).id,
    );
    expect(drawing.state).toBe("done");
    const trained = await finish(id);
    expect(trained).toMatchObject({ state: "done", error: null, result: { lora: "my stripes", steps: 8 } });
    expect(await application.preview(id)).toMatchObject({ type: "image/webp" });
    const { additions } = await application.catalogue();
    expect(additions).toMatchObject([{ id: "my stripes", kind: "lora" }]);
    const plain = { prompt: "stripes in my style", steps: 2, seed: 3 };
    const before = await finish((await create({ model: "tiny", request: plain })).id);
    const after = await finish(
      (await create({ model: "tiny", request: plain, load: { loras: [{ id: "my stripes" }] } })).id,
    );
    expect(after).toMatchObject({ state: "done", error: null });
    expect(after.images[0]!.id).not.toBe(before.images[0]!.id);
    await expect(startTraining("my stripes", 8)).rejects.toThrow(/there is a LoRA "my stripes" already/);
    expect(await readdir(join(folder, "trainings", id))).toEqual(["my stripes.run"]);
  });

  it("that is stopped keeps what it has learned", async () => {
    const { id } = await startTraining("half learned", 10_000);
    await follow(id, ({ progress }) => progress?.stage === "train" && progress.step >= 2);
    await application.cancelJob(id);
    const isThere = async () =>
      (await application.catalogue()).additions.some((one) => one.id === "half learned");
    while (!(await isThere())) await pause(100);
    expect((await application.job(id))?.state).toBe("cancelled");
  });
});

describe("explaining", () => {
  it("draws again what a job drew, and keeps the explanation", async () => {
    const request = { prompt: "a blue cat", seed: 5, count: 2, steps: 3 };
    const { images } = await finish((await create({ request })).id);
    const second = images.find(({ index }) => index === 1)!;
    const amounts = { panels: ["leave-out" as const, "seeds" as const], otherSeeds: 1, leaveOut: 1 };
    const { forecast } = await application.forecastExplanation({ image: second.id, ...amounts });
    expect(forecast!.panels.map(({ panel, drawings }) => [panel, drawings])).toEqual([
      ["drawing", 1],
      ["leave-out", 1],
      ["seeds", 2],
    ]);
    for (const { seconds, bytes } of forecast!.panels) {
      expect(seconds).toBeGreaterThan(0);
      expect(bytes).toBeGreaterThan(1e8);
    }
    const { id } = await create({ kind: "explain", image: second.id, ...amounts });
    const parts: ExplanationPart[] = [];
    const fetchNext = async () => {
      const part = await application.finding(id, parts.length + 1);
      if (part !== undefined) parts.push(JSON.parse(part) as ExplanationPart);
      return part !== undefined;
    };
    const stop = new AbortController();
    for await (const { event } of application.events({ job: id, signal: stop.signal })) {
      if (event.kind === "progress" && (event.progress.findings ?? 0) > parts.length) await fetchNext();
      if (event.kind === "job" && event.job.state === "done") break;
    }
    stop.abort();
    // The picture was there while the rest was being drawn.
    expect(parts[0]).toMatchObject({ prompt: "a blue cat", image: expect.stringMatching(/^data:image/) });
    expect(parts[0]!.seeds).toBeUndefined();
    while (await fetchNext());
    const job = (await application.job(id))!;
    expect(job).toMatchObject({ kind: "explain", state: "done", error: null, images: [] });
    const { bytes, type } = (await application.report(job.id))!;
    expect(type).toBe("application/json");
    const explanation = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
    expect(explanation).toMatchObject({ prompt: "a blue cat", seed: 6, steps: 3 });
    expect((explanation.stepImages as unknown[]).length).toBe(3);
    expect(mergeParts(parts)).toEqual(explanation);
    const page = (await application.report(id, "page"))!;
    expect(page.type).toBe("text/html");
    expect(Buffer.from(page.bytes).toString()).toContain('<script id="explanation"');
  });

  it("says why an image cannot be explained", async () => {
    const { id } = await application.upload(makeImage(8, 8));
    await expect(create({ kind: "explain", image: id })).rejects.toThrow(/no drawn image with the id/);
    const enlarged = await finish(
      (await create({ kind: "enlarge", image: id, factor: 2, upscaler: "lanczos" })).id,
    );
    const explain = create({ kind: "explain", image: enlarged.images[0]!.id });
    await expect(explain).rejects.toThrow(/not drawn here/);
  });
});
