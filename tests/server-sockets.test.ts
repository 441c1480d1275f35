// What clients do to the sockets: too many, too slow, too much, gone.
import { once } from "node:events";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningServer } from "../src/server/index.js";
import { getStatus, openServed, openSocket, type Served, sendRaw } from "./support/serve-application.js";

let served: Served;
let server: RunningServer;

beforeAll(async () => {
  served = await openServed();
  server = await served.serve();
});

afterAll(async () => served?.close());

const api = "/api/v1";
const head = (method: string, path: string, ...lines: string[]) =>
  [`${method} ${path} HTTP/1.1`, "Host: localhost", ...lines, "", ""].join("\r\n");
const closing = "Connection: close";
const json = "Content-Type: application/json";

/** Reads from a socket until the text so far matches. */
async function readUntil(socket: Socket, pattern: RegExp): Promise<string> {
  let read = "";
  while (!pattern.test(read)) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    read += chunk.toString("latin1");
  }
  return read;
}

describe("many clients", () => {
  it("a thousand open sockets keep nobody out", async () => {
    const sockets = await Promise.all(Array.from({ length: 1000 }, () => openSocket(server)));
    for (const [i, socket] of sockets.entries()) {
      socket.on("error", () => {});
      // Some say nothing, some begin a request, some wait for events.
      if (i % 3 === 1) socket.write(`GET ${api}/jobs HTTP/1.1\r\nHost: localhost\r\n`);
      if (i % 3 === 2) socket.write(head("GET", `${api}/events`));
    }
    expect((await fetch(`${server.url}${api}/jobs`)).status).toBe(200);
    expect((await fetch(`${server.url}${api}/capabilities`)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    expect((await fetch(`${server.url}${api}/jobs`)).status).toBe(200);
  });

  it("streams beyond the limit are told to come back, and leave room when they go", async () => {
    const stop = new AbortController();
    const open = () => fetch(`${server.url}${api}/events`, { signal: stop.signal });
    const answers = await Promise.all(Array.from({ length: 513 }, open));
    expect(answers.filter(({ status }) => status === 503).length).toBeGreaterThanOrEqual(1);
    expect(answers.find(({ status }) => status === 503)!.headers.get("retry-after")).toBe("5");
    stop.abort();
    // The server learns of it a moment later.
    let status = 503;
    while (status === 503) {
      const again = await fetch(`${server.url}${api}/events`);
      status = again.status;
      await again.body?.cancel();
    }
    expect(status).toBe(200);
  });
});

describe("slow clients", () => {
  it.each([
    ["that say nothing", ""],
    ["that never finish their headers", `GET ${api}/jobs HTTP/1.1\r\nHost: localhost\r\nX-Slow: `],
    ["that never finish their body", head("POST", `${api}/jobs`, json, "Content-Length: 100").concat("{")],
    ["that never ask again", head("GET", `${api}/jobs`)],
  ])("%s lose their connection", async (_, start) => {
    const strict = await served.serve({ timeouts: { headers: 300, request: 600, idle: 300 } });
    const socket = await openSocket(strict);
    socket.on("error", () => {});
    if (start !== "") socket.write(start);
    await once(socket.resume(), "close");
    expect((await fetch(`${strict.url}${api}/jobs`)).status).toBe(200);
    await strict.close();
  });

  it("that do not read lose their connection; those that wait for an answer keep it", async () => {
    const strict = await served.serve({ timeouts: { write: 300 } });
    const waiting = await openSocket(strict);
    waiting.write(head("GET", `${api}/events`));
    await readUntil(waiting, /retry: 1000/);
    const deaf = await openSocket(strict);
    deaf.on("error", () => {}).pause();
    // Answers of half a megabyte each: three times what sockets hold.
    for (let i = 0; i < 60; i++) deaf.write(head("GET", `${api}/openapi.json`));
    // Whether the server has cut the connection shows when more is written to it.
    while (!deaf.destroyed) {
      deaf.write(head("GET", `${api}/openapi.json`));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await served.application.pauseQueue(true);
    await served.application.pauseQueue(false);
    expect(await readUntil(waiting, /event: queue/)).toContain("data: ");
    waiting.destroy();
    await strict.close();
  });
});

describe("bodies", () => {
  const large = "x".repeat(1024 * 1024 + 1);

  it.each([
    ["a length beyond the limit", head("POST", `${api}/jobs`, json, `Content-Length: ${10 ** 12}`)],
    ["a length beyond all limits", head("POST", "/v1/images/edits", json, `Content-Length: ${10 ** 15}`)],
    [
      "chunks beyond the limit",
      `${head("POST", `${api}/jobs`, json, "Transfer-Encoding: chunked")}${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`,
    ],
    [
      "an upload beyond the limit",
      head("POST", `${api}/uploads`, "Content-Type: image/png", `Content-Length: ${65 * 1024 * 1024}`),
    ],
  ])("of %s are refused before they are read, and the connection ends", async (_, bytes) => {
    const answer = await sendRaw(server, bytes);
    expect(getStatus(answer)).toBe(413);
    expect(answer).toMatch(/connection: close/i);
    expect(answer).toContain('"too-large"');
  });

  it("that lie about their length never mix with the next request", async () => {
    const smuggled = "GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (const lines of [
      ["Content-Length: 4", "Transfer-Encoding: chunked"],
      ["Transfer-Encoding: chunked, identity"],
      ["Transfer-Encoding: xchunked"],
      ["Content-Length: 4", "Content-Length: 5"],
      ["Content-Length: -1"],
      ["Content-Length: 1e3"],
      ["Transfer-Encoding : chunked"],
    ]) {
      const answer = await sendRaw(
        server,
        `${head("POST", `${api}/jobs`, json, ...lines)}0\r\n\r\n${smuggled}`,
      );
      expect([lines, getStatus(answer)]).toEqual([lines, expect.toBeOneOf([0, 400, 501])]);
      expect(answer.match(/HTTP\/1\.1 \d/g)?.length ?? 0).toBeLessThanOrEqual(1);
    }
  });

  it.each(["gzip", "br", "deflate", "identity, gzip"])(
    "compressed as %s are not unpacked",
    async (encoding) => {
      const bytes = head("POST", `${api}/uploads`, closing, "Content-Type: image/png", "Content-Length: 3");
      const answer = await sendRaw(
        server,
        `${bytes.replace("\r\n\r\n", `\r\nContent-Encoding: ${encoding}\r\n\r\n`)}abc`,
      );
      expect(getStatus(answer)).toBe(415);
    },
  );

  it("after one that was refused, the connection serves the next request", async () => {
    const socket = await openSocket(server);
    const faulty = "{";
    socket.write(`${head("POST", `${api}/jobs`, json, "Content-Length: 1")}${faulty}`);
    await readUntil(socket, /is not JSON/);
    socket.write(head("GET", `${api}/jobs`));
    expect(getStatus(await readUntil(socket, /"jobs":/))).toBe(200);
    socket.destroy();
  });
});

describe("requests that are not quite HTTP", () => {
  it.each([
    ["nothing known", "BREW /coffee HTTP/1.1\r\n\r\n"],
    ["another protocol", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["no host", `GET ${api}/jobs HTTP/1.1\r\n\r\n`],
    ["headers without end", `GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"x".repeat(70_000)}\r\n\r\n`],
    ["a tunnel", "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n"],
    ["a null byte", `GET ${api}/jobs\0 HTTP/1.1\r\nHost: localhost\r\n\r\n`],
  ])("%s: end the connection at most", async (_, bytes) => {
    expect(getStatus(await sendRaw(server, bytes))).toBeOneOf([0, 400, 403, 405, 431]);
    expect((await fetch(`${server.url}${api}/jobs`)).status).toBe(200);
  });

  it.each([
    ["HEAD", `${api}/jobs`, 200],
    ["HEAD", `${api}/events`, 200],
    ["HEAD", "/", 404],
    ["OPTIONS", `${api}/jobs`, 204],
    ["OPTIONS", "*", 400],
    ["TRACE", `${api}/jobs`, 405],
    ["PROPFIND", `${api}/jobs`, 405],
    ["DELETE", `${api}/images/${"0".repeat(64)}`, 405],
  ])("%s %s is %i", async (method, path, status) => {
    const answer = await sendRaw(server, head(method, path, closing));
    expect(getStatus(answer)).toBe(status);
    if (method === "HEAD") expect(answer.split("\r\n\r\n")[1]).toBe("");
    if (status === 405) expect(answer).toMatch(/allow: .*GET|allow: GET/i);
  });

  it("upgrades are not made", async () => {
    const bytes = head("GET", `${api}/jobs`, "Connection: Upgrade, close", "Upgrade: websocket");
    expect(getStatus(await sendRaw(server, bytes))).toBeOneOf([200, 400]);
  });
});

describe("vanished clients", () => {
  it("of event streams are forgotten", async () => {
    for (let i = 0; i < 600; i++) {
      const socket = await openSocket(server);
      socket.on("error", () => {});
      socket.write(head("GET", `${api}/events`));
      await readUntil(socket, /retry: 1000/);
      socket.destroy();
    }
    // More than the limit in all: the earlier ones do not count any more.
    const last = await fetch(`${server.url}${api}/events`);
    expect(last.status).toBe(200);
    await last.body?.cancel();
  });

  it("in the middle of an upload leave nothing", async () => {
    for (let i = 0; i < 50; i++) {
      const socket = await openSocket(server);
      socket.on("error", () => {});
      socket.write(`${head("POST", `${api}/uploads`, "Content-Type: image/png", "Content-Length: 9999")}PNG`);
      socket.destroy();
    }
    expect((await fetch(`${server.url}${api}/jobs`)).status).toBe(200);
  });
});

it("streams end when the server closes, and nothing is lost in between", async () => {
  const brief = await served.serve();
  const socket = await openSocket(brief);
  socket.write(head("GET", `${api}/events`));
  await readUntil(socket, /retry: 1000/);
  await served.application.pauseQueue(true);
  const seen = await readUntil(socket, /event: queue\ndata: .*\n\n/);
  const rest = text(socket);
  await brief.close();
  await rest;
  await served.application.pauseQueue(false);
  const id = /^id: (.*)$/m.exec(seen)![1]!;
  const stop = new AbortController();
  const again = await fetch(`${server.url}${api}/events`, {
    headers: { "last-event-id": id },
    signal: stop.signal,
  });
  const reader = again.body!.pipeThrough(new TextDecoderStream()).getReader();
  let missed = "";
  while (!missed.includes('"paused":false')) missed += (await reader.read()).value;
  expect(missed).not.toContain(`id: ${id}\n`);
  stop.abort();
});

it("requests that wait for an image are answered when the server closes", async () => {
  const own = await openServed();
  try {
    const brief = await own.serve({ timeouts: { close: 60_000 } });
    await own.application.pauseQueue(true);
    const send = (path: string) =>
      fetch(brief.url + path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ prompt: `a cat for ${path}`, steps: 1 }),
      });
    const answers = [send("/sdapi/v1/txt2img"), send("/v1/images/generations")];
    while ((await own.application.jobs({ limit: 5 })).jobs.length < answers.length)
      await new Promise((resolve) => setTimeout(resolve, 20));
    await Promise.all([brief.close(), own.application.close()]);
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([503, 503]);
  } finally {
    await own.close();
  }
});
