// Hubs that lie, pages in place of data, proxies, and stopping: what a hub says must not lead out of the cache.
import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { getHubCache, pullModel, readHubEnvironment } from "../src/hub/index.js";

let root: string;
let cache: string;
const servers: Server[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nishiki-lying-hub-"));
  cache = join(root, "cache");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await rm(root, { recursive: true, force: true });
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Answers {
  readonly sha?: unknown;
  readonly tree?: unknown;
  readonly content?: Buffer;
  readonly raw?: string;
  readonly asked?: (path: string, response: ServerResponse) => boolean;
}

const commit = "a".repeat(40);
const oidOf = (content: Buffer) =>
  createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");

function startHub({
  sha = commit,
  tree = [],
  content = Buffer.alloc(0),
  raw,
  asked,
}: Answers): Promise<string> {
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const path = decodeURIComponent((request.url ?? "").split("?")[0]!);
    if (asked?.(path, response)) return;
    if (raw !== undefined) return response.writeHead(200, { "Content-Type": "text/html" }).end(raw);
    if (!path.startsWith("/api/")) return response.writeHead(200).end(content);
    const info = {
      _id: "1",
      id: "a/b",
      sha,
      private: false,
      gated: false,
      downloads: 0,
      likes: 0,
      lastModified: "2026-01-01T00:00:00.000Z",
    };
    return response
      .writeHead(200, { "Content-Type": "application/json" })
      .end(JSON.stringify(path.includes("/tree/") ? tree : info));
  };
  return listen(createServer(answer));
}

const pull = (endpoint: string, options: object = {}) =>
  pullModel("a/b", { environment: { endpoint, token: undefined, cache, offline: false }, ...options });

const content = Buffer.from("weights");
const file = (over: object = {}) => ({
  type: "file",
  path: "x.safetensors",
  size: content.length,
  oid: oidOf(content),
  ...over,
});

describe("a hub that lies", () => {
  it.each([
    ["a commit", { sha: "../../../elsewhere", tree: [file()] }],
    ["a commit that is no text", { sha: 7, tree: [file()] }],
    ["git's hash", { tree: [file({ oid: "../../../elsewhere" })] }],
    ["no hash", { tree: [file({ oid: undefined })] }],
    ["an absolute hash", { tree: [file({ lfs: { oid: "/etc/passwd", size: 7, pointerSize: 1 } })] }],
    ["a size", { tree: [file({ size: -1 })] }],
  ])("about %s is refused, and nothing is written", async (_, answers) => {
    await mkdir(cache);
    const message = /does not answer like a hub: expected .*Nothing was downloaded/;
    await expect(pull(await startHub({ ...answers, content }))).rejects.toMatchObject({
      code: "file",
      message: expect.stringMatching(message),
    });
    expect(await readdir(root)).toEqual(["cache"]);
    expect(await readdir(cache, { recursive: true })).toEqual([]);
  });

  it.each([
    "../../x.safetensors",
    "/x.safetensors",
    "a/../x.safetensors",
    "a\\..\\x.safetensors",
    "C:x.safetensors",
    "./x.safetensors",
  ])("about a path (%s) does not place a file there, asked for or not", async (path) => {
    const endpoint = await startHub({ tree: [file(), file({ path })], content });
    await expect(pull(endpoint, { file: path })).rejects.toMatchObject({ code: "usage" });
    expect((await pull(endpoint)).path).toBe(join(cache, "models--a--b/snapshots", commit, "x.safetensors"));
    expect(await readdir(root)).toEqual(["cache"]);
  });

  it("cannot pass a file of this machine off as downloaded", async () => {
    const secret = join(root, "secret.safetensors");
    await writeFile(secret, content);
    const endpoint = await startHub({ tree: [file({ oid: secret })], content });
    await expect(pull(endpoint)).rejects.toMatchObject({ code: "file" });
  });

  it("cannot send more than it said", async () => {
    const endpoint = await startHub({
      tree: [file()],
      content: Buffer.concat([content, Buffer.alloc(5000)]),
    });
    await expect(pull(endpoint)).rejects.toThrow(/exceeded the 7 bytes that the hub announced/);
    expect(await readdir(join(cache, "models--a--b/blobs"))).toEqual([]);
  });

  it("does not lead out of the cache by the user's own revision", async () => {
    await expect(pull("http://127.0.0.1:9", { revision: "../../x" })).rejects.toMatchObject({
      code: "usage",
    });
  });
});

it.each(["<html>login</html>", "", '{"sha":1', "[]", "null", '"text"'])(
  "tells an answer that is not the hub's: %s",
  async (raw) => {
    await expect(pull(await startHub({ raw }))).rejects.toMatchObject({
      code: "file",
      message: expect.stringMatching(/something other than the hub's JSON|does not answer like a hub/),
    });
  },
);

it("asks through the proxy that the environment names", async () => {
  const endpoint = await startHub({ tree: [file()], content });
  const tunnels: string[] = [];
  const proxy = createServer((request, response) => {
    tunnels.push(String(request.url));
    response.writeHead(502).end();
  });
  proxy.on("connect", (request, socket, head) => {
    tunnels.push(String(request.url));
    const to = connect(Number(request.url!.split(":")[1]), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      to.write(head);
      to.pipe(socket).pipe(to);
    });
    to.on("error", () => socket.destroy());
    socket.on("error", () => to.destroy());
  });
  vi.stubEnv("HTTP_PROXY", await listen(proxy));
  vi.stubEnv("http_proxy", undefined);
  vi.stubEnv("NO_PROXY", "elsewhere.example");
  const { path } = await pull(endpoint);
  expect(await readFile(path, "utf8")).toBe("weights");
  expect(tunnels.length).toBeGreaterThan(0);
  expect(new Set(tunnels.map((url) => url.replace(/^http:\/\//, "").split("/")[0]))).toEqual(
    new Set([endpoint.slice(7)]),
  );
  tunnels.length = 0;
  vi.stubEnv("NO_PROXY", "127.0.0.1");
  await pull(endpoint);
  expect(tunnels).toEqual([]);
});

it("stops between files, and while it asks", async () => {
  const two = Buffer.from("more");
  const tree = [
    file({ path: "model_index.json" }),
    file({ path: "tokenizer/vocab.json", size: two.length, oid: oidOf(two) }),
  ];
  const stop = new AbortController();
  const downloads: string[] = [];
  const endpoint = await startHub({
    tree,
    content,
    asked: (path) => {
      if (path.includes("/resolve/")) downloads.push(path);
      return false;
    },
  });
  const onProgress = (done: number) => void (done >= content.length && stop.abort());
  await expect(pull(endpoint, { signal: stop.signal, onProgress })).rejects.toMatchObject({
    code: "aborted",
  });
  expect(downloads).toHaveLength(1);
  const slow = new AbortController();
  const silent = await startHub({
    asked: () => {
      slow.abort();
      return true;
    },
  });
  await expect(pull(silent, { signal: slow.signal })).rejects.toMatchObject({ code: "aborted" });
});

it("takes ~ in the environment for the home folder", async () => {
  expect(getHubCache({ HF_HOME: "~/hf" })).toBe(join(homedir(), "hf/hub"));
  expect(getHubCache({ HF_HUB_CACHE: "~/c" })).toBe(join(homedir(), "c"));
  expect(getHubCache({ XDG_CACHE_HOME: "~/x" })).toBe(join(homedir(), "x/huggingface/hub"));
  expect((await readHubEnvironment({ HF_HOME: "/h~/x" })).cache).toBe("/h~/x/hub");
});

it.runIf(process.platform === "linux")("refuses a cache where no folder can be made", async () => {
  const endpoint = await startHub({ tree: [file()], content });
  const environment = { endpoint, token: undefined, cache: "/proc/nishiki", offline: false };
  await expect(pullModel("a/b", { environment })).rejects.toMatchObject({ code: "file" });
  await expect(access("/proc/nishiki")).rejects.toThrow();
});
