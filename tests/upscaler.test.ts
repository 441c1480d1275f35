// Stable Diffusion's x4 upscaler against diffusers: the same seed, words and small image, and the latents that come out.
// tests/golden/scripts/upscaler.py made them; the file's metadata says with which versions.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSafetensors } from "../src/checkpoint/node.js";
import { decodePng } from "../src/image/index.js";
import { type ImageRequest, Pipeline, readInputImage } from "../src/index.js";
import type { Model, StageResult, TransformStage } from "../src/pipeline/index.js";
import { loadParts, openModel } from "../src/pipeline/node.js";
import { runHere } from "./support/run-here.js";

const golden = (name: string) => fileURLToPath(new URL(`./golden/pipelines/${name}`, import.meta.url));
const model = golden("x4");

interface Case {
  readonly prompt: string;
  readonly negative: string;
  readonly seed: number;
  readonly steps: number;
  readonly guidance: number;
  readonly noise: number;
  readonly width: number;
  readonly height: number;
  readonly sampler?: string;
}

const file = await openSafetensors(golden("x4.safetensors"));
const cases = Object.entries(JSON.parse(file.metadata.cases!) as Record<string, Case>);

describe("the x4 upscaler against diffusers", () => {
  let pipeline: Pipeline;
  let latents: StageResult | undefined;
  beforeAll(async () => {
    const parts = await loadParts({ model, threads: 1, device: "cpu" });
    const { identity, context } = parts.model;
    const prepare: Model["prepare"] = async (settings, runtime) => {
      const plan = await parts.model.prepare(settings, runtime);
      const decode = plan.stages.at(-1) as TransformStage;
      const run: TransformStage["run"] = (input, inner) => {
        latents = input.last;
        return decode.run(input, inner);
      };
      return { ...plan, stages: [...plan.stages.slice(0, -1), { ...decode, run }] };
    };
    pipeline = new Pipeline({ ...parts, model: { identity, context, prepare } });
  });
  afterAll(() => pipeline?.dispose());

  async function draw(request: ImageRequest) {
    for await (const event of pipeline.generate(request)) {
      expect(event.kind).not.toBe("warning");
      if (event.kind === "image") return event;
    }
    throw new Error("no picture");
  }

  it.each(cases)("%s", async (name, { negative, noise, width, height, ...one }) => {
    const image = await readInputImage(golden(`x4-${width}x${height}.png`));
    const request = { ...one, negativePrompt: negative, init: { image } };
    const drawn = await draw({ ...request, superResolution: { noiseLevel: [noise] } });
    expect([drawn.width, drawn.height]).toEqual([4 * width, 4 * height]);
    const expected = await file.readFloat32(name);
    const found = latents?.kind === "values" ? latents.data : new Float32Array();
    expect(found).toHaveLength(expected.length);
    const most = Math.max(...expected.map(Math.abs));
    const error = Math.max(...found.map((value, i) => Math.abs(value - expected[i]!))) / most;
    if (process.env.SHOW) console.log(name, error.toExponential(1));
    expect(error).toBeLessThan(1e-4);
    if (name !== "plain") return;
    const pixels = await file.readFloat32("plain.pixels");
    const places = pixels.length / 3;
    const bytes = [...drawn.pixels].map(
      (_, i) => (pixels[(i % 3) * places + Math.floor(i / 3)]! + 1) * 127.5,
    );
    const off = bytes.map((value, i) => Math.abs(Math.min(255, Math.max(0, value)) - drawn.pixels[i]!));
    expect(Math.max(...off)).toBeLessThan(0.6);
  });
});

describe("the x4 upscaler", () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "nishiki-x4-"));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it("enlarges a file, without a prompt too, and what it drew verifies", async () => {
    const output = join(root, "large.png");
    const machine = ["--model", model, "--threads", "1", "--device", "cpu"];
    const image = golden("x4-24x16.png");
    const drawn = await runHere([
      "draw",
      "",
      ...machine,
      "--image",
      image,
      "--steps",
      "2",
      "--seed",
      "1",
      "-o",
      output,
    ]);
    expect([drawn.code, drawn.stderr]).toEqual([0, expect.not.stringMatching(/error/)]);
    expect(decodePng(await readFile(output))).toMatchObject({ width: 96, height: 64 });
    const { code, stdout } = await runHere(["verify", output, ...machine, "--image", image]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/identical/i)]);
  });

  it("says what it is and what it costs", async () => {
    expect((await runHere(["info", model])).stdout).toMatch(/x4 upscaler[\s\S]*four times as large/);
    const opened = await openModel({ model });
    const parts = await loadParts({ model, threads: 1, device: "cpu" });
    const pipeline = new Pipeline(parts);
    const image = await readInputImage(golden("x4-16x16.png"));
    const settings = pipeline.complete({ prompt: "a", init: { image } });
    expect(settings).toMatchObject({
      steps: 75,
      guidance: 9,
      sampler: "ddim",
      size: { width: 64, height: 64 },
    });
    const work = await opened.getWork!(settings);
    expect(work.map(({ network, evaluations }) => [network, evaluations])).toEqual([
      ["text encoder", 2],
      ["denoiser", 150],
      ["decoder", 1],
    ]);
    await pipeline.dispose();
  });

  it("draws an image larger than a tile, and each tile sees its own part of the small image", async () => {
    const image = { width: 216, height: 16, channels: 3 as const, data: new Uint8Array(216 * 16 * 3) };
    image.data.fill(255, 0, 3 * 216 * 8);
    const pipeline = new Pipeline(await loadParts({ model, threads: 1, device: "cpu" }));
    const request = { prompt: "a", seed: 1, steps: 1, guidance: 1, init: { image } };
    expect(pipeline.getWork(request).find(({ network }) => network === "denoiser")?.evaluations).toBe(2);
    for await (const event of pipeline.generate(request))
      if (event.kind === "image") expect([event.width, event.height]).toEqual([864, 64]);
    await pipeline.dispose();
  });

  it("refuses what it cannot honour", async () => {
    const image = await readInputImage(golden("x4-16x16.png"));
    const pipeline = new Pipeline(await loadParts({ model, threads: 1, device: "cpu" }));
    const complete = (request: Partial<ImageRequest>) => () => pipeline.complete({ prompt: "a", ...request });
    const init = { image };
    expect(complete({})).toThrow("init.image: this model enlarges an image; expected one, got none");
    expect(complete({ init: { image, strength: 0.3 } })).toThrow("has no strength; omit it, got 0.3");
    expect(complete({ init, size: "128x128" })).toThrow(/expected an image of 32x32 pixels.*, got 16x16/);
    expect(complete({ init, superResolution: { noiseLevel: [351] } })).toThrow("takes up to 350, got 351");
    expect(complete({ init, superResolution: { steps: [3] } })).toThrow("use steps");
    expect(complete({ init, inpaint: { mask: image } })).toThrow("inpaint");
    await pipeline.dispose();
  });

  it.each([
    [
      "vae/config.json",
      {
        block_out_channels: [4, 8],
        down_block_types: ["DownEncoderBlock2D", "DownEncoderBlock2D"],
        up_block_types: ["UpDecoderBlock2D", "UpDecoderBlock2D"],
      },
      /enlarges 2 times, expected 4/,
    ],
    ["unet/config.json", { num_class_embeds: null }, /takes no noise level/],
    ["unet/config.json", { in_channels: 4 }, /takes 4 channels; expected 7/],
    ["unet/config.json", { block_out_channels: [8, 16, 24] }, /do not fit its configs/],
    ["text_encoder/config.json", { hidden_size: 24 }, /states are 24 wide, but the denoiser takes 16/],
    ["model_index.json", { low_res_scheduler: [null, null] }, /names no low_res_scheduler/],
  ])("refuses a folder whose %s says %j", async (name, change, message) => {
    const folder = await mkdtemp(join(root, "broken-"));
    await cp(model, folder, { recursive: true });
    const path = join(folder, name);
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...change }));
    await expect(loadParts({ model: folder, device: "cpu" })).rejects.toMatchObject({
      code: "checkpoint",
      message: expect.stringMatching(message),
    });
  });
});
