import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Job } from "../api/index.js";
import type { Application } from "../application.js";
import { createApplication } from "../node.js";
import { makeHttpApp } from "./app.js";

const host = "127.0.0.1:7860";
const base = "/api/v1";

let folder: string;
let application: Application;
let app: ReturnType<typeof makeHttpApp>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-http-"));
  application = await createApplication({ folder });
  app = makeHttpApp(application, { page: join(folder, "no page") });
});

afterAll(async () => {
  await application?.close();
  await rm(folder, { recursive: true, force: true });
});

const request = (path: string, init: RequestInit = {}) =>
  app.request(path, { ...init, headers: { host, ...init.headers } });

const send = (method: string, path: string, body?: unknown) =>
  request(base + path, {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    }),
  });

const get = (path: string) => request(base + path);

/** Reads a stream of events to its end. */
async function readEvents(response: Response) {
  const blocks = (await response.text()).split("\n\n").filter((block) => block.includes("data: "));
  return blocks.map((block) => JSON.parse(/^data: (.*)$/m.exec(block)![1]!));
}

async function draw(id: string, body: object): Promise<Job> {
  const response = await send("PUT", `/jobs/${id}`, body);
  expect(response.status).toBe(201);
  await readEvents(await get(`/jobs/${id}/events`));
  return (await get(`/jobs/${id}`)).json();
}

const cat = { request: { prompt: "a blue cat, naïve", steps: 2, seed: 7 } };

describe("jobs", () => {
  it("are drawn, followed and listed", async () => {
    const job = await draw("one", cat);
    expect(job).toMatchObject({ id: "one", state: "done", owner: "local", request: { seed: 7, steps: 2 } });
    expect(job.images).toHaveLength(1);
    const { jobs } = await (await get("/jobs?state=done,failed&limit=5")).json();
    expect(jobs.map(({ id }: Job) => id)).toEqual(["one"]);
    const [first, ...more] = await readEvents(await get("/jobs/one/events"));
    expect(first).toMatchObject({ kind: "job", job: { state: "done" } });
    expect(more).toEqual([]);
  });

  it("are created once for one id", async () => {
    await draw("twice", cat);
    expect((await send("PUT", "/jobs/twice", cat)).status).toBe(200);
    const other = await send("PUT", "/jobs/twice", { request: { prompt: "a dog" } });
    expect(other.status).toBe(409);
    expect((await other.json()).error).toMatchObject({ code: "conflict" });
  });

  it("show every step in their stream", async () => {
    await send("POST", "/queue/pause");
    await send("PUT", "/jobs/steps", { request: { prompt: "a cat", steps: 3 } });
    const events = readEvents(await get("/jobs/steps/events"));
    expect((await send("POST", "/queue/resume")).status).toBe(200);
    const kinds = (await events).map(({ kind }) => kind);
    expect(kinds[0]).toBe("job");
    expect(kinds.filter((kind) => kind === "progress").length).toBeGreaterThanOrEqual(3);
    expect(kinds.at(-1)).toBe("job");
    const preview = await get("/jobs/steps/preview.webp");
    expect([preview.status, preview.headers.get("content-type")]).toEqual([200, "image/webp"]);
  });
});

describe("images", () => {
  it("have files, thumbnails and archives with safe names", async () => {
    const [image] = (await draw("files", cat)).images;
    const path = `/images/${image!.id}`;
    const file = await get(`${path}/file?download=1`);
    expect(file.headers.get("content-disposition")).toBe(
      `attachment; filename="a-blue-cat-naive-7-${image!.id.slice(0, 12)}.png"`,
    );
    expect(file.headers.get("cache-control")).toContain("immutable");
    const bytes = new Uint8Array(await file.arrayBuffer());
    expect(bytes.length).toBe(image!.bytes);
    const again = await request(`${base}${path}/file`, {
      headers: { "if-none-match": file.headers.get("etag")! },
    });
    expect(again.status).toBe(304);
    expect((await get(`${path}/thumbnail`)).headers.get("content-type")).toBe("image/webp");
    const zip = await send("POST", "/images/zip", { ids: [image!.id] });
    const entries = unzipSync(new Uint8Array(await zip.arrayBuffer()));
    expect(Object.keys(entries)).toEqual([`a-blue-cat-naive-7-${image!.id.slice(0, 12)}.png`]);
    expect(Object.values(entries)[0]).toEqual(bytes);
  });

  it("are marked, put in the trash and taken out again", async () => {
    const [image] = (await draw("marks", cat)).images;
    const path = `/images/${image!.id}`;
    expect(await (await send("PATCH", path, { favourite: true })).json()).toMatchObject({ favourite: true });
    const { images } = await (await send("POST", "/images/trash", { ids: [image!.id] })).json();
    expect(images[0].trashed).not.toBeNull();
    expect((await (await get("/images?trash=true")).json()).images).toHaveLength(1);
    await send("POST", "/images/restore", { ids: [image!.id] });
    expect((await (await get("/images?trash=true")).json()).images).toEqual([]);
  });

  it("are uploaded and drawn from", async () => {
    const [image] = (await draw("source", cat)).images;
    const file = await (await get(`/images/${image!.id}/file`)).arrayBuffer();
    const upload = await request(`${base}/uploads`, {
      method: "POST",
      body: file,
      headers: { "content-type": "image/png" },
    });
    expect(await upload.json()).toMatchObject({ id: image!.id, format: "png" });
  });
});

describe("faults", () => {
  it.each([
    ["GET", "/jobs/none", 404, "not-found"],
    ["GET", "/jobs/..%2f..%2fetc", 404, "not-found"],
    ["GET", "/images/none/file", 404, "not-found"],
    ["GET", "/models/x/load", 405, "method"],
    ["DELETE", "/jobs", 405, "method"],
    ["GET", "/nothing", 404, "not-found"],
    ["GET", "/jobs?limit=0", 400, "usage"],
    ["GET", "/jobs?limit=1&limit=2", 400, "usage"],
    ["GET", "/jobs?colour=red", 400, "usage"],
    ["POST", "/models/none/unload", 404, "not-found"],
    ["GET", "/settings?model=none", 404, "not-found"],
  ])("%s %s is %i", async (method, path, status, code) => {
    const response = await request(base + path, { method });
    expect(response.status).toBe(status);
    expect((await response.json()).error.code).toBe(code);
  });

  it("are sentences of the application", async () => {
    const response = await send("POST", "/jobs", { request: { prompt: "a cat", steps: 0 } });
    expect(response.status).toBe(400);
    expect((await response.json()).error.message).toContain(
      "steps: expected a whole number from 1 to 1000, got 0.",
    );
  });
});

it("a server that closes takes no more requests", async () => {
  const closing = new AbortController();
  const brief = makeHttpApp(application, { closing: closing.signal });
  const ask = () => brief.request(`${base}/jobs`, { headers: { host } });
  expect((await ask()).status).toBe(200);
  closing.abort();
  const response = await ask();
  expect([response.status, response.headers.get("connection")]).toEqual([503, "close"]);
  expect(await response.json()).toEqual({ error: { code: "busy", message: "The server is closing." } });
});
