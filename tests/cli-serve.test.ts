// `nishiki serve` as a process: real sockets, real signals.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

let folder: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-serve-"));
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

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

describe("nishiki serve", () => {
  it("prints one link, answers, draws, and stops cleanly on Ctrl-C", async () => {
    const server = start("--port", "0");
    const link = await server.link;
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const capabilities = await fetch(`${link}/api/v1/capabilities`);
    expect(await capabilities.json()).toMatchObject({ name: "Nishiki" });
    const created = await fetch(`${link}/api/v1/jobs/one`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ request: { prompt: "a cat", steps: 2, seed: 1 } }),
    });
    expect(created.status).toBe(201);
    const stream = await fetch(`${link}/api/v1/jobs/one/events`);
    let text = "";
    for await (const part of stream.body!) {
      text += Buffer.from(part).toString();
      if (/"state":"(done|failed)"/.test(text)) break;
    }
    const job = (await (await fetch(`${link}/api/v1/jobs/one`)).json()) as { images: { id: string }[] };
    const file = await fetch(`${link}/api/v1/images/${job.images[0]!.id}/file`);
    expect(file.headers.get("content-type")).toBe("image/png");
    server.child.kill("SIGINT");
    expect(await server.exit).toEqual([0, null]);
    expect(server.errors()).toContain("Stopping");
  });

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
    expect(wrong.errors()).toContain("expected a number from 0 to 65535");
  });
});
