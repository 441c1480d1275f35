// What other programs send to OpenAI's interface, byte for byte where it matters: Open WebUI (aiohttp), LiteLLM (httpx), Vercel's
// AI SDK (fetch). Each takes from the answer what is looked at here.
import { request as send } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng, inspectPng } from "../src/image/index.js";
import { startServer, type TestServer } from "./support/start-server.js";

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server?.close());

interface Part {
  readonly name: string;
  readonly value: string | Uint8Array;
  readonly headers?: string;
}

/** A multipart body as a program wrote it. */
function makeForm(parts: readonly Part[], boundary: string): Uint8Array {
  const pieces = parts.flatMap(({ name, value, headers = "" }) => {
    const file = typeof value === "string" ? "" : '; filename="image.png"';
    const head = `--${boundary}\r\n${headers}Content-Disposition: form-data; name="${name}"${file}\r\n`;
    const type = typeof value === "string" ? "" : "Content-Type: image/png\r\n";
    return [Buffer.from(`${head}${type}\r\n`), Buffer.from(value), Buffer.from("\r\n")];
  });
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: { readonly data: readonly { readonly b64_json?: string; readonly url?: string }[] };
}

/** Sends a request as it is, without headers that a fetch would add. */
function post(
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = send(`${server.url}${path}`, { method: "POST", headers }, async (response) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of response) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      resolve({
        status: response.statusCode!,
        type: response.headers["content-type"]!,
        body: JSON.parse(text),
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

const png = encodePng({
  width: 300,
  height: 200,
  channels: 3,
  data: Uint8Array.from({ length: 300 * 200 * 3 }, (_, i) => i % 251),
});

/** The size of an answer's only image, which must not be a URL: these programs refuse those of private addresses. */
function sizeOf({ status, body }: Answer): readonly [number, number] {
  expect(status).toBe(200);
  expect(body.data).toHaveLength(1);
  expect(body.data[0]).not.toHaveProperty("url");
  const { width, height } = inspectPng(Buffer.from(body.data[0]!.b64_json!, "base64"));
  return [width, height];
}

describe("Open WebUI", () => {
  const headers = {
    Authorization: "Bearer key",
    "X-OpenWebUI-User-Name": "A%20B",
    Accept: "*/*",
    "Accept-Encoding": "gzip, deflate, br",
    "User-Agent": "Python/3.11 aiohttp/3.13.2",
  };

  it.each([
    [{ size: "512x512", response_format: "b64_json" }, [512, 512]],
    [{ size: "auto" }, [256, 256]],
    // Parameters that an administrator added.
    [{ size: "256x256", response_format: "b64_json", steps: 2, negative_prompt: "water" }, [256, 256]],
  ])("draws with %j", async (fields, size) => {
    const body = JSON.stringify({ model: "embedded", prompt: "a boat", n: 1, ...fields });
    const json = { ...headers, "Content-Type": "application/json" };
    expect(sizeOf(await post("/v1/images/generations?api-version=2024-02-01", json, body))).toEqual(size);
  });

  it.each([
    [[], 256],
    [["512x512"], 512],
  ])("edits an image at the size %j", async (sizes, side) => {
    const boundary = "c0ffee0123456789c0ffee0123456789";
    const text = "Content-Type: text/plain; charset=utf-8\r\n";
    const body = makeForm(
      [
        { name: "model", value: "gpt-image-1", headers: text },
        { name: "prompt", value: "a boat", headers: text },
        { name: "n", value: "1", headers: text },
        ...sizes.map((value) => ({ name: "size", value, headers: text })),
        { name: "response_format", value: "b64_json", headers: text },
        { name: "image[]", value: png },
      ],
      boundary,
    );
    const form = { ...headers, "Content-Type": `multipart/form-data; boundary=${boundary}` };
    expect(sizeOf(await post("/v1/images/edits", form, body))).toEqual([side, side]);
  });
});

describe("LiteLLM", () => {
  const headers = { Authorization: "Bearer key", Accept: "application/json", "User-Agent": "litellm/1.80.0" };

  it("edits an image", async () => {
    const boundary = "0123456789abcdef0123456789abcdef";
    const body = makeForm(
      [
        { name: "model", value: "embedded" },
        { name: "prompt", value: "a boat" },
        { name: "size", value: "256x256" },
        { name: "quality", value: "low" },
        { name: "image[]", value: png },
      ],
      boundary,
    );
    const form = { ...headers, "Content-Type": `multipart/form-data; boundary=${boundary}` };
    expect(sizeOf(await post("/v1/images/edits", form, body))).toEqual([256, 256]);
  });
});

describe("the AI SDK", () => {
  const headers = { Authorization: "Bearer key", "User-Agent": "ai-sdk/openai-compatible/3.0.0" };

  it("draws", async () => {
    const body = JSON.stringify({
      model: "embedded",
      prompt: "a boat",
      n: 1,
      size: "256x256",
      seed: 5,
      response_format: "b64_json",
    });
    const json = { ...headers, "Content-Type": "application/json" };
    expect(sizeOf(await post("/v1/images/generations", json, body))).toEqual([256, 256]);
  });

  it("edits", async () => {
    const form = new FormData();
    form.append("model", "embedded");
    form.append("prompt", "a boat");
    form.append("image", new Blob([png as Uint8Array<ArrayBuffer>], { type: "image/png" }));
    form.append("n", "1");
    const response = await fetch(`${server.url}/v1/images/edits`, { method: "POST", headers, body: form });
    const body = await response.json();
    expect(sizeOf({ status: response.status, type: "", body })).toEqual([256, 256]);
  });

  it("reads the message of errors", async () => {
    const answer = await post(
      "/v1/images/generations",
      { ...headers, "Content-Type": "application/json" },
      JSON.stringify({
        model: "embedded",
        prompt: "a boat",
        n: 1,
        size: "1792x1024",
        response_format: "b64_json",
      }),
    );
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({
      error: {
        message: "size: this model only draws 256x256, 512x512, 1024x1024 pixels, got 1792x1024.",
        type: "invalid_request_error",
        param: "size",
        code: "invalid_value",
      },
    });
  });
});
