// Downloading from a hub end to end, against a server on this machine that speaks its protocol.
import { createHash } from "node:crypto";
import { chmod, lstat, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  checkSpace,
  type HubEnvironment,
  listCachedModels,
  type PullOptions,
  type PullPlan,
  pullModel,
  readHubEnvironment,
  resolveModel,
} from "../src/hub/index.js";
import { loadPipeline } from "../src/index.js";
import { type HubServer, startHub } from "./support/hub-server.js";

const golden = fileURLToPath(new URL("./golden/pipelines/sd1/", import.meta.url));

async function readFolder(folder: string): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[path.slice(folder.length).replaceAll("\\", "/")] = await readFile(path);
  }
  return files;
}

let hub: HubServer;
let root: string;
let cache: string;

beforeAll(async () => {
  const model = await readFolder(golden);
  const extra = {
    "README.md": Buffer.from("# a card"),
    "unet/diffusion_pytorch_model.bin": Buffer.alloc(50),
  };
  hub = await startHub(
    {
      "tiny/painter": { ...model, ...extra },
      "tiny/gated": model,
      "tiny/pickles": { "model.ckpt": Buffer.alloc(100) },
      "tiny/files": {
        "one.safetensors": Buffer.alloc(5000, 1),
        "two.safetensors": Buffer.alloc(6000, 2),
        "old.pt": Buffer.alloc(9),
      },
      "tiny/large": { "big.safetensors": Buffer.alloc(3_000_000, 7) },
    },
    ["tiny/gated"],
  );
  root = await mkdtemp(join(tmpdir(), "nishiki-hub-"));
});
afterAll(async () => {
  await hub.close();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  cache = await mkdtemp(join(root, "cache-"));
  hub.asked.length = 0;
});
afterEach(() => {
  delete hub.interfere;
});

const environment = (given: Partial<HubEnvironment> = {}): HubEnvironment => ({
  endpoint: hub.url,
  token: undefined,
  cache,
  offline: false,
  ...given,
});
const pull = (name: string, given: Partial<PullOptions> = {}) =>
  pullModel(name, { environment: environment(), ...given });
const downloads = () => hub.asked.filter((line) => line.includes("/resolve/"));

describe("a model", () => {
  it("is downloaded as far as it is needed, in the layout of the hub's cache, and draws", async () => {
    const told: number[] = [];
    let plan = 0;
    const { path, commit, downloaded } = await pull("tiny/painter", {
      onPlan: ({ missing }) => {
        plan = missing;
      },
      onProgress: (done) => told.push(done),
    });
    expect(path).toBe(join(cache, "models--tiny--painter", "snapshots", hub.commit));
    expect(commit).toBe(hub.commit);
    expect(await readFile(join(cache, "models--tiny--painter/refs/main"), "utf8")).toBe(hub.commit);
    expect(told.at(-1)).toBe(plan);
    expect(downloaded).toBe(plan);
    const unet = join(path, "unet/diffusion_pytorch_model.safetensors");
    const content = await readFile(unet);
    expect((await lstat(unet)).isSymbolicLink()).toBe(true);
    expect(await readlink(unet)).toBe(`../../../blobs/${createHash("sha256").update(content).digest("hex")}`);
    const there = await readdir(path, { recursive: true });
    expect(there).not.toContain("README.md");
    expect(there.some((name) => name.endsWith(".bin"))).toBe(false);
    expect(await listCachedModels(cache)).toEqual([{ repository: "tiny/painter", path }]);
    expect(await resolveModel("tiny/painter", cache)).toBe(path);
    const pipeline = await loadPipeline({ model: path, threads: 1 });
    for await (const { kind } of pipeline.generate({ prompt: "a cat", steps: 1, size: "64x64" }))
      expect(kind).not.toBe("warning");
    await pipeline.dispose();
  });

  it("that is there is not downloaded again, and is found offline", async () => {
    const { path } = await pull("tiny/painter");
    hub.asked.length = 0;
    expect(await pull("tiny/painter")).toMatchObject({ path, downloaded: 0 });
    expect(downloads()).toEqual([]);
    hub.asked.length = 0;
    expect((await pull("tiny/painter", { environment: environment({ offline: true }) })).path).toBe(path);
    expect(hub.asked).toEqual([]);
    const offline = pull("tiny/large", { environment: environment({ offline: true }) });
    await expect(offline).rejects.toThrow(/is not in the cache .* HF_HUB_OFFLINE forbids/);
  });

  it("may be one file among others", async () => {
    await expect(pull("tiny/files")).rejects.toThrow(
      /holds several models; name one with --file: one.safetensors, two.safetensors/,
    );
    const { path } = await pull("tiny/files", { file: "two.safetensors" });
    expect((await stat(path)).size).toBe(6000);
    await expect(pull("tiny/files", { file: "three.safetensors" })).rejects.toThrow(
      /has no file "three.safetensors". It has one.safetensors/,
    );
    await expect(pull("tiny/files", { file: "old.pt" })).rejects.toThrow(/is a pickle/);
  });
});

describe("an interrupted download", () => {
  const half = 1_000_000;

  it("goes on where the connection broke", async () => {
    hub.interfere = () => ({ after: half });
    await expect(pull("tiny/large")).rejects.toThrow(/Run the same command to resume/);
    delete hub.interfere;
    hub.asked.length = 0;
    const { path } = await pull("tiny/large");
    expect(downloads()).toEqual([expect.stringMatching(/ bytes=[1-9]\d+-$/)]);
    expect((await readFile(path)).equals(Buffer.alloc(3_000_000, 7))).toBe(true);
  });

  it("that the user stopped keeps its part", async () => {
    const stop = new AbortController();
    hub.interfere = (_, response) => {
      response.writeHead(200, { "Content-Length": 3_000_000 });
      response.write(Buffer.alloc(half, 7));
      return "done";
    };
    const onProgress = (done: number) => void (done >= half && stop.abort());
    const pulling = pull("tiny/large", { signal: stop.signal, onProgress });
    await expect(pulling).rejects.toMatchObject({
      code: "aborted",
      message: expect.stringMatching(/is kept/),
    });
    const blobs = await readdir(join(cache, "models--tiny--large/blobs"));
    expect(blobs).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.incomplete$/)]);
  });

  it("with a wrong part, or a server that sends everything again, ends well", async () => {
    hub.interfere = () => ({ after: half });
    await expect(pull("tiny/large")).rejects.toThrow();
    hub.interfere = (_, response) => {
      response.writeHead(200, { "Content-Length": 3_000_000 }).end(Buffer.alloc(3_000_000, 7));
      return "done";
    };
    expect((await readFile((await pull("tiny/large")).path)).equals(Buffer.alloc(3_000_000, 7))).toBe(true);
  });

  it("with bytes that are wrong is thrown away and said", async () => {
    hub.interfere = (_, response) => {
      response.writeHead(200, { "Content-Length": 3_000_000 }).end(Buffer.alloc(3_000_000, 8));
      return "done";
    };
    await expect(pull("tiny/large")).rejects.toThrow(/has a wrong hash .* discarded/);
    expect(await readdir(join(cache, "models--tiny--large/blobs"))).toEqual([]);
  });
});

describe("what cannot be", () => {
  it.each([
    ["tiny/nowhere", {}, /There is no model tiny\/nowhere with the revision main/],
    ["tiny/painter", { revision: "v9" }, /There is no model tiny\/painter with the revision v9/],
    ["tiny/gated", {}, /not open to everyone: accept its terms on its page, and set HF_TOKEN/],
    ["tiny/pickles", {}, /it has only pickles \(model.ckpt\)/],
    ["not a name", {}, /Expected a name such as org\/name, got "not a name"/],
    ["../../etc/passwd", {}, /Expected a name such as/],
  ])("is told in a sentence (%s %o)", async (name, given, message) => {
    await expect(pull(name, given)).rejects.toThrow(message);
  });

  it("is told of tokens, dead servers and folders that cannot be written", async () => {
    const wrong = pull("tiny/gated", { environment: environment({ token: "wrong" }) });
    await expect(wrong).rejects.toThrow(/not open to this token/);
    let plan: PullPlan | undefined;
    const right = await pull("tiny/gated", {
      environment: environment({ token: "secret" }),
      onPlan: (one) => {
        plan = one;
        expect(downloads()).toEqual([]); // told before anything is fetched
      },
    });
    expect(plan?.terms).toEqual({ licence: "tiny-licence (LICENSE.md)", isGated: true });
    expect(plan?.page).toBe(`${hub.url}/tiny/gated`);
    expect(right.path).toContain("models--tiny--gated");
    const dead = pull("tiny/painter", { environment: environment({ endpoint: "http://127.0.0.1:9" }) });
    await expect(dead).rejects.toThrow(/The hub cannot be reached/);
    const file = join(cache, "a-file");
    await writeFile(file, "");
    await chmod(file, 0o400);
    await expect(
      pull("tiny/files", { file: "one.safetensors", environment: environment({ cache: file }) }),
    ).rejects.toMatchObject({ code: "file" });
  });

  it("is told before a disk is full", async () => {
    await expect(checkSpace(cache, 1e18)).rejects.toThrow(
      /^1000000000.0 GB remain to download, but the disk of .* has .* GB free. Free some space/,
    );
    await checkSpace(cache, 0);
  });

  it("is told of a name that is no path and not in the cache", async () => {
    await expect(resolveModel("tiny/painter", cache)).rejects.toThrow(
      /Download it with: nishiki pull tiny\/painter/,
    );
    expect(await resolveModel("some-folder", cache)).toBe("some-folder");
  });
});

describe("the environment", () => {
  it("is read as Python's huggingface_hub reads it", async () => {
    await writeFile(join(root, "token"), "from-file\n");
    expect(await readHubEnvironment({ HF_HOME: root })).toEqual({
      endpoint: undefined,
      token: "from-file",
      cache: join(root, "hub"),
      offline: false,
    });
    const given = {
      HF_HOME: root,
      HF_TOKEN: "mine",
      HF_ENDPOINT: "http://127.0.0.1:1/",
      HF_HUB_CACHE: "/c",
      HF_HUB_OFFLINE: "1",
    };
    expect(await readHubEnvironment(given)).toEqual({
      endpoint: "http://127.0.0.1:1",
      token: "mine",
      cache: "/c",
      offline: true,
    });
  });
});
