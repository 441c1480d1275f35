// The second stage: enlarged images, in tiles and whole, alone and in batches, from the library and by the command line.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Engine, HostTensors, Session } from "../src/engine/index.js";
import { makeEngine } from "../src/engine/node.js";
import { decodePng } from "../src/image/index.js";
import { superResolutionConfigs } from "../src/models/index.js";
import {
  compareWithReceipt,
  doubleByDiffusion,
  enlargeByLanczos,
  halve,
  type ImageEvent,
  type ImageRequest,
  type Pipeline,
  parseReceipt,
  receiptKey,
  traceSuperResolution,
} from "../src/pipeline/index.js";
import { loadPipeline } from "../src/pipeline/node.js";
import { random } from "../src/random/index.js";
import { runCli } from "./support/run-cli.js";
import { tinyCascadeManifest, writeTinyModel } from "./support/tiny-model.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
let cascade: string;
let plain: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-large-"));
  cascade = await writeTinyModel(join(folder, "cascade"), 1, 1, tinyCascadeManifest);
  plain = await writeTinyModel(join(folder, "plain"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function drawAll(pipeline: Pipeline, request: Partial<ImageRequest>): Promise<ImageEvent[]> {
  const images: ImageEvent[] = [];
  const whole = { prompt: "a cat", seed: 3, steps: 1, guidance: 1, ...request };
  for await (const event of pipeline.generate(whole)) if (event.kind === "image") images.push(event);
  return images;
}

async function withPipeline<T>(
  model: string,
  work: (pipeline: Pipeline) => Promise<T>,
  threads = 1,
): Promise<T> {
  const pipeline = await loadPipeline({ model, threads, device: "cpu" });
  try {
    return await work(pipeline);
  } finally {
    await pipeline.dispose();
  }
}

describe("doubling by diffusion", () => {
  const config = superResolutionConfigs.tiny;
  const image = { width: 40, height: 32, data: random(1, "picture").normals(40 * 32 * 3) };
  let engine: Engine;
  const sessions: Session[] = [];
  let runs = 0;
  beforeAll(() => {
    engine = makeEngine({ device: "cpu", threads: 1 });
  });
  afterAll(async () => {
    await Promise.all(sessions.map((session) => session.close()));
    await engine.close();
  });

  /** Random weights, also where training begins with zeros: else every tile would give nothing. */
  async function open(height: number, width: number): Promise<Session> {
    const program = traceSuperResolution(config, height, width);
    const weights: Record<string, HostTensors[string]> = {};
    for (const { name, shape } of program.parameters) {
      const size = shape.reduce((a, b) => a * b, 1);
      const fan = size / (shape[0] ?? 1);
      const data = random(7, name)
        .normals(size)
        .map((value) => value / Math.sqrt(fan));
      weights[name] = { dtype: "f32", shape, data };
    }
    const session = await engine.load(program);
    sessions.push(session);
    const run: Session["run"] = (inputs) => {
      runs += 1;
      return session.run({ ...inputs, ...weights });
    };
    return { ...session, run };
  }
  const network = { config, steps: 2, augmentation: 0.1, open };

  it("has no seams: tiles give what the whole gives, but for rounding", async () => {
    runs = 0;
    const whole = await doubleByDiffusion(image, network, { seed: 1, stage: 0 });
    expect([whole.width, whole.height, runs]).toEqual([80, 64, 2]);
    const tiled = await doubleByDiffusion(image, { ...network, tile: 40 }, { seed: 1, stage: 0 });
    expect(runs).toBeGreaterThan(2 + 2 * 8);
    const largest = whole.data.reduce((most, v, i) => Math.max(most, Math.abs(v - tiled.data[i]!)), 0);
    expect(largest).toBeLessThan(1e-4);
    const enlarged = enlargeByLanczos(image.data, 40, 32, 2);
    expect(whole.data.some((v, i) => Math.abs(v - enlarged[i]!) > 0.05)).toBe(true);
  });

  it("depends on the seed and the stage, and refuses what cannot be folded", async () => {
    const at = async (seed: number, stage: number) =>
      (await doubleByDiffusion(image, network, { seed, stage })).data;
    const first = await at(1, 0);
    expect(await at(1, 0)).toEqual(first);
    expect(await at(2, 0)).not.toEqual(first);
    expect(await at(1, 1)).not.toEqual(first);
    const odd = { width: 3, height: 4, data: new Float32Array(36) };
    await expect(doubleByDiffusion(odd, network, { seed: 1, stage: 0 })).rejects.toThrow(
      /^Super-resolution: expected sides that are multiples of 2, got 3x4\.$/,
    );
  });
});

describe("plain filters", () => {
  it("keep plain colours, and give back what was smooth", () => {
    const grey = new Float32Array(8 * 6 * 3).fill(0.25);
    for (const value of enlargeByLanczos(grey, 8, 6, 4)) expect(value).toBeCloseTo(0.25, 6);
    const ramp = Float32Array.from({ length: 16 * 16 * 3 }, (_, i) => Math.floor(i / 3) % 16);
    const again = halve(enlargeByLanczos(ramp, 16, 16, 2), 32, 32);
    for (let x = 4; x < 12; x++) expect(again[(8 * 16 + x) * 3]!).toBeCloseTo(x, 1);
  });
});

describe("pictures of a cascade", () => {
  it("are the same alone and in a batch, with one thread and two; verify covers them", async () => {
    const size = "512x512";
    const [batch, alone] = await withPipeline(cascade, async (pipeline) => {
      const images = await drawAll(pipeline, { size, count: 2 });
      const again = await drawAll(pipeline, { size, seed: 4 });
      const drawn = decodePng(images[0]!.png());
      const receipt = parseReceipt(drawn.text[receiptKey]!);
      expect(receipt.request).toMatchObject({
        size: { width: 512, height: 512 },
        upscale: "super-resolution",
      });
      expect(Object.keys(receipt.model.weights)).toContain("super-resolution.safetensors");
      const pixels = { width: 512, height: 512, channels: 3 as const, data: images[0]!.pixels };
      expect(await compareWithReceipt(pixels, receipt, pipeline)).toMatchObject({ identical: true });
      return [images, again] as const;
    });
    expect(batch.map(({ width, height }) => [width, height])).toEqual([
      [512, 512],
      [512, 512],
    ]);
    expect(Buffer.compare(batch[1]!.pixels, alone[0]!.pixels)).toBe(0);
    const other = await withPipeline(cascade, (pipeline) => drawAll(pipeline, { size, seed: 4 }), 2);
    expect(Buffer.compare(other[0]!.pixels, alone[0]!.pixels)).toBe(0);
  });

  it("are enlarged by Lanczos where that is asked for, the small picture being the same", async () => {
    await withPipeline(cascade, async (pipeline) => {
      const [small] = await drawAll(pipeline, {});
      const [large] = await drawAll(pipeline, { size: "1024x1024", upscale: "lanczos" });
      expect(large!.width).toBe(1024);
      const values = Float32Array.from(small!.pixels);
      const wanted = enlargeByLanczos(values, 256, 256, 4);
      const far = large!.pixels.findIndex((v, i) => Math.abs(v - Math.min(255, Math.max(0, wanted[i]!))) > 1);
      expect(far).toBe(-1);
    });
  });

  it("are refused in a sentence where they cannot be", async () => {
    await withPipeline(plain, async (pipeline) => {
      const ask = (more: object) => () => pipeline.complete({ prompt: "a cat", ...more });
      expect(ask({ size: "300" })).toThrow(
        /^size: this model only draws 256x256, 512x512, 1024x1024 pixels, got 300x300\.$/,
      );
      expect(ask({ size: "512", upscale: "super-resolution" })).toThrow(
        /^upscale: this model has no super-resolution network; for 512x512 pixels, use lanczos\.$/,
      );
      expect(ask({ size: "512" })).toThrow(/no super-resolution network.*use lanczos/);
      expect(ask({ upscale: "lanczos" })).toThrow(/^upscale: requires a size above 256x256, got 256x256\.$/);
      const image = { width: 512, height: 512, channels: 3, data: new Uint8Array(512 * 512 * 3) };
      expect(ask({ size: "512", upscale: "lanczos", init: { image } })).toThrow(
        /^init\.image: expected an image of 256x256 pixels, which is enlarged to 512x512, got 512x512\.$/,
      );
    });
  });

  it("begin with an init image and a mask of the small size", async () => {
    await withPipeline(cascade, async (pipeline) => {
      const data = Uint8Array.from({ length: 256 * 256 * 3 }, (_, i) => 40 + ((i / 3) % 256) / 2);
      const image = { width: 256, height: 256, channels: 3 as const, data };
      const mask = { ...image, data: data.map((_, i) => (Math.floor(i / 3) % 256 < 128 ? 0 : 255)) };
      const request = { init: { image, strength: 1 }, inpaint: { mask }, steps: 2 };
      const [small] = await drawAll(pipeline, request);
      const [large] = await drawAll(pipeline, { ...request, size: "512x512", upscale: "lanczos" });
      expect([large!.width, large!.height]).toEqual([512, 512]);
      const wanted = enlargeByLanczos(Float32Array.from(small!.pixels), 256, 256, 2);
      const far = large!.pixels.findIndex((v, i) => Math.abs(v - Math.min(255, Math.max(0, wanted[i]!))) > 1);
      expect(far).toBe(-1);
      const part = { ...request, size: "512x512" as const, inpaint: { mask, onlyMasked: 32 } };
      expect(() => pipeline.complete({ prompt: "a cat", ...part })).toThrow(
        /^size: expected 256x256 with inpaint\.onlyMasked, got 512x512\.$/,
      );
    });
  });

  it("are doubled by another sampler where that is asked for, with a step event for each step", async () => {
    await withPipeline(cascade, async (pipeline) => {
      const size = "1024x1024";
      const draw = async (more: object) => {
        const steps: string[] = [];
        let pixels = new Uint8Array();
        for await (const event of pipeline.generate({
          prompt: "a cat",
          seed: 3,
          steps: 1,
          guidance: 1,
          size,
          ...more,
        })) {
          if (event.kind === "image") pixels = Uint8Array.from(event.pixels);
          if (event.kind !== "step") continue;
          steps.push(`${event.stage} ${event.step}/${event.steps}`);
          expect((await event.preview()).width).toBe(
            { base: 256, "super-resolution": 512 }[event.stage] ?? 1024,
          );
        }
        return { steps, pixels };
      };
      const usual = await draw({});
      expect(usual.steps).toEqual([
        "base 1/1",
        "super-resolution 1/2",
        "super-resolution 2/2",
        "super-resolution 2 1/2",
        "super-resolution 2 2/2",
      ]);
      expect(Buffer.compare((await draw({ upscaleSampler: "euler" })).pixels, usual.pixels)).toBe(0);
      expect(
        Buffer.compare((await draw({ upscaleSampler: "euler-ancestral" })).pixels, usual.pixels),
      ).not.toBe(0);
      expect(() => pipeline.complete({ prompt: "a cat", upscaleSampler: "heun" })).toThrow(
        /^upscaleSampler: requires a size above 256x256 drawn by super-resolution\.$/,
      );
    });
  });

  it("are drawn by the command line", async () => {
    const options = ["--steps", "1", "--threads", "1", "--seed", "1", "-o", "large.png"];
    const args = ["a cat", "--model", plain, "--size", "512", "--upscale", "lanczos", ...options];
    expect(await runCli(args, { cwd: folder })).toMatchObject({ code: 0, lines: ["large.png"] });
    const { width, height } = decodePng(await readFile(join(folder, "large.png")));
    expect([width, height]).toEqual([512, 512]);
  });
});
