// The document says what the server does: every route is in it, and every answer fits it.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import Ajv from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng } from "../src/image/index.js";
import type { Job, RunningServer } from "../src/server/index.js";
import { openServed, type Served } from "./support/serve-application.js";

type Json = Record<string, unknown>;
interface Operation {
  readonly responses: Record<string, { readonly content?: Record<string, { readonly schema?: Json }> }>;
}

let served: Served;
let server: RunningServer;
let document: {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Json };
};
let ajv: Ajv.default;
const base = "/api/v1";

/** Closes objects: the document leaves room for more fields, but today's answers have none that it does not name. */
function close(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(close);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, close(inner)]));
  return "properties" in entries && !("additionalProperties" in entries)
    ? { ...entries, additionalProperties: false }
    : entries;
}

beforeAll(async () => {
  served = await openServed();
  server = await served.serve({ token: "a-token-for-this-test" });
  document = await (await call("GET", "/openapi.json")).json();
  ajv = new Ajv.default({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ $id: "document", components: close(document.components) as Json });
});

afterAll(async () => served?.close());

function call(method: string, path: string, body?: unknown, type = "application/json"): Promise<Response> {
  const text = body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body);
  return fetch(server.url + base + path, {
    method,
    ...(body !== undefined && { body: text }),
    headers: {
      authorization: "Bearer a-token-for-this-test",
      ...(body !== undefined && { "content-type": type }),
    },
  });
}

const pointTo = (schema: unknown): Json =>
  JSON.parse(JSON.stringify(close(schema)).replaceAll('"#/components', '"document#/components'));

/** What does not fit. */
function check(schema: unknown, value: unknown): unknown {
  const validate = ajv.compile(pointTo(schema));
  return validate(value) ? null : validate.errors;
}

/** Operations that were called with success, as "get /jobs/{id}". */
const seen = new Set<string>();

/** Calls an operation and checks the answer against what the document says about it. */
async function checkCall(
  operation: string,
  {
    id = "",
    query = "",
    body,
    type,
    isRefused = false,
  }: { id?: string; query?: string; body?: unknown; type?: string; isRefused?: boolean } = {},
): Promise<{ readonly status: number; readonly value: Json }> {
  const [method = "", path = ""] = operation.split(" ");
  const response = await call(
    method.toUpperCase(),
    path.replace("{id}", encodeURIComponent(id)) + query,
    body,
    type,
  );
  const { status } = response;
  const declared = document.paths[path]?.[method]?.responses[status];
  expect([operation, status, declared !== undefined]).toEqual([operation, status, true]);
  const media = (response.headers.get("content-type") ?? "").split(";")[0]!;
  expect(Object.keys(declared!.content ?? { "": {} })).toContain(media);
  expect([operation, status < 300]).toEqual([operation, !isRefused]);
  if (!isRefused) seen.add(operation);
  if (media === "text/event-stream") await response.body?.cancel();
  if (media !== "application/json") return { status, value: {} };
  const value = await response.json();
  const { schema } = declared!.content![media]!;
  expect([operation, check(schema, value)]).toEqual([operation, null]);
  return { status, value };
}

it("is OpenAPI 3.1 with all routes of the router, and no more", async () => {
  expect(document).toMatchObject({ openapi: "3.1.0", info: { title: "Nishiki" }, servers: [{ url: base }] });
  const { getNativeRoutes } = await import("../src/server/http/app.js");
  const { mountRoutes } = await import("../src/server/http/route.js");
  const { routes } = mountRoutes(getNativeRoutes(), served.application, {
    caller: () => ({ owner: "" }),
    onTrouble: () => {},
    closing: new AbortController().signal,
  });
  const routed = routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(":id", "{id}")}`);
  const declared = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  );
  expect(declared.sort()).toEqual(routed.sort());
  expect(declared.length).toBeGreaterThan(30);
  const names = Object.values(document.paths)
    .flatMap(Object.values)
    .map(({ operationId }) => operationId);
  expect(new Set(names).size).toBe(names.length);
});

it("has schemas that a validator understands, and no reference into nothing", () => {
  for (const name of Object.keys(document.components.schemas))
    expect(() => ajv.compile({ $ref: `document#/components/schemas/${name}` })).not.toThrow();
});

describe("answers", () => {
  it("of jobs fit", async () => {
    const body = { request: { prompt: "a cat", steps: 2, seed: 1 }, labels: { row: "1" }, group: "sheet" };
    await checkCall("post /queue/pause");
    expect((await checkCall("put /jobs/{id}", { id: "one", body })).status).toBe(201);
    expect((await checkCall("put /jobs/{id}", { id: "one", body })).status).toBe(200);
    const other = await checkCall("put /jobs/{id}", {
      id: "one",
      body: { request: { prompt: "a dog" } },
      isRefused: true,
    });
    expect(other.status).toBe(409);
    await checkCall("post /jobs", { body });
    await checkCall("post /jobs/{id}/move", { id: "one", body: { to: "last" } });
    await checkCall("post /jobs/{id}/pause", { id: "one" });
    await checkCall("post /jobs/{id}/resume", { id: "one" });
    await checkCall("post /jobs/{id}/skip", { id: "one" });
    await checkCall("get /jobs", { query: "?state=queued,paused&limit=10" });
    await checkCall("get /jobs/{id}/events", { id: "one" });
    await checkCall("post /queue/resume");
    // Its stream ends when the job does.
    const stream = await (await call("GET", "/jobs/one/events")).text();
    const events = [...stream.matchAll(/^data: (.*)$/gm)].map((match) => JSON.parse(match[1]!));
    expect(events.length).toBeGreaterThan(1);
    for (const event of events) expect(check({ $ref: "#/components/schemas/Event" }, event)).toBeNull();
    const { value } = await checkCall("get /jobs/{id}", { id: "one" });
    expect((value as unknown as Job).state).toBe("done");
    await checkCall("get /jobs/{id}/preview.webp", { id: "one" });
    await checkCall("post /jobs/{id}/cancel", { id: "one" });
    await checkCall("post /jobs/cancel", { body: { group: "sheet" } });
  });

  it("of trainings fit, and their samples are served", async () => {
    await checkCall("post /queue/pause");
    const image = encodePng({ width: 8, height: 8, channels: 3, data: new Uint8Array(192) });
    const { value: upload } = await checkCall("post /uploads", { body: image, type: "image/png" });
    const body = { kind: "train", name: "mine", images: [{ id: upload.id, caption: "black" }] };
    expect((await checkCall("put /jobs/{id}", { id: "training", body })).status).toBe(201);
    await checkCall("get /jobs/{id}/report", { id: "training", isRefused: true });
    const run = join(served.folder, "trainings/training/mine.run");
    await mkdir(run, { recursive: true });
    await writeFile(join(run, "samples.png"), image);
    await checkCall("get /jobs/{id}/report", { id: "training" });
    const { headers } = await call("GET", "/jobs/training/report");
    expect(headers.get("content-security-policy")).toMatch(/default-src 'none'.*sandbox/);
    await checkCall("post /jobs/{id}/cancel", { id: "training" });
    await checkCall("post /queue/resume");
  });

  it("of images fit", async () => {
    const job = (await (await call("GET", "/jobs/one")).json()) as Job;
    const { id } = job.images[0]!;
    await checkCall("get /images", { query: "?search=cat&limit=5" });
    await checkCall("get /images/{id}", { id });
    await checkCall("get /images/{id}/file", { id });
    await checkCall("get /images/{id}/thumbnail", { id });
    await checkCall("patch /images/{id}", { id, body: { favourite: true } });
    await checkCall("post /images/zip", { body: { ids: [id] } });
    await checkCall("post /images/trash", { body: { ids: [id] } });
    await checkCall("post /images/restore", { body: { ids: [id] } });
    await checkCall("post /images/empty-trash");
    const pixels = { width: 8, height: 8, channels: 3, data: new Uint8Array(192) } as const;
    await checkCall("post /uploads", { body: encodePng(pixels), type: "image/png" });
  });

  it("of explanations fit, part by part and as a page", async () => {
    const job = (await (await call("GET", "/jobs/one")).json()) as Job;
    const asked = { image: job.images[0]!.id, panels: ["leave-out"], leaveOut: 1 };
    const { value } = await checkCall("post /forecast/explanation", { body: asked });
    expect(value.forecast).toMatchObject({ panels: [{ panel: "drawing" }, { panel: "leave-out" }] });
    const body = { kind: "explain", ...asked };
    expect((await checkCall("put /jobs/{id}", { id: "inside", body })).status).toBe(201);
    await (await call("GET", "/jobs/inside/events")).text(); // until the job has ended
    await checkCall("get /jobs/{id}/finding", { id: "inside", query: "?number=1" });
    await checkCall("get /jobs/{id}/finding", { id: "inside", query: "?number=99", isRefused: true });
    await checkCall("get /jobs/{id}/report", { id: "inside", query: "?as=page" });
  });

  it("of models and the server fit", async () => {
    await checkCall("get /capabilities");
    await checkCall("get /settings", { query: "?model=embedded" });
    await checkCall("get /models");
    await checkCall("post /models/refresh");
    await checkCall("post /tokens", { body: { prompt: "a cat" } });
    const planned = await checkCall("post /plans", { body: { prompt: "a robot riding a bicycle" } });
    expect(planned.value.planned).toMatchObject({ prompt: "a robot on a bicycle" });
    const { plan } = planned.value.planned as { plan: object };
    const said = await checkCall("post /plans", { body: { plan: { ...plan, relation: "left" } } });
    expect(said.value.planned).toMatchObject({ prompt: "a robot to the left of a bicycle" });
    const forecast = await checkCall("post /forecast", { body: { request: { prompt: "a cat", count: 2 } } });
    expect(forecast.value.forecast).toMatchObject({ fits: expect.any(Boolean), advice: null });
    const prompt = "a {red, blue} cat --no fog --seed 4 --hd";
    const { value } = await checkCall("post /prompts", { body: { prompt } });
    expect(value).toMatchObject({
      requests: [
        { prompt: "a red cat", negativePrompt: "fog", seed: 4 },
        { prompt: "a blue cat", negativePrompt: "fog", seed: 4 },
      ],
      parameters: [{ text: "--no fog" }, { text: "--seed 4" }, { text: "--hd", isRefused: true }],
      faults: [expect.stringMatching(/--size/)],
    });
    await checkCall("post /models/{id}/load", { id: "embedded" });
    await checkCall("post /models/{id}/unload", { id: "embedded" });
    await checkCall("post /models/unload");
    await checkCall("get /events");
    await checkCall("get /openapi.json");
    await checkCall("post /session", { body: { token: "a-token-for-this-test" } });
  });

  it("that refuse fit", async () => {
    const refused: [string, Parameters<typeof checkCall>[1], number][] = [
      ["get /jobs", { query: "?limit=many" }, 400],
      ["post /jobs", { body: { request: {} } }, 400],
      ["post /jobs", { body: [] }, 400],
      ["get /jobs/{id}", { id: "nobody" }, 404],
      ["put /jobs/{id}", { id: "no spaces", body: { request: { prompt: "x" } } }, 400],
      ["post /jobs/{id}/move", { id: "one", body: { to: "nowhere" } }, 400],
      ["get /images/{id}", { id: "nothing" }, 404],
      ["get /images/{id}/thumbnail", { id: "0".repeat(64) }, 404],
      ["post /models/{id}/load", { id: "nothing" }, 404],
      ["post /uploads", { body: new Uint8Array([1, 2, 3]), type: "image/png" }, 400],
      ["post /session", { body: { token: "another-token" } }, 401],
    ];
    for (const [operation, input, status] of refused)
      expect([operation, (await checkCall(operation, { ...input, isRefused: true })).status]).toEqual([
        operation,
        status,
      ]);
  });

  it("of every operation were looked at", () => {
    const all = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    expect(all.filter((operation) => !seen.has(operation))).toEqual([]);
  });
});
