// Whatever a client sends, the native interface answers with a sentence: never with a failure that nobody foresaw, and never
// with one that ends the server.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getNativeRoutes } from "../src/server/http/app.js";
import type { Route } from "../src/server/http/route.js";
import { makeHttpApp } from "../src/server/index.js";
import { openServed, type Served } from "./support/serve-application.js";

let served: Served;
let app: ReturnType<typeof makeHttpApp>;
/** What went wrong without being foreseen. */
const troubles: string[] = [];

beforeAll(async () => {
  served = await openServed();
  app = makeHttpApp(served.application, { onTrouble: (text) => troubles.push(text) });
  // Requests that happen to be right stay in the queue.
  await served.application.pauseQueue(true);
});

afterAll(async () => served?.close());

const base = "/api/v1";
const runs = Number(process.env.NISHIKI_FUZZ ?? 60);

async function send(
  method: string,
  path: string,
  body?: BodyInit,
  type = "application/json",
): Promise<Response> {
  const headers = { host: "localhost", ...(body !== undefined && { "content-type": type }) };
  return app.request(base + path, { method, headers, body });
}

/** An answer that the interface may give to something that is not right. */
async function expectSentence(response: Response): Promise<void> {
  expect(troubles.splice(0)).toEqual([]);
  expect(response.status).toBeLessThan(500);
  if (response.status < 400 || response.status === 405) return;
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  expect(error.code).toMatch(/^[a-z-]+$/);
  expect(error.message).toMatch(/^[^\s].*[.?)]$/s);
  expect(error.message.length).toBeLessThan(10_000);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no control characters may be in it.
  expect(error.message).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]|\/tmp\/|node_modules|undefined/);
}

const hostileText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom(
    ...[
      "__proto__",
      "constructor",
      "../../etc/passwd",
      "\0",
      "\ud800",
      "x".repeat(5000),
      "%00",
      "\u202e",
      "1e999",
    ],
    ...["'; drop table nishiki.jobs; --", "$1", "\\", "$(exit)", "-1", "NaN", "a\nb", "\u001b[31m"],
  ),
);
const hostileNumber = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -1, -0, 2 ** 53, -(2 ** 53), 1e308, 0.5, 2 ** 31, 2 ** 32, 1e-320),
);
const hostile = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    hostileText,
    hostileNumber,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(hostileText, fc.constantFrom("prompt", "kind", "request", "id", "ids", "group")),
      tie("value"),
      {
        maxKeys: 4,
      },
    ),
  ),
})).value;

const id = "0".repeat(64);
const right: Readonly<Record<string, readonly object[]>> = {
  "/jobs": [
    { request: { prompt: "a cat", steps: 2, size: "256x256", init: { image: id, strength: 0.5 } } },
    {
      request: { prompt: "a cat" },
      labels: { a: "b" },
      group: "g",
      priority: 1,
      parent: { image: id, action: "remix" },
    },
    { kind: "enlarge", image: id, factor: 2, upscaler: "lanczos" },
    { kind: "train", name: "style", images: [{ id, caption: "a cat" }], steps: 1 },
    { kind: "evaluate", prompts: 1, seed: 1 },
  ],
  "/jobs/cancel": [{ group: "g" }],
  "/jobs/{id}/move": [{ to: "first" }, { before: "another" }],
  "/images/{id}": [{ favourite: true }],
  "/images/trash": [{ ids: [id] }],
  "/images/restore": [{ ids: [id] }],
  "/images/zip": [{ ids: [id] }],
  "/session": [{ token: "guess" }],
  "/tokens": [{ prompt: "a cat" }],
  "/plans": [{ prompt: "a lake" }, { plan: { things: [{ name: "cat" }] } }],
};
const samples = (path: string) => right[path] ?? right[path.replace("/{id}", "")] ?? [{}];

/** A body that is right but for one place. */
const damaged = (path: string) =>
  fc
    .tuple(fc.constantFrom(...samples(path)), fc.nat(), hostile, fc.boolean(), hostileText)
    .map(([sample, place, value, adds, key]) => {
      const copy = JSON.parse(JSON.stringify(sample));
      const holders: object[] = [];
      const collect = (inner: unknown) => {
        if (typeof inner !== "object" || inner === null) return;
        holders.push(inner);
        for (const each of Object.values(inner)) collect(each);
      };
      collect(copy);
      const holder = holders[place % holders.length]!;
      const keys = Object.keys(holder);
      const name = adds || keys.length === 0 ? key : keys[place % keys.length]!;
      Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
      return copy as unknown;
    });

const routes = getNativeRoutes();
const fill = (path: string, text: string) => path.replace("{id}", encodeURIComponent(text));
/** Text that UTF-8 can carry. */
const isWhole = (text: string) => !/\p{Surrogate}/u.test(text);
const someId = fc.oneof(fc.constantFrom("one", id, "embedded", "..", ".", ""), hostileText.filter(isWhole));
/** The events of everything never end. */
const isEndless = ({ path }: Route) => path === "/events";

describe("bodies", () => {
  const taking = routes.filter(({ method, file }) => method !== "get" && !file);
  it.each(taking.map((route) => [`${route.method} ${route.path}`, route] as const))(
    "%s",
    async (_, route) => {
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(hostile, damaged(route.path)),
          fc.constantFrom("one", id),
          async (body, text) => {
            await expectSentence(
              await send(route.method.toUpperCase(), fill(route.path, text), JSON.stringify(body)),
            );
          },
        ),
        { numRuns: runs },
      );
    },
  );

  it("that are not JSON, or not text", async () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Uint8Array.from(array));
    await fc.assert(
      fc.asyncProperty(bytes, async (body) => expectSentence(await send("POST", "/jobs", body))),
      { numRuns: runs },
    );
  });

  it.each([
    ["deep lists", "[".repeat(100_000)],
    ["deep objects", '{"request":'.repeat(50_000)],
    ["deep lists in a text", `{"request":{"prompt":${JSON.stringify("[".repeat(1000))},"steps":0}}`],
    ["a long key", `{"${"k".repeat(500_000)}":1}`],
    ["many keys", `{${Array.from({ length: 50_000 }, (_, i) => `"k${i}":1`).join(",")}}`],
    [
      "many ids",
      JSON.stringify({ request: { prompt: "x" }, load: { embeddings: Array(100_000).fill("a") } }),
    ],
    ["a long number", `{"request":{"prompt":"x","seed":${"9".repeat(100_000)}}}`],
    ["a prototype", '{"__proto__":{"request":{"prompt":"x"}},"request":{"prompt":"x"}}'],
    ["labels of a prototype", '{"request":{"prompt":"x"},"labels":{"__proto__":"x","constructor":"y"}}'],
  ])("with %s", async (_, body) => {
    const started = performance.now();
    await expectSentence(await send("POST", "/jobs", body));
    expect(({} as Record<string, unknown>).request).toBeUndefined();
    // Far beyond what reading a megabyte takes, far below what a hash or a pattern gone wrong would.
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

describe("paths and queries", () => {
  const plain = routes.filter((route) => route.method === "get" && !isEndless(route));
  it.each(plain.map((route) => [route.path, route] as const))("get %s", async (path, route) => {
    const names = [
      "limit",
      "cursor",
      "search",
      "state",
      "number",
      "model",
      "after",
      "trash",
      "job",
      "download",
    ];
    const query = fc.dictionary(fc.oneof(fc.constantFrom(...names), hostileText), hostileText, {
      maxKeys: 3,
    });
    await fc.assert(
      fc.asyncProperty(someId, query, async (text, pairs) => {
        const search = Object.entries(pairs)
          .filter((pair) => pair.every(isWhole))
          .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
          .join("&");
        await expectSentence(await send(route.method.toUpperCase(), `${fill(path, text)}?${search}`));
      }),
      { numRuns: runs },
    );
  });

  it.each(["/jobs?cursor=", "/images?cursor="])("%s of any kind", async (path) => {
    const cursors = fc.oneof(hostileText.filter(isWhole), fc.base64String({ maxLength: 300 }));
    await fc.assert(
      fc.asyncProperty(cursors, async (cursor) =>
        expectSentence(await send("GET", path + encodeURIComponent(cursor))),
      ),
      { numRuns: runs },
    );
  });
});

it("uploads of any bytes are images or refused", async () => {
  const starts = [
    "",
    "\x89PNG\r\n\x1a\n",
    "\xff\xd8\xff\xe0",
    "RIFF\x10\0\0\0WEBPVP8 ",
    "GIF89a",
    "BM",
    "<svg>",
  ];
  const bytes = fc
    .tuple(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 300 }))
    .map(([start, rest]) => new Uint8Array([...Buffer.from(start, "latin1"), ...rest]));
  await fc.assert(
    fc.asyncProperty(bytes, async (body) =>
      expectSentence(await send("POST", "/uploads", body, "image/png")),
    ),
    { numRuns: runs },
  );
});

describe("many at once", () => {
  const body = (prompt: string) => JSON.stringify({ request: { prompt, steps: 1, seed: 1 } });

  it("of one id and one request make one job", async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => send("PUT", "/jobs/same", body("a cat"))),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(29).fill(200), 201]);
    const ids = await Promise.all(answers.map(async (answer) => (await answer.json()).request.seed));
    expect(new Set(ids)).toEqual(new Set([1]));
  });

  it("of one id without a seed make one job with one seed", async () => {
    const unseeded = JSON.stringify({ request: { prompt: "a cat", steps: 1 } });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => send("PUT", "/jobs/seedless", unseeded)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(19).fill(200), 201]);
    const seeds = await Promise.all(answers.map(async (answer) => (await answer.json()).request.seed));
    expect(new Set(seeds).size).toBe(1);
  });

  it("of one id and other requests make one job and conflicts", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => send("PUT", "/jobs/other", body(`a cat, ${i}`))),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array(19).fill(409)]);
  });
});
