// The official client for Node against a running server.
import OpenAI, { toFile } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodePng, encodePng, getImageFormat, type Image } from "../src/image/index.js";
import { sha256 } from "../src/pipeline/index.js";
import type { Job } from "../src/server/index.js";
import { startServer, type TestServer } from "./support/start-server.js";

let server: TestServer;
let client: OpenAI;

/** Headers of every request that the client sent. */
const requests: Headers[] = [];

const makeClient = (options: object = {}) =>
  new OpenAI({
    apiKey: "any",
    baseURL: `${server.url}/v1`,
    maxRetries: 2,
    fetch: (url, init) => {
      requests.push(new Headers(init?.headers as HeadersInit));
      return fetch(url, init);
    },
    ...options,
  });

beforeAll(async () => {
  server = await startServer();
  client = makeClient();
});

afterAll(() => server?.close());

/** Fields that the client's types do not know are sent all the same. */
type Extra = Readonly<Record<string, unknown>>;
const generate = (body: Extra & { readonly prompt: string }) =>
  client.images.generate(body as OpenAI.ImageGenerateParamsNonStreaming);

interface Item {
  readonly b64_json?: string;
  readonly url?: string;
  readonly seed: number;
  /** SHA-256 of the stored file. */
  readonly id: string;
  readonly link: string;
}

const items = (answer: OpenAI.ImagesResponse) => answer.data as unknown as readonly Item[];
const bytesOf = (item: { readonly b64_json?: string }) =>
  new Uint8Array(Buffer.from(item.b64_json!, "base64"));
const readPng = (item: { readonly b64_json?: string }) => decodePng(bytesOf(item));

/** Mean absolute difference of two images, 0 to 255, of all pixels or those of a part. */
function difference(a: Image, b: Image, isIn: (x: number, y: number) => boolean = () => true): number {
  let sum = 0;
  let count = 0;
  for (let y = 0; y < a.height; y++)
    for (let x = 0; x < a.width; x++) {
      if (!isIn(x, y)) continue;
      for (let c = 0; c < 3; c++)
        sum += Math.abs(
          a.data[(y * a.width + x) * a.channels + c]! - b.data[(y * b.width + x) * b.channels + c]!,
        );
      count += 3;
    }
  return sum / count;
}

/** All jobs, oldest first. */
const listJobs = async (): Promise<readonly Job[]> =>
  [...(await server.application.jobs({ limit: 500 })).jobs].sort((a, b) => (a.created < b.created ? -1 : 1));

/** Jobs that a piece of work made. */
async function jobsOf(work: () => Promise<unknown>): Promise<readonly Job[]> {
  const before = new Set((await listJobs()).map(({ id }) => id));
  await work();
  return (await listJobs()).filter(({ id }) => !before.has(id));
}

/** Waits until a condition holds. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

const size = 256;
/** A plain image, of which the right half may be transparent. */
const plainImage = (alpha: number): Uint8Array => {
  const data = new Uint8Array(size * size * 4);
  for (let pixel = 0; pixel < size * size; pixel++)
    data.set([60, 120, 180, pixel % size >= size / 2 ? alpha : 255], pixel * 4);
  return encodePng({ width: size, height: size, channels: 4, data });
};
const file = (bytes: Uint8Array, name = "image.png") => toFile(bytes, name, { type: "image/png" });

describe("generate", () => {
  it("draws the same image for the same seed", async () => {
    const request = { model: "gpt-image-1", prompt: "a red fox", seed: 11, steps: 2 };
    const [first, second] = [await generate(request), await generate(request)];
    expect(items(first)[0]).toMatchObject({ seed: 11, id: items(second)[0]!.id });
    expect(await sha256(bytesOf(items(first)[0]!))).toBe(items(first)[0]!.id);
    expect(items(first)[0]).not.toHaveProperty("url");
    const { text, width } = readPng(items(first)[0]!);
    expect(width).toBe(size);
    expect(JSON.parse(text.nishiki!).request).toMatchObject({ prompt: "a red fox", seed: 11, steps: 2 });
    expect(first).toMatchObject({
      size: "256x256",
      output_format: "png",
      background: "opaque",
      quality: "medium",
    });
    expect(Math.abs(first.created - Date.now() / 1000)).toBeLessThan(600);
    const linked = await fetch(items(first)[0]!.link);
    expect(await sha256(new Uint8Array(await linked.arrayBuffer()))).toBe(items(first)[0]!.id);
  });

  it("draws several images", async () => {
    const answer = await generate({ prompt: "a boat", n: 3, steps: 1, seed: 5 });
    expect(items(answer).map(({ seed }) => seed)).toEqual([5, 6, 7]);
    expect(new Set(items(answer).map(({ id }) => id)).size).toBe(3);
  });

  it.each([
    [{ model: "dall-e-2" }, "image/png", "PNG"],
    [{ response_format: "url", output_format: "webp" }, "image/webp", "WebP"],
    [{ response_format: "url", output_format: "jpeg", output_compression: 50 }, "image/jpeg", "JPEG"],
  ])("answers %j with a URL", async (body, type, format) => {
    const [item] = items(await generate({ prompt: "a boat", steps: 1, seed: 5, ...body }));
    expect(item).not.toHaveProperty("b64_json");
    const response = await fetch(item!.url!);
    expect(response.headers.get("content-type")).toBe(type);
    expect(getImageFormat(new Uint8Array(await response.arrayBuffer()))?.name).toBe(format);
  });

  it.each([
    ["jpeg", "JPEG"],
    ["webp", "WebP"],
  ])("encodes as %s", async (output_format, name) => {
    const request = { prompt: "a boat", steps: 1, seed: 5, output_format };
    const sizes = [];
    for (const output_compression of [90, 10]) {
      const answer = await generate({ ...request, output_compression });
      expect(answer.output_format).toBe(output_format);
      expect(getImageFormat(bytesOf(items(answer)[0]!))?.name).toBe(name);
      sizes.push(bytesOf(items(answer)[0]!).length);
    }
    expect(sizes[1]).toBeLessThan(sizes[0]!);
  });

  it("draws larger sizes, and takes every setting", async () => {
    const settings = { negative_prompt: "water", guidance: 3, sampler: "DPM++ 2M", schedule: "karras" };
    const answer = await generate({ prompt: "a boat", size: "512x512", steps: 2, seed: 3, ...settings });
    const { width, height, text } = readPng(items(answer)[0]!);
    expect([width, height, answer.size]).toEqual([512, 512, "512x512"]);
    expect(JSON.parse(text.nishiki!).request).toMatchObject({
      negativePrompt: "water",
      guidance: 3,
      schedule: "karras",
    });
  });

  it("makes quality a number of steps", async () => {
    const [job] = await jobsOf(() => generate({ prompt: "a boat", seed: 5, quality: "low" }));
    const [model] = (await server.application.catalogue()).models;
    expect(Number(job!.request.steps)).toBe(Number(model!.defaults.steps) / 2);
  });
});

describe("streams", () => {
  const prompt = "a red fox in the snow";

  it("carry the images that the model foresees on the way", async () => {
    const request = { prompt, seed: 4, steps: 8, stream: true as const, partial_images: 3 };
    const stream = await client.images.generate(request as OpenAI.ImageGenerateParamsStreaming);
    const events = [];
    for await (const event of stream) events.push(event);
    expect(events.map(({ type }) => type)).toEqual([
      ...Array(3).fill("image_generation.partial_image"),
      "image_generation.completed",
    ]);
    expect(events.map((event) => "partial_image_index" in event && event.partial_image_index)).toEqual([
      0,
      1,
      2,
      false,
    ]);
    const last = readPng(events.at(-1)!);
    const distances = events.slice(0, -1).map((event) => difference(readPng(event), last));
    // Each is nearer to the finished image than the one before, and none is that image.
    expect(distances).toEqual([...distances].sort((a, b) => b - a));
    expect(distances[2]).toBeGreaterThan(0.5);
    const plain = await generate({ prompt, seed: 4, steps: 8 });
    expect(items(plain)[0]!.id).toBe(await sha256(bytesOf(events.at(-1)!)));
  });

  it("carry several images, each with its partial images", async () => {
    const request = {
      prompt,
      seed: 4,
      steps: 2,
      n: 2,
      stream: true as const,
      partial_images: 1,
      output_format: "webp",
    };
    const stream = await client.images.generate(request as OpenAI.ImageGenerateParamsStreaming);
    const events = [];
    for await (const event of stream)
      events.push(event as unknown as Record<string, unknown> & { b64_json: string });
    expect(events.map(({ type, image_index }) => `${type} ${image_index}`)).toEqual([
      "image_generation.partial_image 0",
      "image_generation.completed 0",
      "image_generation.partial_image 1",
      "image_generation.completed 1",
    ]);
    for (const event of events) expect(getImageFormat(bytesOf(event))?.name).toBe("WebP");
  });

  it("of edits have their own events", async () => {
    const stream = await client.images.edit({
      image: await file(plainImage(255)),
      prompt,
      stream: true,
      partial_images: 1,
      ...({ steps: 6, seed: 1 } as object),
    });
    const types = [];
    for await (const { type } of stream) types.push(type);
    expect(types).toEqual(["image_edit.partial_image", "image_edit.completed"]);
  });

  it("cancel the job when the client leaves", async () => {
    const jobs = await jobsOf(async () => {
      const request = { prompt, steps: 60, stream: true as const, partial_images: 3 };
      const stream = await client.images.generate(request as OpenAI.ImageGenerateParamsStreaming);
      for await (const _ of stream) break;
    });
    expect(jobs).toHaveLength(1);
    await until(async () => (await server.application.job(jobs[0]!.id))?.state === "cancelled");
  });
});

describe("edit", () => {
  const isLeft = (x: number) => x < size / 2 - 8;
  const isRight = (x: number) => x > size / 2 + 8;

  it.each([
    [
      "a mask",
      async () => ({ image: await file(plainImage(255)), mask: await file(plainImage(0), "mask.png") }),
    ],
    ["a transparent part", async () => ({ image: await file(plainImage(0)) })],
    ["a list of one image", async () => ({ image: [await file(plainImage(0))] })],
  ])("redraws what %s marks", async (_name, images) => {
    const answer = await client.images.edit({
      ...(await images()),
      prompt: "a red fox",
      ...({ steps: 6, seed: 2 } as object),
    });
    const image = readPng(items(answer)[0]!);
    const before = decodePng(plainImage(255));
    expect(difference(image, before, isLeft)).toBe(0);
    expect(difference(image, before, isRight)).toBeGreaterThan(5);
  });

  it("changes the whole image by its strength, and less with high fidelity", async () => {
    const edit = async (settings: Extra) => {
      const answer = await client.images.edit({
        image: await file(plainImage(255)),
        prompt: "a red fox",
        ...({ steps: 10, seed: 2, ...settings } as object),
      });
      return difference(readPng(items(answer)[0]!), decodePng(plainImage(255)));
    };
    const [strong, usual, faithful] = [
      await edit({ strength: 1 }),
      await edit({}),
      await edit({ input_fidelity: "high" }),
    ];
    expect(usual).toBeLessThan(strong);
    expect(faithful).toBeLessThan(usual);
  });
});

describe("variations", () => {
  it("use the prompt in the image's file", async () => {
    const [source] = items(await generate({ prompt: "a red fox", seed: 3, steps: 4 }));
    const [job] = await jobsOf(async () =>
      client.images.createVariation({
        image: await file(bytesOf(source!)),
        n: 2,
        ...({ steps: 4 } as object),
      }),
    );
    expect(job!.request).toMatchObject({ prompt: "a red fox", count: 2 });
    expect(job!.images).toHaveLength(2);
  });

  it("need no prompt", async () => {
    const answer = await client.images.createVariation({
      image: await file(plainImage(255)),
      response_format: "b64_json",
      ...({ steps: 4, seed: 1 } as object),
    });
    expect(difference(readPng(items(answer)[0]!), decodePng(plainImage(255)))).toBeGreaterThan(0);
  });
});

describe("models", () => {
  it("are listed, and found by their own and by OpenAI's names", async () => {
    const list = [];
    for await (const model of client.models.list()) list.push(model.id);
    expect(list).toEqual(["embedded"]);
    expect(await client.models.retrieve("embedded")).toMatchObject({ id: "embedded", object: "model" });
    for (const name of [
      "gpt-image-1",
      "gpt-image-1-mini",
      "gpt-image-1.5",
      "gpt-image-2-2026-04-21",
      "dall-e-3",
    ])
      expect(await client.models.retrieve(name)).toMatchObject({ id: name, model: "embedded" });
    await expect(client.models.retrieve("gpt-4o")).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
    });
  });
});

describe("errors", () => {
  it.each([
    [{ prompt: "" }, 400, "prompt"],
    [{ prompt: "a", n: 11 }, 400, "n"],
    [{ prompt: "a", n: 0 }, 400, "n"],
    [{ prompt: "a", size: "100x100" }, 400, "size"],
    [{ prompt: "a", size: "big" }, 400, "size"],
    [{ prompt: "a", background: "transparent" }, 400, "background"],
    [{ prompt: "a", style: "vivid" }, 400, "style"],
    [{ prompt: "a", output_compression: 50 }, 400, "output_compression"],
    [{ prompt: "a", partial_images: 2 }, 400, "partial_images"],
    [{ prompt: "a", negative_promt: "b" }, 400, "negative_promt"],
    [{ prompt: "a", clip_skip: 2 }, 400, "clip_skip"],
    [{ prompt: "a", sampler: "fancy" }, 400, "sampler"],
    [{ prompt: "a", quality: "high", steps: 4 }, 400, "quality"],
    [{ prompt: "a", strength: 0.5 }, 400, "strength"],
    [{ prompt: "a", lora: "none:0.5" }, 400, "lora"],
    [{ prompt: "a", seed: -1 }, 400, "seed"],
    [{ prompt: "a", model: "gpt-4o" }, 404, "model"],
  ])("%j is refused, once and with a reason", async (body, status, param) => {
    requests.length = 0;
    const error = await generate(body).then(
      () => undefined,
      (thrown: unknown) => thrown as InstanceType<typeof OpenAI.APIError>,
    );
    expect(error).toMatchObject({ status, param, type: "invalid_request_error" });
    expect(error!.requestID).toMatch(/^req_[0-9a-f]{32}$/);
    expect(requests).toHaveLength(1);
  });
});

describe("repetitions", () => {
  const slow = { prompt: "a lighthouse", steps: 60 };

  it("after a timeout join the running job", async () => {
    const impatient = makeClient({ timeout: 1000, maxRetries: 30 });
    requests.length = 0;
    const jobs = await jobsOf(() =>
      impatient.images.generate(slow as OpenAI.ImageGenerateParamsNonStreaming),
    );
    expect(requests.length).toBeGreaterThan(1);
    expect(jobs).toHaveLength(1);
    expect(jobs[0]).toMatchObject({ state: "done", attempts: 1 });
  });

  it("are only those of one client", async () => {
    const jobs = await jobsOf(() =>
      Promise.all([generate({ ...slow, steps: 3 }), generate({ ...slow, steps: 3 })]),
    );
    expect(jobs).toHaveLength(2);
    expect(new Set(jobs.map(({ request }) => request.seed)).size).toBe(2);
  });

  it("are requests with one Idempotency-Key, too", async () => {
    const send = (body: object, key: string) =>
      client.images.generate(body as OpenAI.ImageGenerateParamsNonStreaming, {
        headers: { "Idempotency-Key": key },
      });
    const request = { prompt: "a lighthouse", steps: 3 };
    const jobs = await jobsOf(async () => {
      const [first, second] = await Promise.all([send(request, "one"), send(request, "one")]);
      expect(items(first!)[0]!.id).toBe(items(second!)[0]!.id);
      expect(items(await send(request, "one"))[0]!.id).toBe(items(first!)[0]!.id);
    });
    expect(jobs).toHaveLength(1);
    await expect(send({ ...request, steps: 2 }, "one")).rejects.toMatchObject({ status: 409 });
  });

  it("that do not come leave the job to be cancelled", async () => {
    const stop = new AbortController();
    const jobs = await jobsOf(async () => {
      const request = { prompt: "a lighthouse", steps: 1000 } as OpenAI.ImageGenerateParamsNonStreaming;
      const answer = client.images.generate(request, { signal: stop.signal });
      const end = expect(answer).rejects.toThrow("aborted");
      await until(async () => (await listJobs()).some(({ state }) => state === "running"));
      stop.abort();
      await end;
    });
    await until(async () => (await server.application.job(jobs[0]!.id))?.state === "cancelled");
  });
});
