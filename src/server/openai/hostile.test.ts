// Requests that are wrong in every way: each is refused with a reason that names the parameter, and nothing is drawn.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng } from "../../image/index.js";
import type { Application } from "../application.js";
import { createApplication } from "../node-application.js";
import { makeOpenAiRoutes } from "./routes.js";

let folder: string;
let application: Application;
let app: ReturnType<typeof makeOpenAiRoutes>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-openai-"));
  application = await createApplication({ folder });
  app = makeOpenAiRoutes(application, { caller: () => ({ owner: "test" }) });
});

afterAll(async () => {
  await application?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Sends a body that must be refused. */
async function refused(path: string, body: BodyInit, type?: string) {
  const headers = { ...(type !== undefined && { "content-type": type }) };
  const response = await app.request(path, { method: "POST", headers, body });
  const { error, ...rest } = (await response.json()) as { error: Readonly<Record<string, unknown>> };
  expect(rest).toEqual({});
  expect(Object.keys(error)).toEqual(["message", "type", "param", "code"]);
  expect(response.headers.get("x-should-retry")).toBe("false");
  return { status: response.status, ...error } as {
    readonly status: number;
    readonly message: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

const refusedJson = (body: unknown) =>
  refused("/images/generations", JSON.stringify(body), "application/json");

type Field = readonly [name: string, value: string | Uint8Array];

function makeForm(fields: readonly Field[]): FormData {
  const form = new FormData();
  for (const [name, value] of fields)
    if (typeof value === "string") form.append(name, value);
    else form.append(name, new Blob([value as Uint8Array<ArrayBuffer>]), "image.png");
  return form;
}

const makeImage = (width: number, height: number, channels: 3 | 4 = 3, alpha = 255) =>
  encodePng({
    width,
    height,
    channels,
    data: Uint8Array.from({ length: width * height * channels }, (_, i) =>
      channels === 4 && i % 4 === 3 ? alpha : i % 251,
    ),
  });

afterAll(async () => {
  expect((await application.jobs({ limit: 100 })).jobs).toEqual([]);
});

describe("JSON", () => {
  const wrong: readonly (readonly [string, readonly unknown[]])[] = [
    ["prompt", [undefined, 5, ["a"], "", "  ", "a\0b", "a\ud800b", "a ".repeat(60_000)]],
    ["n", ["2", 1.5, 0, 11, 1e9, true, [1]]],
    ["size", [512, "-1x5", "0x0", "99999x99999", "512", "300x300", {}]],
    ["quality", ["ultra", 1]],
    ["response_format", ["png"]],
    ["output_format", ["gif"]],
    ["output_compression", [101, -1, "50", 50]],
    ["stream", ["true", 1]],
    ["partial_images", [4, -1, 1]],
    ["style", ["vivid", "modern"]],
    ["background", ["transparent", "red"]],
    ["moderation", ["off"]],
    ["user", ["", 7]],
    ["seed", [1.5, -1, 2 ** 60, "1"]],
    ["steps", [0, 1001, "many"]],
    ["guidance", ["x", -1]],
    ["sampler", ["dpm", 5]],
    ["variation", [{ strength: 5 }, { strenth: 0.5 }, 5]],
    ["lora", [5, ["a:1", { id: "b", weight: 99 }], "a:b", "../a:1", "missing:0.5"]],
    ["vae", ["missing"]],
    ["embeddings", [["missing"], 5]],
    ["precision", ["int8", "int4"]],
    ["clip_skip", [2]],
    ["strength", [0.5]],
    ["image", ["data:image/png;base64,AAAA"]],
    ["negativePrompt", ["water"]],
    ["cfg_scale", [7]],
    ["__proto__x", [1]],
    ["constructor", [1]],
  ];

  it.each(wrong.flatMap(([param, values]) => values.map((value) => [param, value] as const)))(
    "%s: %j",
    async (param, value) => {
      const error = await refusedJson({ prompt: "a boat", [param]: value });
      expect(error).toMatchObject({ status: 400, param });
      expect(error.message).toContain(param);
    },
  );

  it("names every fault at once", async () => {
    const { message, param } = await refusedJson({ prompt: "a boat", n: 99, seed: -5, foo: 1 });
    expect(message.split("\n").map((line) => line.slice(0, 8))).toEqual(["n: expec", "seed: ex", "unknown "]);
    expect(param).toBe("n");
  });

  it("says what a parameter is called here", async () => {
    expect((await refusedJson({ prompt: "a", num_inference_steps: 3 })).message).toBe(
      'unknown parameter "num_inference_steps"; use "steps".',
    );
  });

  it.each([
    ["[]", 400],
    ["null", 400],
    ["", 400],
    ["{", 400],
    [`{"prompt":"a","__proto__":{"n":3}}`, 400],
    [`{"prompt":${"[".repeat(100)}${"]".repeat(100)}}`, 400],
    [JSON.stringify({ prompt: "a".repeat(2_000_000) }), 413],
  ])("the body %.40s", async (body, status) => {
    expect((await refused("/images/generations", body, "application/json")).status).toBe(status);
  });

  it.each(["text/plain", "multipart/form-data; boundary=a"])("the type %s", async (type) => {
    expect((await refused("/images/generations", "{}", type)).status).toBe(415);
  });

  it("models that do not exist", async () => {
    for (const model of ["gpt-4o", "../../etc/passwd", "a".repeat(1000)])
      expect(await refusedJson({ prompt: "a", model })).toMatchObject({
        status: 404,
        param: "model",
        code: "model_not_found",
      });
  });

  it("a stream of URLs", async () => {
    const error = await refusedJson({ prompt: "a", stream: true, response_format: "url" });
    expect(error).toMatchObject({ status: 400, param: "response_format" });
  });
});

describe("forms", () => {
  const prompt: Field = ["prompt", "a boat"];
  const image: Field = ["image", makeImage(256, 256)];
  const bomb = Buffer.from(makeImage(8, 8));
  bomb.writeUInt32BE(30_000, 16);
  bomb.writeUInt32BE(30_000, 20);

  it.each<readonly [string, string, readonly Field[]]>([
    ["no image", "image", [prompt]],
    ["no prompt", "prompt", [image]],
    ["a prompt that is a file", "prompt", [image, ["prompt", Buffer.from("a boat")]]],
    ["an image as text", "image", [prompt, ["image", "data:image/png;base64,AAAA"]]],
    ["a file that is no image", "image", [prompt, ["image", Buffer.from("hello")]]],
    ["an empty file", "image", [prompt, ["image", new Uint8Array()]]],
    ["a decompression bomb", "image", [prompt, ["image", bomb]]],
    ["a truncated file", "image", [prompt, ["image", makeImage(256, 256).subarray(0, 300)]]],
    ["two images", "image", [prompt, image, image]],
    [
      "17 images",
      "image",
      [prompt, ...Array.from({ length: 17 }, (): Field => ["image[]", makeImage(8, 8)])],
    ],
    ["a mask of another size", "mask", [prompt, image, ["mask", makeImage(128, 128, 4, 0)]]],
    ["an opaque mask", "mask", [prompt, image, ["mask", makeImage(256, 256, 4)]]],
    ["a mask without transparency", "mask", [prompt, image, ["mask", makeImage(256, 256)]]],
    ["a mask alone", "image", [prompt, ["mask", makeImage(256, 256, 4, 0)]]],
    ["a mask that is a bomb", "mask", [prompt, image, ["mask", bomb]]],
    ["two masks", "mask", [prompt, image, ["mask", makeImage(8, 8)], ["mask", makeImage(8, 8)]]],
    ["a file of another name", "picture", [prompt, image, ["picture", makeImage(8, 8)]]],
    ["a size that is not drawn", "size", [prompt, image, ["size", "1000x1000"]]],
    ["a strength beyond 1", "strength", [prompt, image, ["strength", "2"]]],
    ["a strength in words", "strength", [prompt, image, ["strength", "much"]]],
    ["no step", "strength", [prompt, image, ["strength", "0"]]],
    ["two strengths", "input_fidelity", [prompt, image, ["strength", "0.5"], ["input_fidelity", "high"]]],
    ["a mask's setting without a mask", "paste_back", [prompt, image, ["paste_back", "false"]]],
    ["a number twice", "n", [prompt, image, ["n", "1"], ["n", "2"]]],
    ["a number in words", "n", [prompt, image, ["n", "two"]]],
    ["a flag in words", "stream", [prompt, image, ["stream", "maybe"]]],
    ["an extension in words", "extend", [prompt, image, ["extend", "far"]]],
    ["an unknown field", "foo", [prompt, image, ["foo", "1"]]],
    ["a field called __proto__", "__proto__", [prompt, image, ["__proto__", "1"]]],
    ["a field within __proto__", "__proto__", [prompt, image, ["__proto__[n]", "3"]]],
    ["a transparent background", "background", [prompt, image, ["background", "transparent"]]],
  ])("with %s", async (_name, param, fields) => {
    expect(await refused("/images/edits", makeForm(fields))).toMatchObject({ status: 400, param });
  });

  it.each<readonly [string, string, readonly Field[]]>([
    ["no image", "image", []],
    ["a mask", "mask", [image, ["mask", makeImage(8, 8)]]],
    ["a stream", "stream", [image, ["stream", "true"]]],
  ])("of variations with %s", async (_name, param, fields) => {
    expect(await refused("/images/variations", makeForm(fields))).toMatchObject({ status: 400, param });
  });

  it.each([
    ["multipart/form-data", "x", 400],
    ["multipart/form-data; boundary=abc", "--def\r\n\r\n", 400],
    ["multipart/form-data; boundary=abc", '--abc\r\nContent-Disposition: form-data; name="a"\r\n\r\nb', 400],
    ["multipart/form-data; boundary=abc", "--abc--\r\n", 400],
    ["multipart/form-data; boundary=abc", "", 400],
    ["application/json", "{}", 415],
  ])("of the type %s: %j", async (type, body, status) => {
    expect((await refused("/images/edits", body, type)).status).toBe(status);
  });

  it("larger than any image and its mask", async () => {
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(2 ** 20)),
    });
    const response = await app.request("/images/edits", {
      method: "POST",
      headers: { "content-type": "multipart/form-data; boundary=abc" },
      body: endless,
      duplex: "half",
    } as RequestInit);
    expect(response.status).toBe(413);
  });
});

describe("paths", () => {
  it.each([
    ["GET", "/images/generations", 405],
    ["PUT", "/models", 405],
    ["DELETE", "/models/embedded", 405],
    ["POST", "/chat/completions", 404],
    ["GET", "/models/a%2Fb", 404],
    ["GET", "/models/%ff", 404],
    ["GET", "/images/files/x.png", 404],
    ["GET", `/images/files/${"a".repeat(64)}.webp`, 404],
    ["GET", `/images/files/${"a".repeat(64)}.webp?compression=abc`, 400],
  ])("%s %s", async (method, path, status) => {
    const response = await app.request(path, { method });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { type: "invalid_request_error" } });
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
  });
});
