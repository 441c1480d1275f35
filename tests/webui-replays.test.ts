// What Open WebUI and SillyTavern send to stable-diffusion-webui's API, in their order, and what they take from the answers.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inspectPng } from "../src/image/index.js";
import { serveHttp } from "../src/server/index.js";
import { startServer, type TestServer } from "./support/start-server.js";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server?.close());

// biome-ignore lint/suspicious/noExplicitAny: the programs read answers without a schema
type Json = any;

interface Sent {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

async function send(path: string, { method, body, headers = {}, signal }: Sent = {}): Promise<Json> {
  const response = await fetch(`${server.url}${path}`, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: { ...(body !== undefined && { "Content-Type": "application/json" }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  const text = await response.text();
  expect(response.status, text.slice(0, 300)).toBe(200);
  return JSON.parse(text);
}

describe("Open WebUI", () => {
  it("lists models, posts all options back with its model, and draws", { timeout: 120_000 }, async () => {
    const options = await send("/sdapi/v1/options");
    const models = await send("/sdapi/v1/sd-models");
    expect(models.map((model: Json) => ({ id: model.title, name: model.model_name }))).toContainEqual({
      id: options.sd_model_checkpoint,
      name: "embedded",
    });
    await send("/sdapi/v1/options", { body: { ...options, sd_model_checkpoint: models[0].title } });
    const { images, info } = await send("/sdapi/v1/txt2img", {
      body: {
        prompt: "a red fox",
        batch_size: 2,
        width: 512,
        height: 512,
        steps: 2,
        negative_prompt: "blurry",
        cfg_scale: 7,
        sampler_name: "DPM++ 2M",
        scheduler: "Automatic",
      },
    });
    expect(images).toHaveLength(2);
    for (const image of images)
      expect(inspectPng(Buffer.from(image, "base64"))).toMatchObject({ width: 512, height: 512 });
    expect(JSON.parse(info).all_seeds).toHaveLength(2);
  });
});

describe("SillyTavern", () => {
  const authorization = { Authorization: `Basic ${Buffer.from("").toString("base64")}` };

  it("fills its menus and changes the model", async () => {
    const lists = ["upscalers", "latent-upscale-modes", "samplers", "schedulers"];
    for (const list of lists) {
      const names = (await send(`/sdapi/v1/${list}`, { headers: authorization })).map(
        ({ name }: Json) => name,
      );
      expect(names.length).toBeGreaterThan(1);
      expect(names.every((name: unknown) => typeof name === "string")).toBe(true);
    }
    for (const list of ["sd-vae", "sd-modules"])
      expect(await send(`/sdapi/v1/${list}`, { headers: authorization })).toEqual([]);
    const [{ title }] = await send("/sdapi/v1/sd-models", { headers: authorization });
    await send("/sdapi/v1/options", { body: { sd_model_checkpoint: title }, headers: authorization });
    const { progress, state } = await send("/sdapi/v1/progress", { headers: authorization });
    expect([progress, state.job_count]).toEqual([0, 0]);
  });

  const request = {
    url: "http://127.0.0.1:7860",
    auth: "",
    prompt: "a red fox",
    negative_prompt: "",
    sampler_name: "Euler a",
    scheduler: "automatic",
    steps: 3,
    cfg_scale: 7,
    width: 256,
    height: 256,
    restore_faces: false,
    enable_hr: false,
    hr_upscaler: "Latent",
    hr_scale: 1.5,
    hr_additional_modules: [],
    denoising_strength: 0.7,
    hr_second_pass_steps: 0,
    override_settings: { CLIP_stop_at_last_layers: 1, sd_vae: "Automatic" },
    override_settings_restore_afterwards: true,
    clip_skip: 1,
    save_images: true,
    send_images: true,
    do_not_save_grid: false,
    do_not_save_samples: false,
  };

  it("draws", async () => {
    const { images } = await send("/sdapi/v1/txt2img", { body: request, headers: authorization });
    expect(inspectPng(Buffer.from(images[0], "base64"))).toMatchObject({ width: 256, height: 256 });
  });

  it("leaves a drawing and interrupts it", async () => {
    const leaving = new AbortController();
    const drawing = send("/sdapi/v1/txt2img", {
      body: { ...request, steps: 1000 },
      headers: authorization,
      signal: leaving.signal,
    });
    drawing.catch(() => {});
    let step = 0;
    while (step < 2) step = (await send("/sdapi/v1/progress")).state.sampling_step;
    leaving.abort();
    await send("/sdapi/v1/interrupt", { method: "POST", headers: authorization });
    await expect(drawing).rejects.toThrow();
    while ((await send("/sdapi/v1/progress")).state.job_count > 0)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const { jobs } = await server.application.jobs({ limit: 1 });
    expect(jobs[0]).toMatchObject({ state: "cancelled", images: [] });
  });
});

describe("a server with a token", () => {
  it("takes it as the password of Basic, and says so in webui's form", async () => {
    const token = "a-token-of-the-tests-0123456789";
    const guarded = await serveHttp(server.application, { port: 0, token });
    try {
      const url = `${guarded.url}/sdapi/v1/samplers`;
      const refused = await fetch(url);
      expect(refused.status).toBe(401);
      expect(refused.headers.get("www-authenticate")).toMatch(/^Basic/);
      expect(await refused.json()).toMatchObject({ detail: expect.any(String) });
      const basic = (password: string) => ({
        Authorization: `Basic ${Buffer.from(`user:${password}`).toString("base64")}`,
      });
      expect((await fetch(url, { headers: basic("wrong") })).status).toBe(401);
      expect((await fetch(url, { headers: basic(token) })).status).toBe(200);
    } finally {
      await guarded.close();
    }
  });
});
