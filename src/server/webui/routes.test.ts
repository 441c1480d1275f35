import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodePng, encodePng, parseParameters, readPngText } from "../../image/index.js";
import type { Application } from "../application.js";
import { createApplication } from "../node-application.js";
import { makeWebuiRoutes } from "./index.js";

/** Tiny models with random weights; sd1 is a Stable Diffusion that draws 64x64 pixels. */
const golden = (name: string) => fileURLToPath(new URL(`../../../tests/golden/${name}`, import.meta.url));
const models = [golden("pipelines"), golden("lora")];
let folder: string;
let application: Application;
let routes: Hono;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-webui-"));
  application = await createApplication({ folder, models });
  routes = makeWebuiRoutes(application, { caller: (c) => ({ owner: c.req.header("x-owner") ?? "test" }) });
});

afterAll(async () => {
  await application?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what a client reads without a schema
  readonly body: any;
}

async function ask(path: string, body?: unknown, owner = "test"): Promise<Answer> {
  const response = await routes.request(path, {
    method: body === undefined ? "GET" : "POST",
    headers: { "content-type": "application/json", "x-owner": owner },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const small = { prompt: "a red fox", steps: 3, width: 256, height: 256, seed: 7 };
const textOf = (base64: string) => readPngText(Buffer.from(base64, "base64"));

describe("txt2img", () => {
  it("answers with images, the fields and the info that webui has", async () => {
    const { status, body } = await ask("/sdapi/v1/txt2img", {
      ...small,
      n_iter: 2,
      negative_prompt: "blurry",
    });
    expect(status, JSON.stringify(body).slice(0, 500)).toBe(200);
    expect(body.images).toHaveLength(2);
    const info = JSON.parse(body.info);
    expect(info).toMatchObject({
      prompt: "a red fox",
      all_prompts: ["a red fox", "a red fox"],
      seed: 7,
      all_seeds: [7, 8],
      all_subseeds: [7, 8],
      width: 256,
      height: 256,
      sampler_name: "Euler",
      cfg_scale: 7,
      steps: 3,
      clip_skip: 1,
      sd_model_name: "embedded",
    });
    expect(info.infotexts).toEqual(body.images.map((image: string) => textOf(image).parameters));
    expect(info.infotexts[1]).toMatch(
      /^a red fox\nNegative prompt: blurry\nSteps: 3, Sampler: Euler, .*Seed: 8,/,
    );
    expect(body.parameters).toMatchObject({ prompt: "a red fox", steps: 3, n_iter: 2, cfg_scale: 7 });
  });
});

const sd = { ...small, width: 64, height: 64, override_settings: { sd_model_checkpoint: "sd1" } };

describe("Stable Diffusion", () => {
  it("takes webui's random numbers, schedules and clip skip", async () => {
    const settings = { ...sd.override_settings, CLIP_stop_at_last_layers: 2 };
    const { status, body } = await ask("/sdapi/v1/txt2img", {
      ...sd,
      sampler_name: "DPM++ 2M",
      override_settings: settings,
    });
    expect(status, JSON.stringify(body)).toBe(200);
    const { fields } = parseParameters(textOf(body.images[0]).parameters!);
    expect(fields).toMatchObject({ Sampler: "DPM++ 2M", "Schedule type": "Karras", "Clip skip": "2" });
    const job = await application.jobs({ limit: 1 });
    expect(job.jobs[0]!.request).toMatchObject({ rng: "torch-cuda", clipSkip: 1, schedule: "karras" });
  });

  it("loads LoRAs that the prompt names, and names them in the file", async () => {
    const loras = (await ask("/sdapi/v1/loras")).body;
    expect(loras.map(({ name }: { name: string }) => name)).toContain("kohya");
    const request = { ...sd, prompt: "a red fox <lora:kohya:0.7>" };
    const { status, body } = await ask("/sdapi/v1/txt2img", request);
    expect(status, JSON.stringify(body).slice(0, 500)).toBe(200);
    const info = JSON.parse(body.info);
    expect([info.prompt, info.infotexts[0].split("\n")[0]]).toEqual([request.prompt, request.prompt]);
    const plain = (await ask("/sdapi/v1/txt2img", { ...sd, prompt: "a red fox" })).body;
    expect(plain.images[0]).not.toBe(body.images[0]);
    const { infotexts } = info;
    const again = await ask("/sdapi/v1/txt2img", {
      infotext: infotexts[0],
      override_settings: sd.override_settings,
    });
    expect(again.body.images).toEqual(body.images);
    const disabled = await ask("/sdapi/v1/txt2img", { ...request, disable_extra_networks: true });
    expect(disabled.body.images).toEqual(plain.images);
  });

  it("draws a hires fix in two passes", async () => {
    const { status, body } = await ask("/sdapi/v1/txt2img", {
      ...sd,
      enable_hr: true,
      hr_scale: 1.5,
      hr_upscaler: "Latent (bicubic)",
      hr_second_pass_steps: 2,
      denoising_strength: 0.6,
    });
    expect(status, JSON.stringify(body)).toBe(200);
    const image = decodePng(Buffer.from(body.images[0], "base64"));
    expect([image.width, image.height]).toEqual([96, 96]);
    expect(JSON.parse(body.info)).toMatchObject({
      denoising_strength: 0.6,
      extra_generation_params: {
        "Hires upscale": 1.5,
        "Hires steps": 2,
        "Hires upscaler": "Latent (bicubic)",
      },
    });
    expect(parseParameters(image.text.parameters!).fields).toMatchObject({
      Size: "64x64",
      "Hires upscale": "1.5",
      "Hires steps": "2",
      "Denoising strength": "0.6",
    });
  });
});

const toBase64 = (width: number, height: number, colour: (x: number, y: number) => readonly number[]) => {
  const channels = colour(0, 0).length as 3 | 4;
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) data.set(colour(i % width, Math.floor(i / width)), i * channels);
  return Buffer.from(encodePng({ width, height, channels, data })).toString("base64");
};

describe("img2img", () => {
  const photo = (x: number, y: number) => [x % 256, y % 256, 90];
  const box = (x: number, y: number) =>
    x >= 300 && x < 340 && y >= 40 && y < 70 ? [255, 255, 255] : [0, 0, 0];

  it("repaints only the masked part of an image of any size", async () => {
    const request = {
      ...small,
      init_images: [`data:image/png;base64,${toBase64(400, 200, photo)}`],
      mask: toBase64(400, 200, box),
      mask_blur: 2,
      inpaint_full_res_padding: 16,
    };
    const { status, body } = await ask("/sdapi/v1/img2img", request);
    expect(status, JSON.stringify(body).slice(0, 500)).toBe(200);
    const image = decodePng(Buffer.from(body.images[0], "base64"));
    expect([image.width, image.height]).toEqual([400, 200]);
    const changed: number[] = [];
    for (let i = 0; i < 400 * 200; i++) {
      const [x, y] = [i % 400, Math.floor(i / 400)];
      if (photo(x, y).some((value, c) => value !== image.data[i * 3 + c])) changed.push(i);
    }
    const xs = changed.map((i) => i % 400);
    const ys = changed.map((i) => Math.floor(i / 400));
    expect(changed.length).toBeGreaterThan(600);
    // The blur reaches four pixels beyond the mask.
    expect(Math.min(...xs)).toBeGreaterThanOrEqual(296);
    expect(Math.max(...xs)).toBeLessThan(344);
    expect(Math.min(...ys)).toBeGreaterThanOrEqual(36);
    expect(Math.max(...ys)).toBeLessThan(74);
    expect(body.parameters).toMatchObject({ init_images: null, mask: null });
  });

  it.each([0, 1, 2])("brings an image to the size of the request by way %s", async (resize_mode) => {
    const request = {
      ...small,
      init_images: [toBase64(90, 40, photo)],
      resize_mode,
      denoising_strength: 0.4,
    };
    const { status, body } = await ask("/sdapi/v1/img2img", request);
    expect(status, JSON.stringify(body).slice(0, 500)).toBe(200);
    expect(JSON.parse(body.info)).toMatchObject({ width: 256, height: 256, denoising_strength: 0.4 });
  });
});
