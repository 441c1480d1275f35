import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodePng, getImageFormat } from "../../image/index.js";
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

interface Item {
  readonly b64_json?: string;
  readonly url?: string;
  readonly seed: number;
  readonly id: string;
  readonly link: string;
}

const post = (path: string, body: unknown) =>
  app.request(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

async function generate(body: object): Promise<{ data: Item[]; [name: string]: unknown }> {
  const response = await post("/images/generations", body);
  const answer = await response.json();
  expect(answer, JSON.stringify(answer)).toHaveProperty("data");
  return answer;
}

const decode = ({ b64_json }: Item) => new Uint8Array(Buffer.from(b64_json!, "base64"));

describe("generations", () => {
  it("draws an image and says its seed", async () => {
    const answer = await generate({ prompt: "a red fox", steps: 2, seed: 7 });
    const [item] = answer.data;
    expect(item!.seed).toBe(7);
    const { width, height, text } = decodePng(decode(item!));
    expect([width, height]).toEqual([256, 256]);
    expect(JSON.parse(text.nishiki!).request).toMatchObject({ prompt: "a red fox", steps: 2, seed: 7 });
    expect(answer).toMatchObject({ size: "256x256", quality: "medium", output_format: "png" });
  });

  it("streams partial images", async () => {
    const response = await post("/images/generations", {
      prompt: "a red fox",
      steps: 4,
      seed: 7,
      stream: true,
      partial_images: 2,
    });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const text = await response.text();
    const events = [...text.matchAll(/^event: (.*)\ndata: (.*)$/gm)].map(([, event, data]) => ({
      event,
      data: JSON.parse(data!),
    }));
    expect(events.map(({ event }) => event)).toEqual([
      "image_generation.partial_image",
      "image_generation.partial_image",
      "image_generation.completed",
    ]);
    expect(events.map(({ data }) => data.partial_image_index)).toEqual([0, 1, undefined]);
    for (const { event, data } of events) {
      expect(data.type).toBe(event);
      expect(data.size).toBe("256x256");
      expect(getImageFormat(decode(data))?.name).toBe("PNG");
    }
  });
});

describe("what the model could not do", () => {
  const body = { prompt: "a blimfark", steps: 1 };

  it("is a warning of the answer, and of the stream", async () => {
    const answer = await generate(body);
    expect(answer.warnings).toContainEqual(expect.stringContaining("blimfark"));
    const text = await (await post("/images/generations", { ...body, stream: true })).text();
    const [, data] = /^event: image_generation.completed\ndata: (.*)$/m.exec(text)!;
    expect(JSON.parse(data!).warnings).toEqual(answer.warnings);
  });
});

describe("after a start of the server", () => {
  const body = { prompt: "a lighthouse", steps: 1 };

  it.each([
    ["a key", { "idempotency-key": "one" }, { "idempotency-key": "one" }],
    ["a client's count", { "x-stainless-retry-count": "0" }, { "x-stainless-retry-count": "1" }],
  ])("a repeated request is known by %s", async (_name, first, second) => {
    const send = async (routes: typeof app, headers: object) => {
      const response = await routes.request("/images/generations", {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
      return (await response.json()).data[0].seed as number;
    };
    const seed = await send(app, first);
    const restarted = makeOpenAiRoutes(application, { caller: () => ({ owner: "test" }) });
    expect(await send(restarted, second)).toBe(seed);
    expect(await send(restarted, {})).not.toBe(seed);
  });
});
