import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readPngText } from "../../image/index.js";
import type { Application } from "../application.js";
import { createApplication } from "../node-application.js";
import { makeWebuiRoutes } from "./index.js";

let folder: string;
let application: Application;
let routes: Hono;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-webui-"));
  application = await createApplication({ folder });
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
