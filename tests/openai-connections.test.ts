// Clients that vanish, dawdle or share: whatever they do, no job goes on for nobody, and the server serves the others.
import { type ClientRequest, request as send } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng } from "../src/image/index.js";
import { type Job, serveHttp } from "../src/server/index.js";
import { startServer, type TestServer } from "./support/start-server.js";

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
  // The model is in memory before anything is timed.
  await finish(start({ prompt: "a first boat", steps: 1 }));
});
afterAll(() => server?.close());

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until a condition holds. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

const listJobs = async (): Promise<readonly Job[]> => (await server.application.jobs({ limit: 500 })).jobs;

const find = async (prompt: string) => (await listJobs()).filter(({ request }) => request.prompt === prompt);

/** Sends a request without an official client's headers. */
function start(body: object, headers: object = {}, path = "generations"): ClientRequest {
  const outgoing = send(`${server.url}/v1/images/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    agent: false,
  });
  outgoing.on("error", () => {});
  outgoing.end(JSON.stringify(body));
  return outgoing;
}

/** Reads an answer to its end. */
const finish = (outgoing: ClientRequest): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    outgoing.on("error", reject);
    outgoing.on("response", async (response) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({ status: response.statusCode!, text: Buffer.concat(chunks).toString() });
    });
  });

const hasEnded = ({ state }: Job) => state === "done" || state === "cancelled";

describe("a client that vanishes", () => {
  it.each([false, true])("cancels its job, whenever it goes (stream: %j)", async (stream) => {
    const prompt = `a boat${stream ? " in a stream" : ""}`;
    const request = () => start({ prompt, steps: 500, ...(stream && { stream, partial_images: 3 }) });
    // Before its job is made, while it is made, or after it: as it happens.
    for (const delay of [0, 1, 3, 10, 30, 100]) {
      const outgoing = request();
      await sleep(delay);
      outgoing.destroy();
    }
    // Surely after it.
    for (let i = 0; i < 3; i++) {
      const before = (await find(prompt)).length;
      const outgoing = request();
      await until(async () => (await find(prompt)).length > before);
      outgoing.destroy();
    }
    await until(async () => (await find(prompt)).every(hasEnded));
    const ended = (await find(prompt)).filter(hasEnded);
    expect(ended.length).toBeGreaterThan(2);
    expect(ended.every(({ state }) => state === "cancelled")).toBe(true);
    expect((await finish(start({ prompt: "a fox", steps: 1 }))).status).toBe(200);
  });

  it("cancels a job that waits for its turn", async () => {
    const first = start({ prompt: "a slow boat", steps: 300 });
    await until(async () => (await find("a slow boat")).some(({ state }) => state === "running"));
    const second = start({ prompt: "a waiting boat", steps: 1 });
    await until(async () => (await find("a waiting boat")).some(({ state }) => state === "queued"));
    second.destroy();
    await until(async () => (await find("a waiting boat")).every(({ state }) => state === "cancelled"));
    first.destroy();
    await until(async () => (await find("a slow boat")).every(({ state }) => state === "cancelled"));
  });

  it("has no job if it goes before its request is whole", async () => {
    const before = (await listJobs()).length;
    const { hostname, port } = new URL(server.url);
    const body = encodePng({ width: 64, height: 64, channels: 3, data: new Uint8Array(64 * 64 * 3) });
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /v1/images/edits HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 10000\r\n\r\n--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n`,
    );
    socket.write(body);
    await sleep(100);
    socket.destroy();
    await sleep(200);
    expect(await listJobs()).toHaveLength(before);
  });

  it("does not stop a job that another attempt has joined", async () => {
    const body = { prompt: "a shared boat", steps: 20 };
    const first = start(body, { "x-stainless-retry-count": "0" });
    await until(async () => (await find("a shared boat")).length === 1);
    const second = start(body, { "x-stainless-retry-count": "1" });
    await sleep(200);
    first.destroy();
    expect((await finish(second)).status).toBe(200);
    expect(await find("a shared boat")).toHaveLength(1);
  });
});

describe("a client that does not read", () => {
  it("holds nothing up", async () => {
    const { hostname, port } = new URL(server.url);
    const body = JSON.stringify({
      prompt: "an unread boat",
      steps: 3,
      n: 4,
      size: "512x512",
      upscale: "lanczos",
      stream: true,
      partial_images: 3,
    });
    const socket = connect(Number(port), hostname);
    socket.pause();
    socket.write(
      `POST /v1/images/generations HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await until(async () => (await find("an unread boat")).some(({ state }) => state === "done"));
    expect((await finish(start({ prompt: "a fox", steps: 1 }))).status).toBe(200);
    // It may still read everything.
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    socket.resume();
    await until(async () => text.split("event: image_generation.completed").length === 5);
    socket.destroy();
  });
});

describe("two clients with equal requests", () => {
  it("share nothing, even if both say that they repeat theirs", async () => {
    const body = { prompt: "an equal boat", steps: 10 };
    const one = start(body, {
      "x-stainless-retry-count": "0",
      "user-agent": "one",
      authorization: "Bearer a",
    });
    await until(async () => (await find("an equal boat")).length === 1);
    const two = start(body, {
      "x-stainless-retry-count": "1",
      "user-agent": "two",
      authorization: "Bearer b",
    });
    const answers = await Promise.all([finish(one), finish(two)]);
    const seeds = answers.map(({ text }) => JSON.parse(text).data[0].seed);
    expect(seeds[0]).not.toBe(seeds[1]);
    expect(await find("an equal boat")).toHaveLength(2);
  });
});

describe("a job that someone else cancels", () => {
  it("is a final error", async () => {
    const answer = finish(start({ prompt: "a cancelled boat", steps: 500 }));
    await until(async () => (await find("a cancelled boat")).some(({ state }) => state === "running"));
    await server.application.cancelJob((await find("a cancelled boat"))[0]!.id);
    const { status, text } = await answer;
    expect(status).toBe(409);
    expect(JSON.parse(text).error).toMatchObject({ code: "cancelled" });
  });

  it("ends a stream with an error", async () => {
    const answer = finish(start({ prompt: "a lost boat", steps: 500, stream: true }));
    await until(async () => (await find("a lost boat")).some(({ state }) => state === "running"));
    await server.application.cancelJob((await find("a lost boat"))[0]!.id);
    const { status, text } = await answer;
    expect(status).toBe(200);
    const [, data] = /^event: error\ndata: (.*)$/m.exec(text)!;
    expect(JSON.parse(data!)).toMatchObject({ error: { code: "cancelled" } });
  });
});

describe("a server that closes", () => {
  it.each([false, true])("keeps the job for its next start (stream: %j)", async (stream) => {
    const prompt = `a boat at closing time${stream ? " in a stream" : ""}`;
    const other = await serveHttp(server.application, { port: 0 });
    const outgoing = send(`${other.url}/v1/images/generations`, {
      method: "POST",
      headers: { "content-type": "application/json" },
    });
    outgoing.end(JSON.stringify({ prompt, steps: 1000, stream }));
    const answer = finish(outgoing);
    await until(async () => (await find(prompt)).some(({ state }) => state === "running"));
    await other.close();
    const { status, text } = await answer;
    expect(status).toBe(stream ? 200 : 503);
    expect(text).toContain("The server is closing");
    const [job] = await find(prompt);
    expect(job!.state).toBe("running");
    await server.application.cancelJob(job!.id);
  });
});
