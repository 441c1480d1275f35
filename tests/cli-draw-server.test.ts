// `nishiki draw --server` against a real server: same progress, same files, and Ctrl-C that cancels the job.
import type { ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { planRemotely } from "../src/cli/remote/draw-remotely.js";
import { type Application, createApplication, type RunningServer, serveHttp } from "../src/server/node.js";
import { type CliOptions, runCli } from "./support/run-cli.js";

const token = "correct-horse-battery";

// Minutes, because a machine may be busy with training; on an idle one it is seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
let application: Application;
let server: RunningServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-remote-"));
  application = await createApplication({ folder: join(folder, "server") });
  server = await serveHttp(application, { port: 0, token });
});

afterAll(async () => {
  await server?.close();
  await application?.close();
  await rm(folder, { recursive: true, force: true });
});

const run = (args: readonly string[], { env, ...options }: CliOptions = {}) =>
  runCli(args, { env: { NISHIKI_TOKEN: token, ...env }, ...options });

describe("nishiki draw --server", () => {
  it("draws there and saves here what it would have drawn here", async () => {
    const output = join(folder, "remote.png");
    const args = ["draw", "a red fox", "--seed", "4", "--steps", "3"];
    const { code, stdout } = await run([...args, "--server", server.url, "-o", output]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${output}\n` });
    const local = join(folder, "local.png");
    await run([...args, "-o", local]);
    expect(await readFile(output)).toEqual(await readFile(local));
  });

  it("plans there", async () => {
    const planner = planRemotely(server.link, {});
    const { plan, prompt } = await planner.plan("an ocean");
    expect(prompt).toBe("a sailboat by the sea");
    expect(await planner.say({ ...plan, ground: null })).toMatchObject({ prompt: "a sailboat" });
    await expect(planner.say({ things: [] })).rejects.toMatchObject({ code: "usage" });
  });

  it("uploads images, takes the token from the link, and prints JSON", async () => {
    const args = ["a blue fox", "--image", join(folder, "remote.png"), "--strength", "0.5", "--steps", "4"];
    const env = { NISHIKI_TOKEN: "" };
    const where = ["--server", server.link, "-o", `${folder}/json/`, "--json"];
    const { code, stdout } = await run(["draw", ...args, ...where], { env });
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      { kind: "model", device: "cpu", model: { name: "nishiki-small" } },
      { kind: "image", index: 0, width: 256, request: { prompt: "a blue fox", init: { strength: 0.5 } } },
    ]);
  });

  it("writes previews", async () => {
    const preview = join(folder, "preview.png");
    const args = ["a cat", "--steps", "6", "--server", server.url, "-o", `${folder}/`, "--preview", preview];
    expect((await run(["draw", ...args])).code).toBe(0);
    expect((await readFile(preview)).subarray(1, 4).toString()).toBe("PNG");
  });

  it("cancels the job on Ctrl-C", async () => {
    const args = [
      "draw",
      "a cat",
      "--steps",
      "500",
      "--count",
      "2",
      "--server",
      server.url,
      "-o",
      `${folder}/`,
    ];
    let child: ChildProcess | undefined;
    const running = run(args, {
      during: (started) => {
        child = started;
      },
    });
    const stop = new AbortController();
    let job: string | undefined;
    for await (const { event } of application.events({ signal: stop.signal }))
      if (event.kind === "progress" && event.progress.step > 1) {
        job = event.job;
        break;
      }
    child!.kill("SIGINT");
    const { code, stderr } = await running;
    expect({ code, stderr }).toEqual({ code: 130, stderr: "Stopped; 0 of 2 pictures are finished.\n" });
    expect(await application.job(job!)).toMatchObject({ state: "cancelled" });
  });

  it("says in the words of the command line what the server refuses", async () => {
    const wrong = await run(["draw", "a cat", "--steps", "3", "--size", "100x100", "--server", server.url]);
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toMatch(/^size: this model only draws 256x256/);
    const unknown = await run(["draw", "a cat", "--model", "nobody", "--server", server.url]);
    expect(unknown.stderr).toContain('Unknown model "nobody"');
    const device = await run(["draw", "a cat", "--threads", "1", "--server", server.url]);
    expect(device.stderr).toContain("the server decides this");
  });

  it("says how to reach a server that is not there, or wants a token", async () => {
    const other = await serveHttp(application, { port: 0 });
    await other.close();
    const nobody = await run(["draw", "a cat", "--server", other.url]);
    expect(nobody).toMatchObject({ code: 1 });
    expect(nobody.stderr).toContain("nishiki serve");
    const strange = await run(["draw", "a cat", "--server", "ftp://x"]);
    expect(strange.stderr).toContain("--server: expected an address");
    const refused = await run(["draw", "a cat", "--server", server.url], {
      env: { NISHIKI_TOKEN: "wrong-token-here" },
    });
    expect(refused.stderr).toContain("NISHIKI_TOKEN");
  });
});
