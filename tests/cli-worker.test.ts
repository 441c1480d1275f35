// nishiki worker: draws a server's jobs with nothing but the database between them.
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Application } from "../src/server/application.js";
import { createApplication } from "../src/server/node-application.js";
import { findPostgresProblem, startPostgres, type TestPostgres } from "./setup/postgres.js";
import { runCli } from "./support/run-cli.js";

const problem = findPostgresProblem();
const me = { owner: "test" };

it("asks for the address of the database", async () => {
  const { code, stderr } = await runCli(["worker"], { env: { NISHIKI_DATABASE_URL: "" } });
  expect(code).toBe(2);
  expect(stderr).toMatch(/set NISHIKI_DATABASE_URL or --database\.$/m);
});

it("refuses an address of another kind", async () => {
  const { code, stderr } = await runCli(["worker", "--database", "mysql://localhost/x"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/must be an address such as postgres:\/\//);
});

it("waits for a database that is not there yet, and ends at Ctrl-C", async () => {
  const { code, stderr } = await runCli(["worker", "--database", "postgres://127.0.0.1:1/none"], {
    during: (child) => {
      child.stderr!.once("data", () => child.kill("SIGINT"));
    },
  });
  expect(code).toBe(130);
  expect(stderr).toMatch(/^The job database at 127\.0\.0\.1:1\/none cannot be used: /m);
});

describe.skipIf(problem !== undefined)("nishiki worker", () => {
  let postgres: TestPostgres;
  let url: string;
  let folder: string;
  let application: Application;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nishiki-worker-"));
    postgres = await startPostgres();
    url = await postgres.makeDatabase();
    application = await createApplication({ folder, databaseUrl: url, draws: false });
  });
  afterAll(async () => {
    await application?.close();
    await postgres?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const until = async (id: string, states: readonly string[]) => {
    for (;;) {
      const job = await application.job(id);
      if (job && states.includes(job.state)) return job;
      await wait(50);
    }
  };

  it("does not wait for a database that does not exist", async () => {
    const { code, stderr } = await runCli(["worker", "--database", url.replace(/[^/]+$/, "unknown")]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/database "unknown" does not exist/);
  });

  it("draws, reports every step, and puts its job back at Ctrl-C", async () => {
    const kinds: string[] = [];
    const stop = new AbortController();
    const listening = (async () => {
      for await (const { event } of application.events({ signal: stop.signal })) kinds.push(event.kind);
    })();
    const start = { prompt: "a red fox", seed: 1, steps: 2 };
    await application.createJob({ kind: "draw", request: start }, me, "first");
    let child: ChildProcess | undefined;
    const running = runCli(["worker", "--database", url], {
      during: (started) => {
        child = started;
      },
    });
    const first = await until("first", ["done", "failed"]);
    expect(first).toMatchObject({ state: "done", error: null, attempts: 1 });
    expect(first.images).toHaveLength(1);
    // Its input travels to the worker, too.
    const again = { ...start, init: { image: first.images[0]!.id, strength: 0.5 } };
    await application.createJob({ kind: "draw", request: again }, me, "second");
    expect(await until("second", ["done", "failed"])).toMatchObject({ state: "done", error: null });
    await application.createJob({ kind: "draw", request: { ...start, steps: 500, count: 20 } }, me, "long");
    await until("long", ["running"]);
    child!.kill("SIGINT");
    const { code, stderr } = await running;
    expect(code).toBe(0);
    expect(stderr).toMatch(/^first: "a red fox" with Nishiki$/m);
    expect(stderr).toMatch(/^first: done after [\d.]+ s$/m);
    expect(stderr).toMatch(/goes back to the queue\.$/m);
    expect((await application.job("long"))?.state).toBe("queued");
    expect(kinds).toContain("progress");
    expect(kinds).toContain("image");
    stop.abort();
    await listening;
  });
});
