// `nishiki serve` as a process: real sockets, real signals.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { cliPath as main, runCli } from "./support/run-cli.js";

// Minutes, because a machine may be busy with training; on an idle one it is seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

/** Where the user's pictures are. */
let pictures: string;
/** The server's folder, one for all tests: making its database takes longer than any of them. */
let folder: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  pictures = await mkdtemp(join(tmpdir(), "nishiki-serve-"));
  folder = join(pictures, "Nishiki");
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
});
afterAll(() => rm(pictures, { recursive: true, force: true, maxRetries: 5 }));

function start(...args: string[]) {
  const { NISHIKI_TOKEN: _, NISHIKI_MODELS: __, ...env } = process.env;
  const child = spawn(process.execPath, [main, "serve", "--folder", folder, "--no-open", ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let errors = "";
  child.stderr.on("data", (data: Buffer) => {
    errors += data.toString();
  });
  const exit = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  const link = once(child.stdout, "data").then(([data]) => String(data).trim());
  return { child, link, exit, errors: () => errors };
}

/** The processes that a process started (Linux). */
async function listChildren(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.trim().split(/\s+/).filter(Boolean).map(Number);
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const putJob = (link: string, id: string, request: object) =>
  fetch(`${link}/api/v1/jobs/${id}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ request }),
  });

/** Reads a job's events until one matches. */
async function waitFor(link: string, id: string, pattern: RegExp): Promise<void> {
  const stream = await fetch(`${link}/api/v1/jobs/${id}/events`);
  let text = "";
  for await (const part of stream.body!) {
    text += Buffer.from(part).toString();
    if (pattern.test(text)) return;
  }
  throw new Error(`The stream ended without ${pattern}:\n${text}`);
}

describe("nishiki serve", () => {
  it("prints one link, answers, draws, leads a second start to itself, and stops cleanly on Ctrl-C", async () => {
    const server = start("--port", "0");
    const link = await server.link;
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const capabilities = await fetch(`${link}/api/v1/capabilities`);
    expect(await capabilities.json()).toMatchObject({ name: "Nishiki" });
    expect(await (await fetch(link)).text()).toContain("<title>Nishiki</title>");
    expect((await putJob(link, "one", { prompt: "a cat", steps: 2, seed: 1 })).status).toBe(201);
    await waitFor(link, "one", /"state":"done"/);
    const job = (await (await fetch(`${link}/api/v1/jobs/one`)).json()) as { images: { id: string }[] };
    const file = await fetch(`${link}/api/v1/images/${job.images[0]!.id}/file`);
    expect(file.headers.get("content-type")).toBe("image/png");
    // A second start in the same folder leads to the first.
    const second = start();
    expect(await second.exit).toEqual([0, null]);
    expect(await second.link).toBe(link);
    expect(second.errors()).toContain("running already");
    server.child.kill("SIGINT");
    expect(await server.exit).toEqual([0, null]);
    expect(server.errors()).toContain("Stopping");
  });

  it.skipIf(process.platform !== "linux")(
    "goes on with its job after it was killed, and leaves no process behind",
    async () => {
      const first = start("--port", "0");
      const link = await first.link;
      await putJob(link, "long", { prompt: "a cat", steps: 12, seed: 1, count: 2 });
      await waitFor(link, "long", /"step":3,/);
      const children = await listChildren(first.child.pid!);
      expect(children).toHaveLength(1);
      first.child.kill("SIGKILL");
      await first.exit;
      while (children.some(isAlive)) await wait(20);
      const second = start("--port", "0");
      const again = await second.link;
      await waitFor(again, "long", /"state":"done"/);
      const job = (await (await fetch(`${again}/api/v1/jobs/long`)).json()) as {
        images: { index: number }[];
      };
      expect(job.images.map(({ index }) => index)).toEqual([0, 1]);
    },
  );

  it.skipIf(!existsSync("/usr/bin/script"))(
    "is what nishiki alone does on a terminal, but not on a pipe",
    async () => {
      const env = { ...process.env, XDG_PICTURES_DIR: pictures, NISHIKI_TOKEN: "", SSH_TTY: "none" };
      // Without exec, a shell that stays between them dies of Ctrl-C itself, and its code is told instead.
      const command = `exec '${process.execPath}' '${main}'`;
      const terminal = spawn("/usr/bin/script", ["-qec", command, "/dev/null"], { env, stdio: "pipe" });
      children.push(terminal);
      let text = "";
      await new Promise<void>((resolve) => {
        terminal.stdout.on("data", (data: Buffer) => {
          text += data.toString();
          if (text.includes("Ctrl-C stops it")) resolve();
        });
        terminal.once("exit", () => resolve());
      });
      terminal.stdin.write("\x03");
      expect(text).toMatch(/^http:\/\/127\.0\.0\.1:\d+\r?$/m);
      expect(await once(terminal, "exit")).toEqual([0, null]);
      const { stdout } = await runCli([]);
      expect(stdout).toContain("Usage: nishiki");
    },
  );

  it("refuses a port that another program uses", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const taken = start("--port", String(port));
    expect(await taken.exit).toEqual([2, null]);
    expect(taken.errors()).toContain(`port ${port}: another program uses it`);
    other.close();
  });

  it("asks for a token beyond loopback", async () => {
    const server = start("--port", "0", "--host", "0.0.0.0");
    const [, url, token] = /^(http:\/\/[\d.]+:\d+)\/#token=(\S+)$/.exec(await server.link) ?? [];
    expect((await fetch(`${url}/api/v1/models`)).status).toBe(401);
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${url}/api/v1/models`, { headers })).status).toBe(200);
    server.child.kill("SIGTERM");
    expect(await server.exit).toEqual([0, null]);
  });

  it("says what is wrong with its options", async () => {
    const wrong = start("--port", "80000");
    expect((await wrong.exit)[0]).toBe(2);
    expect(wrong.errors()).toContain("Expected a number from 0 to 65535");
  });
});
