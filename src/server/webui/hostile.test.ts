import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import type { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng } from "../../image/index.js";
import type { Application } from "../application.js";
import { createApplication } from "../node-application.js";
import { makeWebuiRoutes } from "./index.js";

const models = fileURLToPath(new URL("../../../tests/golden/pipelines", import.meta.url));
let folder: string;
let application: Application;
let routes: Hono;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-webui-hostile-"));
  application = await createApplication({ folder, models: [models] });
  routes = makeWebuiRoutes(application, { caller: (c) => ({ owner: c.req.header("x-owner") ?? "test" }) });
});

afterAll(async () => {
  await application?.close();
  await rm(folder, { recursive: true, force: true });
});

// biome-ignore lint/suspicious/noExplicitAny: what a client reads without a schema
type Json = any;

async function ask(path: string, body?: unknown, owner = "test"): Promise<{ status: number; body: Json }> {
  const response = await routes.request(`/sdapi/v1/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "content-type": "application/json", "x-owner": owner },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const small = { prompt: "a red fox", steps: 2, width: 256, height: 256, seed: 7 };
const sd = { ...small, width: 64, height: 64, override_settings: { sd_model_checkpoint: "sd1" } };

/** The field and the sentence of each fault. */
const listFaults = ({ detail }: Json): string[] =>
  typeof detail === "string"
    ? [detail]
    : detail.map(({ loc, msg }: Json) => `${loc.slice(1).join(".")}: ${msg}`);

const makeImage = (width: number, height: number, grey = 90) =>
  Buffer.from(
    encodePng({ width, height, channels: 3, data: new Uint8Array(width * height * 3).fill(grey) }),
  ).toString("base64");

/** A PNG that claims a size in its header and holds nothing of it. */
function makeBomb(width: number, height: number): string {
  const bytes = Buffer.from(makeImage(8, 8), "base64");
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  return bytes.toString("base64");
}

describe("fields that cannot be right", () => {
  it.each([
    [{ steps: 0 }, 422, /^steps: expected a whole number from 1 to 1000, got 0/],
    [{ steps: 1.5 }, 422, /^steps: expected/],
    [{ steps: "many" }, 422, /^steps: expected/],
    [{ steps: true }, 422, /^steps: expected/],
    [{ steps: {} }, 422, /^steps: expected/],
    [{ cfg_scale: -1 }, 422, /^cfg_scale: expected/],
    [{ cfg_scale: "NaN" }, 422, /^cfg_scale: expected/],
    [{ width: 0 }, 422, /^width: expected/],
    [{ width: 260 }, 422, /^width: .*only draws 256x256, 512x512, 1024x1024.* got 260x256/],
    [{ width: 1e9 }, 422, /^width: expected/],
    [{ seed: -2 }, 422, /^seed: expected/],
    [{ seed: 2 ** 60 }, 422, /^seed: expected/],
    [{ batch_size: 1e6 }, 422, /^batch_size: expected/],
    [{ batch_size: 5000, n_iter: 5000 }, 422, /^n_iter: expected .* got 25000000/],
    [{ prompt: "" }, 422, /^prompt: expected text that is not empty/],
    [{ prompt: ["a", "b"] }, 422, /^prompt: expected/],
    [{ prompt: "a\u0000b" }, 422, /^prompt: expected text without NUL/],
    [{ prompt: "<lora:nobody:1> a fox" }, 404, /LoRA not found: nobody/],
    [{ prompt: "<hypernet:x:1> a fox" }, 422, /takes lora only/],
    [{ styles: ["nobody"] }, 404, /Style not found: nobody/],
    [{ sampler_name: "Nobody" }, 400, /Sampler not found/],
    [{ sampler_name: "__proto__" }, 400, /Sampler not found/],
    [{ scheduler: "Nobody" }, 400, /Scheduler not found/],
    [{ tiling: true }, 422, /^tiling: this model does not support/],
    [{ restore_faces: true }, 422, /no face restorer/],
    [{ refiner_checkpoint: "xl" }, 422, /refiner_checkpoint/],
    [{ s_churn: 3 }, 422, /^s_churn/],
    [{ s_min_uncond: 1 }, 422, /^s_min_uncond/],
    [{ seed_resize_from_w: 64, seed_resize_from_h: 64 }, 422, /seed_resize_from_w/],
    [{ script_name: "X/Y/Z plot" }, 422, /Script 'X\/Y\/Z plot' not found/],
    [{ alwayson_scripts: { controlnet: { args: [] } } }, 422, /always on script controlnet not found/],
    [{ override_settings: { sd_model_checkpoint: "nobody" } }, 404, /Checkpoint not found: nobody/],
    [{ override_settings: { sd_model_checkpoint: "../../etc/passwd" } }, 404, /Checkpoint not found/],
    [{ override_settings: { sd_vae: "nobody" } }, 404, /VAE not found: nobody/],
    [{ override_settings: { CLIP_stop_at_last_layers: 99 } }, 422, /CLIP_stop_at_last_layers/],
    [{ override_settings: { CLIP_stop_at_last_layers: 2 } }, 422, /CLIP_stop_at_last_layers: this model/],
    [{ override_settings: { samples_format: "jpg" } }, 422, /samples_format/],
    [{ override_settings: { nonsense: 1 } }, 422, /Unknown option: nonsense/],
    [{ override_settings: { __proto__: null, constructor: 1 } }, 422, /Unknown option: constructor/],
    [{ enable_hr: true, hr_scale: 3 }, 422, /only draws .* got 768x768/],
    [{ enable_hr: true, hr_upscaler: "R-ESRGAN 4x+" }, 422, /^hr_upscaler: expected one of Latent/],
    [{ enable_hr: true, hr_checkpoint_name: "xl" }, 422, /hr_checkpoint_name/],
    [{ enable_hr: true, hr_prompt: "a dog" }, 422, /hr_prompt/],
  ] as const)("%j is %s", async (fields, status, sentence) => {
    const answer = await ask("txt2img", { ...small, ...fields });
    expect([answer.status, JSON.stringify(answer.body).slice(0, 300)]).toEqual([status, expect.any(String)]);
    expect(listFaults(answer.body).join("\n")).toMatch(sentence);
  });

  it("are numbers that JSON can write and nothing can hold", async () => {
    const { status, body } = await ask("txt2img", '{"prompt": "a fox", "cfg_scale": 1e400, "steps": -0}');
    expect([status, listFaults(body).join("\n")]).toEqual([
      422,
      expect.stringMatching(/steps: .*\ncfg_scale: /),
    ]);
  });

  it("are all named at once", async () => {
    const { body } = await ask("txt2img", { ...small, steps: 0, cfg_scale: "x", width: -1 });
    expect(body.detail.map(({ loc }: Json) => loc.join("."))).toEqual([
      "body.steps",
      "body.cfg_scale",
      "body.width",
    ]);
  });

  it.each([
    ["", 422],
    ["nonsense", 422],
    ["[]", 422],
    ["null", 422],
    ['"text"', 422],
    ["{", 422],
  ] as const)("a body of %j is refused", async (body, status) => {
    for (const path of ["txt2img", "img2img", "options", "png-info", "interrogate", "extra-single-image"])
      expect([path, (await ask(path, body === "" ? " " : body)).status]).toEqual([path, status]);
  });
});

describe("fields that are passed over", () => {
  it("are those that are null, unknown or empty", async () => {
    const nothing = {
      styles: null,
      subseed: null,
      sampler_name: null,
      scheduler: null,
      eta: null,
      s_tmax: null,
      override_settings: null,
      refiner_checkpoint: null,
      script_name: null,
      script_args: [],
      alwayson_scripts: {},
      force_task_id: null,
      infotext: null,
      hr_upscaler: null,
      comments: {},
      nonsense: { deep: [1, 2] },
      __proto__: { steps: 900 },
    };
    const { status, body } = await ask("txt2img", {
      ...small,
      steps: "2",
      cfg_scale: "7.5",
      tiling: 0,
      ...nothing,
    });
    expect(status, JSON.stringify(body).slice(0, 300)).toBe(200);
    expect(body.parameters).toMatchObject({ steps: 2, cfg_scale: 7.5, tiling: false });
    expect(body.parameters).not.toHaveProperty("nonsense");
  });
});

describe("images that cannot be right", () => {
  const image = makeImage(256, 256);
  it.each(
    [
      [{ init_images: null }, 404, /Init image not found/],
      [{ init_images: [] }, 422, /^init_images: expected/],
      [{ init_images: "text" }, 422, /^init_images: expected/],
      [{ init_images: [image, image] }, 422, /^init_images: expected one image, got 2/],
      [{ init_images: [""] }, 422, /^init_images\.0: expected an image in base64/],
      [{ init_images: ["%%%"] }, 422, /^init_images\.0: expected an image in base64/],
      [{ init_images: ["aGVsbG8="] }, 422, /^init_images\.0: invalid image/],
      [{ init_images: ["http://169.254.169.254/latest/meta-data"] }, 422, /fetches no addresses/],
      [{ init_images: ["HTTPS://example.com/a.png"] }, 422, /fetches no addresses/],
      [{ init_images: ["file:///etc/passwd"] }, 422, /fetches no addresses/],
      [
        { init_images: [makeBomb(30_000, 30_000)] },
        422,
        /^init_images\.0: .*million pixels, got 30000x30000/,
      ],
      [{ init_images: [makeBomb(0, 0)] }, 422, /^init_images\.0: invalid image/],
      [{ init_images: [makeBomb(256, 256)] }, 422, /^init_images\.0: invalid image/],
      [{ init_images: [image], denoising_strength: 2 }, 422, /^denoising_strength: expected/],
      [{ init_images: [image], denoising_strength: 0 }, 422, /^denoising_strength: expected at least/],
      [{ init_images: [image], width: 30_000, height: 30_000 }, 422, /^width: expected at most 256/],
      [{ init_images: [makeImage(64, 64)], resize_mode: 3 }, 422, /latent upscale/],
      [{ init_images: [image], resize_mode: 7 }, 422, /^resize_mode: expected/],
      [{ init_images: [image], mask: "http://localhost/mask" }, 422, /^mask: .*fetches no addresses/],
      [
        { init_images: [image], mask: makeImage(256, 100, 255) },
        422,
        /^mask: expected the image's 256x256 pixels/,
      ],
      [{ init_images: [image], mask: makeImage(256, 256, 0) }, 422, /^mask: expected something to repaint/],
      [{ init_images: [image], mask: image, mask_blur: 900 }, 422, /^mask_blur: expected/],
      [
        { init_images: [image], mask: image, mask_blur_x: 1, mask_blur_y: 2 },
        422,
        /^mask_blur_x, mask_blur_y/,
      ],
      [{ init_images: [image], mask: image, mask_round: false }, 422, /^mask_round/],
      [{ init_images: [image], mask: image, inpainting_fill: 4 }, 422, /^inpainting_fill: expected/],
      [{ init_images: [image], initial_noise_multiplier: 0.5 }, 422, /^initial_noise_multiplier/],
    ].map(([fields, ...rest]) => [...rest, fields] as [number, RegExp, object]),
  )("are %s: %s", async (status, sentence, fields) => {
    const answer = await ask("img2img", { ...small, ...fields });
    expect([answer.status, listFaults(answer.body).join("\n")]).toEqual([
      status,
      expect.stringMatching(sentence),
    ]);
  });

  it("are refused before a large text is decoded", async () => {
    const large = "A".repeat(90 * 2 ** 20);
    const answer = await ask("png-info", { image: large });
    expect([answer.status, listFaults(answer.body)[0]]).toEqual([
      413,
      expect.stringMatching(/at most 67 MB/),
    ]);
    expect((await ask("png-info", { image: "A".repeat(100 * 2 ** 20) })).status).toBe(413);
  });

  it.each(
    [
      ["extra-single-image", { image: "http://localhost/" }, 422, /fetches no addresses/],
      [
        "extra-single-image",
        { image, upscaler_1: "Nobody" },
        422,
        /upscaler_1: expected one of None, Nearest, Lanczos/,
      ],
      [
        "extra-single-image",
        { image, upscaler_1: "Lanczos", upscaling_resize: 99 },
        422,
        /^upscaling_resize: expected/,
      ],
      ["extra-single-image", { image, gfpgan_visibility: 1 }, 422, /no face restorer/],
      [
        "extra-single-image",
        { image: makeImage(4000, 2000), upscaler_1: "Nearest", upscaling_resize: 8 },
        422,
        /more than/,
      ],
      ["extra-batch-images", { imageList: [] }, 422, /at least one image/],
      ["extra-batch-images", { imageList: [{ data: 5 }] }, 422, /imageList/],
      ["png-info", { image: "aGVsbG8=" }, 422, /invalid image/],
      ["interrogate", { image: null }, 404, /Image not found/],
      ["interrogate", { image, model: "blip" }, 404, /Model not found/],
      ["interrogate", { image }, 422, /names no prompt/],
    ].map(([path, fields, ...rest]) => [path, ...rest, fields] as [string, number, RegExp, object]),
  )("%s is %s: %s", async (path, status, sentence, body) => {
    const answer = await ask(path, body);
    expect([answer.status, listFaults(answer.body).join("\n")]).toEqual([
      status,
      expect.stringMatching(sentence),
    ]);
  });
});

describe("callers", () => {
  const long = { ...small, steps: 1000 };
  const isRunning = async (owner: string) =>
    (await ask("progress", undefined, owner)).body.state.sampling_step > 1;
  async function until(check: () => Promise<boolean>): Promise<void> {
    while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  it("see and stop only their own drawings", { timeout: 120_000 }, async () => {
    const mine = ask("txt2img", long, "anna");
    await until(() => isRunning("anna"));
    const idle = (await ask("progress", undefined, "ben")).body;
    expect([idle.progress, idle.state.job_count, idle.current_image]).toEqual([0, 0, null]);
    await ask("interrupt", {}, "ben");
    await ask("skip", {}, "ben");
    expect(await isRunning("anna")).toBe(true);
    // Ben's waits behind Anna's, and can be interrupted there.
    const his = ask("txt2img", { ...long, seed: 8 }, "ben");
    await until(async () => (await ask("progress", undefined, "ben")).body.textinfo === "In queue...");
    await ask("interrupt", {}, "ben");
    const { status, body } = await his;
    expect([status, body.images]).toEqual([200, []]);
    expect(await isRunning("anna")).toBe(true);
    await ask("interrupt", {}, "anna");
    expect((await mine).body.images).toEqual([]);
  });

  it("get the images that were finished before an interruption, and all but a skipped one", {
    timeout: 120_000,
  }, async () => {
    const request = { ...small, steps: 40, n_iter: 3 };
    const drawing = ask("txt2img", request, "carla");
    await until(async () => (await ask("progress", undefined, "carla")).body.state.job_no === 1);
    await ask("interrupt", {}, "carla");
    const { body } = await drawing;
    expect(body.images).toHaveLength(1);
    expect(JSON.parse(body.info).infotexts).toHaveLength(1);
    const skipping = ask("txt2img", { ...request, n_iter: 2 }, "carla");
    await until(() => isRunning("carla"));
    await ask("skip", {}, "carla");
    const left = (await skipping).body;
    expect(left.images).toHaveLength(1);
    expect(JSON.parse(left.info).infotexts[0]).toContain("Seed: 8,");
  });

  it("can interrupt at any moment", { timeout: 240_000 }, async () => {
    for (const delay of [0, 1, 5, 20, 60, 150, 400]) {
      const drawing = ask("txt2img", { ...small, steps: 400, seed: delay }, "dora");
      await new Promise((resolve) => setTimeout(resolve, delay));
      await ask("interrupt", {}, "dora");
      await ask("interrupt", {}, "dora");
      // Too early, there was nothing to stop.
      if ((await ask("progress", undefined, "dora")).body.state.job_count > 0)
        await ask("interrupt", {}, "dora");
      let isDone = false;
      void drawing.then(() => {
        isDone = true;
      });
      await until(async () => {
        await ask("interrupt", {}, "dora");
        return isDone;
      });
      const { status, body } = await drawing;
      expect([status, body.images]).toEqual([200, []]);
    }
    const { body } = await ask("progress", undefined, "dora");
    expect([body.progress, body.state.job_count]).toEqual([0, 0]);
  });

  it("choose a model for themselves alone", async () => {
    await ask("options", { sd_model_checkpoint: "sd1", CLIP_stop_at_last_layers: 2 }, "emil");
    expect((await ask("options", undefined, "emil")).body).toMatchObject({
      sd_model_checkpoint: "sd1",
      CLIP_stop_at_last_layers: 2,
    });
    expect((await ask("options", undefined, "fay")).body.sd_model_checkpoint).toBe("embedded");
    const { body } = await ask("txt2img", { ...small, width: 64, height: 64 }, "emil");
    expect(JSON.parse(body.info)).toMatchObject({ sd_model_name: "sd1", clip_skip: 2 });
    expect((await ask("options", { sd_model_checkpoint: "nobody" }, "emil")).status).toBe(404);
    expect((await ask("options", { samples_format: "webp" }, "emil")).status).toBe(422);
    const override_settings = { sd_model_checkpoint: "sd2-v" };
    await ask("txt2img", { ...sd, override_settings }, "emil");
    expect((await ask("options", undefined, "emil")).body.sd_model_checkpoint).toBe("sd1");
    await ask("txt2img", { ...sd, override_settings, override_settings_restore_afterwards: false }, "emil");
    expect((await ask("options", undefined, "emil")).body.sd_model_checkpoint).toBe("sd2-v");
  });

  it("draw at once, each with its own progress", { timeout: 120_000 }, async () => {
    const owners = ["gus", "hal", "ida", "jon"];
    const all = owners.map((owner, i) => ask("txt2img", { ...sd, seed: i, steps: 6 }, owner));
    let isDone = false;
    void Promise.all(all).then(() => {
      isDone = true;
    });
    while (!isDone)
      for (const owner of owners) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        const { body } = await ask("progress?skip_current_image=true", undefined, owner);
        expect(body.progress).toBeGreaterThanOrEqual(0);
        expect(body.progress).toBeLessThanOrEqual(1);
        expect(body.current_image).toBeNull();
      }
    for (const [i, { status, body }] of (await Promise.all(all)).entries()) {
      expect(status, JSON.stringify(body).slice(0, 300)).toBe(200);
      expect(JSON.parse(body.info).seed).toBe(i);
    }
  });

  it("join the task whose id they repeat, and get a conflict with another request", async () => {
    const request = { ...small, seed: -1, force_task_id: "task(abc)" };
    const [one, two] = await Promise.all([ask("txt2img", request, "kim"), ask("txt2img", request, "kim")]);
    expect(one.body.images).toEqual(two.body.images);
    const other = await ask("txt2img", { ...request, steps: 3 }, "kim");
    expect([other.status, listFaults(other.body)[0]]).toEqual([
      409,
      expect.stringContaining("exists already"),
    ]);
    const progress = await routes.request("/internal/progress", {
      method: "POST",
      headers: { "content-type": "application/json", "x-owner": "kim" },
      body: JSON.stringify({ id_task: "task(abc)" }),
    });
    expect(await progress.json()).toMatchObject({ active: false, queued: false, completed: true });
  });
});

it("unknown paths are not found, in webui's form", async () => {
  expect(await ask("nonsense")).toMatchObject({ status: 404, body: { detail: "Not Found" } });
});
