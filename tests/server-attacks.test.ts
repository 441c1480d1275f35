// What other web pages, and other machines, try on a server that runs on somebody's own machine.
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningServer, type ServeOptions, serveHttp } from "../src/server/index.js";
import { getStatus, openServed, openSocket, type Served, sendRaw } from "./support/serve-application.js";

let served: Served;
let server: RunningServer;
/** The server's log. */
const lines: string[] = [];

beforeAll(async () => {
  served = await openServed();
  await mkdir(join(served.folder, "page", "assets"), { recursive: true });
  await writeFile(join(served.folder, "page", "index.html"), "<!doctype html><title>Nishiki</title>");
  await writeFile(join(served.folder, "page", "assets", "index-abcdefgh.js"), "export {};");
  await writeFile(join(served.folder, "secret.txt"), "secret");
  server = await served.serve({ log: (line) => lines.push(line) });
});

afterAll(async () => served?.close());

const api = "/api/v1";
const hex = "0".repeat(64);

/** One request of each kind; `fetch` may not choose Host and Origin, so bytes are sent. */
function makeRequest(method: string, path: string, headers: Record<string, string> = {}, body = ""): string {
  const all = { Host: `127.0.0.1:${server.port}`, Connection: "close", ...headers };
  const length = body === "" && method === "GET" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const lines = [...Object.entries(all).map(([name, value]) => `${name}: ${value}`), ...length];
  return `${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${body}`;
}

const request = async (...args: Parameters<typeof makeRequest>) => sendRaw(server, makeRequest(...args));
const statusOf = async (...args: Parameters<typeof makeRequest>) => getStatus(await request(...args));

const json = { "Content-Type": "application/json" };
const job = JSON.stringify({ request: { prompt: "an attack", steps: 1 } });

/** Routes that change something, and routes that tell something, of all interfaces. */
const changing: [string, string, string][] = [
  ["POST", `${api}/jobs`, job],
  ["PUT", `${api}/jobs/attack`, job],
  ["POST", `${api}/jobs/cancel`, "{}"],
  ["POST", `${api}/jobs/any/cancel`, ""],
  ["POST", `${api}/queue/pause`, ""],
  ["POST", `${api}/models/refresh`, ""],
  ["POST", `${api}/models/unload`, ""],
  ["PATCH", `${api}/images/${hex}`, "{}"],
  ["POST", `${api}/images/trash`, JSON.stringify({ ids: [hex] })],
  ["POST", `${api}/images/empty-trash`, ""],
  ["POST", `${api}/session`, JSON.stringify({ token: "guess" })],
  ["POST", "/v1/images/generations", JSON.stringify({ prompt: "an attack" })],
  ["POST", "/sdapi/v1/txt2img", JSON.stringify({ prompt: "an attack", steps: 1 })],
  ["POST", "/sdapi/v1/interrupt", ""],
  ["POST", "/sdapi/v1/options", "{}"],
];
const telling: [string, string, string][] = [
  "/capabilities",
  "/jobs",
  "/events",
  "/images",
  `/images/${hex}/file`,
  "/models",
  "/openapi.json",
]
  .map((path): [string, string, string] => ["GET", api + path, ""])
  .concat([
    ["GET", "/v1/models", ""],
    ["GET", "/sdapi/v1/progress", ""],
    ["GET", "/sdapi/v1/sd-models", ""],
    ["GET", "/internal/pending-tasks", ""],
  ]);

const countJobs = async () => (await served.application.jobs({ limit: 500 })).jobs.length;

describe("DNS rebinding", () => {
  const foreign = [
    "evil.example",
    "evil.example:80",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example@127.0.0.1",
    "127.0.0.1, evil.example",
    "192.168.0.7",
    "0.0.0.0",
    "[::2]",
    "localhost:",
    "",
  ];
  it.each(foreign)("is refused: Host: %s", async (host) => {
    for (const [method, path, body] of [...changing.slice(0, 1), ...telling.slice(1, 2)])
      expect(await statusOf(method, path, { Host: host, ...json }, body)).toBeOneOf([400, 403]);
    expect(await statusOf("GET", "/", { Host: host })).toBeOneOf([400, 403]);
    expect(await countJobs()).toBe(0);
  });

  it("is refused with two hosts, and with none", async () => {
    const target = `GET ${api}/jobs HTTP`;
    const two = `${target}/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`;
    expect(getStatus(await sendRaw(server, two))).toBeOneOf([400, 403]);
    expect(getStatus(await sendRaw(server, `${target}/1.0\r\n\r\n`))).toBeOneOf([400, 403]);
  });

  it.each(["localhost", "127.0.0.1", "[::1]", "LOCALHOST", "127.0.0.2"])("is not: Host: %s", async (host) => {
    expect(await statusOf("GET", `${api}/jobs`, { Host: `${host}:${server.port}` })).toBe(200);
    expect(await statusOf("GET", `${api}/jobs`, { Host: `${host}:8080` })).toBe(200);
  });

  it("does not keep out a reverse proxy that is named", async () => {
    const proxied = await served.serve({ allowedHosts: ["pictures.example", "desk.example:8443"] });
    const ask = async (host: string, origin: string) =>
      getStatus(await sendRaw(proxied, makeRequest("GET", `${api}/jobs`, { Host: host, Origin: origin })));
    expect(await ask("pictures.example", "https://pictures.example")).toBe(200);
    expect(await ask("desk.example:8443", "https://desk.example:8443")).toBe(200);
    expect(await ask("desk.example", "https://desk.example")).toBe(403);
    expect(await ask("pictures.example", "https://evil.example")).toBe(403);
  });
});

describe("requests of other pages", () => {
  const origins = (): string[] => [
    "null",
    "https://evil.example",
    `http://127.0.0.1:${server.port + 1}`,
    "http://127.0.0.1",
    `http://localhost:${server.port}`,
    `ftp://127.0.0.1:${server.port}`,
    "file://",
    "",
    "chrome-extension://abcdefgh",
  ];

  it.each([...changing, ...telling])("are refused: %s %s", async (method, path, body) => {
    for (const origin of origins())
      expect([origin, await statusOf(method, path, { Origin: origin, ...json }, body)]).toEqual([
        origin,
        403,
      ]);
    for (const site of ["cross-site", "same-site", "none, cross-site", "CROSS-SITE"])
      expect([site, await statusOf(method, path, { "Sec-Fetch-Site": site, ...json }, body)]).toEqual([
        site,
        403,
      ]);
    expect(await countJobs()).toBe(0);
  });

  it("are told apart from those of the own page", async () => {
    const own = { Origin: `http://127.0.0.1:${server.port}`, "Sec-Fetch-Site": "same-origin" };
    expect(await statusOf("GET", `${api}/jobs`, own)).toBe(200);
    expect(await statusOf("POST", `${api}/queue/resume`, own)).toBe(200);
    expect(await statusOf("GET", `${api}/jobs`, { "Sec-Fetch-Site": "none" })).toBe(200);
    // A link from elsewhere to the page itself.
    expect(await statusOf("GET", "/", { "Sec-Fetch-Site": "cross-site" })).toBe(200);
  });

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/json",
  ])("are refused as a form: %s", async (type) => {
    for (const [method, path, body] of changing.filter(([, path]) => path.startsWith(api)))
      expect([path, await statusOf(method, path, { "Content-Type": type }, body)]).toEqual([path, 415]);
    expect(await statusOf("POST", `${api}/uploads`, { "Content-Type": type }, "x")).toBe(415);
    expect(await countJobs()).toBe(0);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded"])(
    "are refused as a form by the other interfaces, too: %s",
    async (type) => {
      for (const path of ["/v1/images/generations", "/sdapi/v1/txt2img", "/sdapi/v1/interrupt"])
        expect([path, await statusOf("POST", path, { "Content-Type": type }, "{}")]).toEqual([path, 415]);
    },
  );

  it("cannot change anything with an image tag", async () => {
    for (const [method, path] of changing.filter(([method]) => method !== "PUT" && method !== "PATCH")) {
      expect(method).toBe("POST");
      expect([path, await statusOf("GET", path)]).toEqual([path, expect.toBeOneOf([200, 404, 405])]);
    }
    expect((await served.application.jobs({ limit: 1 })).paused).toBe(false);
    expect(await countJobs()).toBe(0);
  });

  it("may neither read nor ask without --cors", async () => {
    const answer = await request("OPTIONS", `${api}/jobs`, {
      Origin: "https://evil.example",
      "Access-Control-Request-Method": "PUT",
    });
    expect(answer).not.toMatch(/access-control/i);
    expect(getStatus(answer)).toBe(403);
    expect(await request("GET", `${api}/jobs`)).not.toMatch(/access-control/i);
  });

  it("may with --cors, from that origin alone", async () => {
    const friend = "http://localhost:3000";
    const open = await served.serve({ cors: [friend] });
    const ask = (method: string, headers: Record<string, string>) =>
      sendRaw(open, makeRequest(method, `${api}/jobs`, headers));
    const preflight = {
      "Access-Control-Request-Method": "PUT",
      "Access-Control-Request-Headers": "content-type,authorization",
    };
    const allowed = await ask("OPTIONS", { Origin: friend, ...preflight });
    expect(getStatus(allowed)).toBe(204);
    expect(allowed).toMatch(/access-control-allow-origin: http:\/\/localhost:3000\r\n/i);
    expect(allowed).toMatch(/access-control-allow-headers: content-type,authorization\r\n/i);
    expect(allowed).not.toMatch(/allow-credentials/i);
    const read = await ask("GET", { Origin: friend, "Sec-Fetch-Site": "same-site" });
    expect(getStatus(read)).toBe(200);
    expect(read).toMatch(/access-control-allow-origin: http:\/\/localhost:3000\r\n/i);
    for (const origin of ["http://localhost:3001", "https://localhost:3000", "null"])
      expect(getStatus(await ask("OPTIONS", { Origin: origin, ...preflight }))).toBe(403);
  });

  it.each(["*", "localhost:3000", "http://localhost:3000/page", "null"])(
    "are not let in by --cors %s",
    async (origin) => {
      await expect(serveHttp(served.application, { port: 0, cors: [origin] })).rejects.toMatchObject({
        code: "usage",
        message: expect.stringContaining("expected an origin"),
      });
    },
  );
});

describe("answers", () => {
  it("tell browsers to run nothing else, embed nothing and tell nobody", async () => {
    for (const path of ["/", `${api}/jobs`, `${api}/nothing`, "/v1/models", "/sdapi/v1/options"]) {
      const answer = (await request("GET", path)).toLowerCase();
      expect(answer).toContain("x-content-type-options: nosniff\r\n");
      expect(answer).toContain("cross-origin-opener-policy: same-origin\r\n");
      expect(answer).toContain("cross-origin-embedder-policy: require-corp\r\n");
      expect(answer).toContain("cross-origin-resource-policy: same-origin\r\n");
      expect(answer).toMatch(/permissions-policy: .*camera=\(\)/);
      expect(answer).toMatch(/content-security-policy: default-src 'self';.*frame-ancestors 'none'/);
      expect(answer).not.toMatch(/unsafe-inline|unsafe-eval'(?<!wasm-unsafe-eval')/);
    }
    expect((await request("GET", `${api}/jobs`, { Origin: "null" })).toLowerCase()).toContain("nosniff");
  });

  it("have neither paths of the machine nor stack traces", async () => {
    for (const path of [`${api}/images/${hex}`, `${api}/jobs?cursor=%00`, `${api}/settings?model=../../etc`])
      expect(await request("GET", path)).not.toMatch(/at .*:\d+:\d+|node_modules|\/tmp\/|\/src\//);
  });
});

describe("paths", () => {
  it.each([
    "/../secret.txt",
    "/assets/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/assets/..%2f..%2fsecret.txt",
    "/assets/%2e%2e%5c..%5csecret.txt",
    "//secret.txt",
    "/secret.txt",
    "/./../secret.txt%00.js",
    "/assets",
    "/assets/",
    `${api}/images/..%2f..%2fsecret.txt/file`,
    "/v1/images/files/..%2f..%2f..%2fsecret.txt",
  ])("do not lead out of the page: %s", async (path) => {
    const answer = await request("GET", path);
    expect(getStatus(answer)).toBeOneOf([400, 404]);
    expect(answer).not.toMatch(/\r\n\r\nsecret/);
  });

  it("of the page lead to its files", async () => {
    expect(await request("GET", "/")).toContain("<title>Nishiki</title>");
    expect(await request("GET", "/assets/index-abcdefgh.js")).toMatch(/cache-control: public.*immutable/i);
    expect(await request("GET", "/")).toMatch(/cache-control: no-cache/i);
  });
});

describe("the token", () => {
  const token = "correct-horse-battery";
  let locked: RunningServer;
  beforeAll(async () => {
    locked = await served.serve({ token, log: (line) => lines.push(line) });
  });
  const ask = (path: string, headers: Record<string, string> = {}, method = "GET", body = "") =>
    sendRaw(locked, makeRequest(method, path, { Host: `127.0.0.1:${locked.port}`, ...headers }, body));
  const basic = (pair: string) => ({ Authorization: `Basic ${Buffer.from(pair).toString("base64")}` });

  it("is needed beyond loopback, and must not be guessable", async () => {
    const refused: ServeOptions[] = [
      { host: "0.0.0.0" },
      { host: "::" },
      { host: "192.168.0.7" },
      { host: "desk.example" },
      { host: "0.0.0.0", token: "" },
      { token: "short" },
      { token: "with spaces in it" },
    ];
    for (const options of refused)
      await expect(serveHttp(served.application, { port: 0, ...options })).rejects.toMatchObject({
        code: "usage",
      });
  });

  it("is asked of everything but the page's files", async () => {
    for (const [method, path, body] of [...changing, ...telling].filter(
      ([, path]) => !path.endsWith("/session"),
    ))
      expect([path, getStatus(await ask(path, json, method, body))]).toEqual([path, 401]);
    expect(getStatus(await ask("/"))).toBe(200);
    expect(getStatus(await ask("/anything"))).toBe(401);
    expect(getStatus(await ask(`${api}/jobs`, {}, "OPTIONS"))).toBe(401);
    expect(await countJobs()).toBe(0);
  });

  it("is taken as a bearer, as the password of Basic, and as the page's cookie", async () => {
    expect(getStatus(await ask(`${api}/jobs`, { Authorization: `Bearer ${token}` }))).toBe(200);
    expect(getStatus(await ask("/v1/models", { Authorization: `bearer ${token}` }))).toBe(200);
    expect(getStatus(await ask("/sdapi/v1/progress", basic(`anyone:${token}`)))).toBe(200);
    const answer = await ask(`${api}/session`, json, "POST", JSON.stringify({ token }));
    expect(getStatus(answer)).toBe(204);
    const [, cookie = "", attributes = ""] = /set-cookie: ([^;]+);(.*)\r\n/i.exec(answer) ?? [];
    expect(attributes).toMatch(/HttpOnly/);
    expect(attributes).toMatch(/SameSite=Strict/);
    expect(cookie).not.toContain(token);
    expect(getStatus(await ask(`${api}/jobs`, { Cookie: cookie }))).toBe(200);
    // A cookie alone does not make another page's request an own one.
    expect(getStatus(await ask(`${api}/jobs`, { Cookie: cookie, Origin: "http://127.0.0.1:1" }))).toBe(403);
    expect(getStatus(await ask(`${api}/jobs`, { Cookie: `${cookie}x` }))).toBe(401);
  });

  it("is not taken from a URL, and no log has it", async () => {
    expect(getStatus(await ask(`${api}/jobs?token=${token}`))).toBe(401);
    expect(locked.link).toBe(`${locked.url}/#token=${token}`);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join("\n")).not.toContain(token);
  });

  it("cannot be tried for long", async () => {
    const slow = await served.serve({ token });
    const attempt = async (guess: string) =>
      getStatus(await sendRaw(slow, makeRequest("GET", `${api}/jobs`, { Authorization: `Bearer ${guess}` })));
    const guesses = Array.from({ length: 12 }, (_, i) => `wrong-guess-number-${i}`);
    const statuses = [];
    for (const guess of guesses) statuses.push(await attempt(guess));
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
    expect(await attempt(token)).toBe(429);
  });

  it("can be tried by others while one address has to wait, also behind a proxy", async () => {
    const attempt = async (server: RunningServer, guess: string, client: string) => {
      const headers = { Authorization: `Bearer ${guess}`, "X-Forwarded-For": `203.0.113.9, ${client}` };
      return getStatus(await sendRaw(server, makeRequest("GET", `${api}/jobs`, headers)));
    };
    const proxied = await served.serve({ token, allowedHosts: ["pictures.example"] });
    for (let i = 0; i < 10; i++) await attempt(proxied, "wrong-guess-again", "203.0.113.1");
    expect(await attempt(proxied, token, "203.0.113.1")).toBe(429);
    expect(await attempt(proxied, token, "203.0.113.2")).toBe(200);
    // Without a proxy, the header is the client's own word.
    const plain = await served.serve({ token });
    for (let i = 0; i < 10; i++) await attempt(plain, "wrong-guess-again", `203.0.113.${i}`);
    expect(await attempt(plain, token, "203.0.113.77")).toBe(429);
  });

  it("has no challenge that makes a browser show a dialogue on the page", async () => {
    expect(await ask(`${api}/jobs`)).toMatch(/www-authenticate: Bearer/i);
    expect(await ask("/sdapi/v1/progress")).toMatch(/www-authenticate: Basic/i);
  });
});

describe("the log", () => {
  it("shows one line for each request, whatever the client sends", async () => {
    lines.length = 0;
    await request("GET", `${api}/jobs/a%0d%0ab%1b%5b31m%e2%80%ae`);
    await request("GET", `${api}/jobs?search=private`);
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^[\x20-\x7e]+$/);
    expect(lines.join("")).not.toContain("private");
  });
});

it("a socket that is open when the server closes does not hold it", async () => {
  const closing = await served.serve({ timeouts: { close: 200 } });
  const sockets = [await openSocket(closing), await openSocket(closing)];
  const ends = sockets.map((socket) => once(socket.on("error", () => {}).resume(), "close"));
  sockets[0]!.write(`POST ${api}/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{`);
  await closing.close();
  await Promise.all(ends);
});
