import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findPostgresProblem, startPostgres, type TestPostgres } from "../../../tests/setup/postgres.js";
import { openDatabase, openShared, type ServerDatabase } from "../database/index.js";
import type { JobQueue, JobRecord, QueueChange, Worker } from "../parts.js";
import { isNamedByJob, openJobQueue, openWorkerQueue, readJobFile } from "./index.js";

let serial = 0;

function makeRecord(about: Partial<JobRecord> = {}): JobRecord {
  return {
    id: `job-${serial++}`,
    kind: "draw",
    owner: "anna",
    priority: 0,
    group: null,
    labels: {},
    model: "embedded",
    modelName: "Nishiki",
    request: { prompt: "blue cat", seed: serial },
    load: {},
    parent: null,
    created: new Date().toISOString(),
    ...about,
  } as JobRecord;
}

const query = { limit: 100 };

/** A worker that draws when it is let. */
function makeWorker(about: Partial<Worker> & { readonly isFree?: boolean } = {}) {
  const started: string[] = [];
  const signals = new Map<string, AbortSignal>();
  const waiting: (() => void)[] = [];
  const worker: Worker = {
    loaded: () => [],
    run: async (job, reporter, signal) => {
      started.push(job.id);
      signals.set(job.id, signal);
      if (!about.isFree)
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          signal.addEventListener("abort", () => resolve());
        });
      if (signal.aborted) return { state: "cancelled" };
      await reporter.report({ kind: "image", index: 0, png: new TextEncoder().encode(job.id) });
      return { state: "done" };
    },
    ...about,
  };
  return { worker, started, signals, finishOne: () => waiting.shift()?.() };
}

async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 10));
}

const problem = findPostgresProblem();
let postgres: TestPostgres | undefined;
/** An embedded database, made once. */
let template: string;
beforeAll(async () => {
  template = await mkdtemp(join(tmpdir(), "nishiki-template-"));
  await (await openDatabase({ folder: template, url: "" })).close();
  if (!problem) postgres = await startPostgres();
});
afterAll(async () => {
  await postgres?.stop();
  await rm(template, { recursive: true, force: true });
});

describe.each(["pglite", "postgres"] as const)("the queue on %s", (kind) => {
  const isSkipped = kind === "postgres" && problem !== undefined;
  let folder: string;
  /** Where the embedded database lies: opening one takes longer than most tests, so they share it. */
  let home: string;
  let url: string | undefined;
  let database: ServerDatabase | undefined;
  let queue: JobQueue;
  let changes: QueueChange[];

  const open = async () => {
    database ??= await openDatabase({ folder: home, url: url ?? "" });
    queue = await openJobQueue({ database, folder, readImage: async () => new Uint8Array([1, 2, 3]) });
    changes = [];
    queue.onChange((change) => void changes.push(change));
  };
  const close = async () => {
    await queue.close();
    await database?.close();
    database = undefined;
  };
  /** As it was before any job. */
  const empty = async ({ query, transaction }: ServerDatabase) => {
    const tables = await query<{ name: string }>(
      "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname = 'nishiki' AND tablename <> 'migration'",
    );
    await transaction(async (run) => {
      await run(`TRUNCATE ${tables.map(({ name }) => name).join(", ")}`);
      await run("DELETE FROM pgboss.job");
    });
  };

  beforeAll(async () => {
    if (isSkipped) return;
    home = await mkdtemp(join(tmpdir(), "nishiki-queue-database-"));
    if (kind === "pglite") await cp(join(template, ".nishiki"), join(home, ".nishiki"), { recursive: true });
    else url = await postgres!.makeDatabase();
  });
  afterAll(async () => {
    await database?.close();
    if (!isSkipped) await rm(home, { recursive: true, force: true });
  });

  beforeEach(async (context) => {
    // Postgres is not installed; the reason was printed.
    if (isSkipped) return context.skip();
    folder = await mkdtemp(join(tmpdir(), "nishiki-queue-"));
    await open();
  });
  afterEach(async () => {
    if (isSkipped) return;
    await queue.close();
    await empty(database!);
    await rm(folder, { recursive: true, force: true });
  });

  it("runs jobs in order, keeps their files and tells of every change", async () => {
    const records = [makeRecord(), makeRecord(), makeRecord()];
    for (const record of records) expect((await queue.create(record)).isNew).toBe(true);
    const { order } = await queue.order();
    expect(order).toEqual(records.map(({ id }) => id));
    expect((await queue.get(records[1]!.id))?.position).toBe(1);
    const { worker, started } = makeWorker({ isFree: true });
    const stop = queue.work(worker);
    await until(async () => (await queue.get(records[2]!.id))?.state === "done");
    await stop();
    expect(started).toEqual(records.map(({ id }) => id));
    const month = records[0]!.created.slice(0, 7);
    const files = await readdir(join(folder, "jobs", month));
    expect(files).toHaveLength(3);
    const file = await readJobFile(join(folder, "jobs", month, `${records[0]!.id}.json`));
    expect(file?.end).toMatchObject({
      state: "done",
      attempts: 1,
      images: [expect.stringMatching(/^[0-9a-f]{64}$/)],
    });
    expect(changes.filter((change) => change.kind === "work")).toHaveLength(3);
    const page = await queue.list({ ...query, limit: 2 });
    expect(page.jobs.map(({ id }) => id)).toEqual([records[2]!.id, records[1]!.id]);
    const rest = await queue.list({ ...query, cursor: page.next! });
    expect(rest.jobs.map(({ id }) => id)).toEqual([records[0]!.id]);
  });

  it("creates a job once, however often it is asked", async () => {
    const record = makeRecord();
    const answers = await Promise.all([queue.create(record), queue.create(record), queue.create(record)]);
    expect(answers.filter(({ isNew }) => isNew)).toHaveLength(1);
  });

  it("knows the images that jobs were given, also of jobs that have ended", async () => {
    const image = "a".repeat(64);
    const { job } = await queue.create(
      makeRecord({ request: { prompt: "cat", init: { image } } } as Partial<JobRecord>),
    );
    await queue.cancel(job.id);
    const ask = (id: string) => isNamedByJob((...sql) => database!.query(...sql), id);
    expect([await ask(image), await ask("b".repeat(64))]).toEqual([true, false]);
  });

  it("cancels queued and running jobs", async () => {
    const { worker, started, signals } = makeWorker();
    const stop = queue.work(worker);
    const [first, second] = [makeRecord(), makeRecord()];
    await queue.create(first);
    await queue.create(second);
    await until(() => started.includes(first.id));
    expect((await queue.cancel(second.id))?.state).toBe("cancelled");
    expect((await queue.cancel(first.id))?.state).toBe("cancelled");
    await until(() => signals.get(first.id)!.aborted);
    // Cancelling again changes nothing.
    expect((await queue.cancel(first.id))?.state).toBe("cancelled");
    const third = makeRecord();
    await queue.create(third);
    await until(() => started.includes(third.id));
    expect(await queue.cancelAll()).toBe(1);
    await stop();
    expect(started).toEqual([first.id, third.id]);
    expect(await queue.cancel("unknown")).toBeUndefined();
  });

  it("pauses one job or all, and moves jobs", async () => {
    await queue.pauseAll(true);
    const [first, second, third] = [makeRecord(), makeRecord(), makeRecord()];
    for (const record of [first, second, third]) await queue.create(record);
    const { worker, started } = makeWorker({ isFree: true });
    const stop = queue.work(worker);
    await queue.move(third.id, { to: "first" });
    await queue.move(first.id, { to: "last" });
    expect((await queue.order()).order).toEqual([third.id, second.id, first.id]);
    await queue.move(first.id, { before: second.id });
    expect((await queue.order()).order).toEqual([third.id, first.id, second.id]);
    await queue.pause(first.id);
    await queue.pauseAll(false);
    await until(async () => (await queue.get(second.id))?.state === "done");
    expect(started).toEqual([third.id, second.id]);
    await queue.resume(first.id);
    await until(async () => (await queue.get(first.id))?.state === "done");
    await stop();
  });

  it("moves jobs into the same gap as often as one likes", async () => {
    await queue.pauseAll(true);
    const [first, ...others] = [0, 1, 2].map(() => makeRecord());
    for (const record of [first, ...others]) await queue.create(record!);
    for (let round = 0; round < 60; round++)
      await queue.move(others[round % 2]!.id, { before: others[(round + 1) % 2]!.id });
    const { order } = await queue.order();
    expect(order).toEqual([first!.id, others[1]!.id, others[0]!.id]);
    await expect(queue.move(first!.id, { before: "unknown" })).rejects.toMatchObject({ code: "usage" });
  });

  it("pauses a running job, which starts again when it is resumed", async () => {
    const { worker, started, finishOne } = makeWorker();
    const stop = queue.work(worker);
    const record = makeRecord();
    await queue.create(record);
    await until(() => started.length === 1);
    expect((await queue.pause(record.id))?.state).toBe("paused");
    await queue.resume(record.id);
    await until(() => started.length === 2);
    finishOne();
    await until(() => {
      finishOne();
      return started.length >= 2;
    });
    await until(async () => {
      finishOne();
      return (await queue.get(record.id))?.state === "done";
    });
    await stop();
  });

  it("puts a job back when its worker stops, and runs it after a restart", async () => {
    const { worker, started } = makeWorker();
    const stop = queue.work(worker);
    const record = makeRecord();
    await queue.create(record);
    await until(() => started.length === 1);
    await stop();
    expect((await queue.get(record.id))?.state).toBe("queued");
    await close();
    await open();
    const again = makeWorker({ isFree: true });
    const stopAgain = queue.work(again.worker);
    await until(async () => (await queue.get(record.id))?.state === "done");
    await stopAgain();
  });

  it("is made again from the job files when the database is lost", async () => {
    const [done, left] = [makeRecord(), makeRecord({ priority: 3, id: "With_Capitals" })];
    await queue.create(done);
    const { worker } = makeWorker({ isFree: true });
    const stop = queue.work(worker);
    await until(async () => (await queue.get(done.id))?.state === "done");
    await stop();
    await queue.create(left);
    const paused = makeRecord();
    await queue.create(paused);
    await queue.pause(paused.id);
    const all = () => Promise.all([done, left, paused].map(({ id }) => queue.get(id)));
    const before = await all();
    await close();
    for (const lost of [folder, home]) await rm(join(lost, ".nishiki"), { recursive: true, force: true });
    if (url) url = await postgres!.makeDatabase();
    await open();
    expect(await all()).toEqual(before);
    expect((await queue.order()).order).toEqual([left.id, paused.id]);
  });

  it("lets owners take turns", async () => {
    await queue.pauseAll(true);
    const anna = [0, 1, 2].map(() => makeRecord({ owner: "anna" }));
    const ben = [0, 1].map(() => makeRecord({ owner: "ben" }));
    const urgent = makeRecord({ owner: "ben", priority: 5 });
    for (const record of [...anna, ...ben, urgent]) await queue.create(record);
    const { worker, started } = makeWorker({ isFree: true });
    const stop = queue.work(worker);
    await queue.pauseAll(false);
    await until(() => started.length === 6);
    await stop();
    expect(started).toEqual([urgent.id, anna[0]!.id, ben[0]!.id, anna[1]!.id, ben[1]!.id, anna[2]!.id]);
  });

  it("prefers jobs of a model in memory, within bounds", async () => {
    await queue.pauseAll(true);
    const [other, ...same] = [
      makeRecord({ model: "b" }),
      ...[0, 1, 2, 3, 4, 5].map(() => makeRecord({ model: "a" })),
    ];
    for (const record of [other, ...same]) await queue.create(record!);
    const { worker, started } = makeWorker({ isFree: true, loaded: () => ["a"] });
    const stop = queue.work(worker);
    await queue.pauseAll(false);
    await until(() => started.length === 7);
    await stop();
    expect(started.indexOf(other!.id)).toBe(4);
  });

  it("gives workers only jobs of models and kinds that they have", async () => {
    const known = makeRecord({ model: "a", load: { vae: "v" } });
    const others: Partial<JobRecord>[] = [
      { model: "b" },
      { model: "a", load: { loras: [{ id: "l", weight: 1 }] } },
      { model: "a", load: { embeddings: ["e"] } },
      { model: "a", kind: "train" },
    ];
    for (const other of others) await queue.create(makeRecord(other));
    await queue.create(known);
    const { worker, started } = makeWorker({ isFree: true, has: ["a", "v"], kinds: ["draw"] });
    const stop = queue.work(worker);
    await until(async () => (await queue.get(known.id))?.state === "done");
    await stop();
    expect(started).toEqual([known.id]);
  });

  it("continues unfinished jobs in slices, after the others", async () => {
    const [long, short] = [makeRecord({ kind: "train" }), makeRecord()];
    const runs: string[] = [];
    const worker: Worker = {
      loaded: () => [],
      run: async ({ id }) => {
        runs.push(id);
        return { state: id === long.id && runs.length < 3 ? "unfinished" : "done" };
      },
    };
    await queue.create(long);
    await queue.create(short);
    const stop = queue.work(worker);
    await until(async () => (await queue.get(long.id))?.state === "done");
    await stop();
    expect(runs).toEqual([long.id, short.id, long.id]);
    expect((await queue.get(long.id))?.attempts).toBe(1);
  });

  it("cancels a job and leaves out images on another machine", async (context) => {
    // Only one process at a time opens an embedded database, so there is no other machine.
    if (kind === "pglite") return context.skip();
    const workerDatabase = await openShared(url!);
    const workerQueue = await openWorkerQueue(workerDatabase);
    let skipped = 0;
    const { worker, started, signals } = makeWorker();
    workerQueue.work({
      ...worker,
      run: (job, reporter, signal) => {
        reporter.onSkip(() => skipped++);
        return worker.run(job, reporter, signal);
      },
    });
    const record = makeRecord();
    await queue.create(record);
    await until(() => started.includes(record.id));
    await queue.skip(record.id);
    await queue.skip(record.id);
    await until(() => skipped === 2);
    const since = performance.now();
    expect((await queue.cancel(record.id))?.state).toBe("cancelled");
    await until(() => signals.get(record.id)!.aborted);
    console.info(`Cancelled on another machine after ${Math.round(performance.now() - since)} ms.`);
    const next = makeRecord();
    await queue.create(next);
    await until(() => started.includes(next.id));
    await workerQueue.close();
    expect((await queue.get(next.id))?.state).toBe("queued");
    await workerDatabase.close();
  });

  it("runs jobs of a worker that has only the database", async (context) => {
    // Only one process at a time opens an embedded database, so there is no other machine.
    if (kind === "pglite") return context.skip();
    const workerDatabase = await openShared(url!);
    const workerQueue = await openWorkerQueue(workerDatabase);
    const input: Uint8Array[] = [];
    workerQueue.work({
      loaded: () => [],
      run: async (job, reporter) => {
        input.push(await reporter.image("0".repeat(64)));
        const progress = {
          stage: "base",
          index: 0,
          count: 1,
          step: 1,
          steps: 2,
          fraction: 0.5,
          secondsLeft: 1,
        };
        await reporter.report({ kind: "progress", progress, preview: new Uint8Array([7]) });
        await reporter.report({ kind: "warning", message: "careful" });
        await reporter.report({ kind: "image", index: 0, png: new TextEncoder().encode(job.id) });
        return { state: "done" };
      },
    });
    const record = makeRecord();
    await queue.create(record);
    await until(async () => (await queue.get(record.id))?.state === "done");
    expect(input).toEqual([new Uint8Array([1, 2, 3])]);
    const work = changes.filter((change) => change.kind === "work").map(({ event }) => event.kind);
    expect(work).toContain("image");
    expect(work).toContain("progress");
    expect((await queue.get(record.id))?.warnings).toEqual(["careful"]);
    await workerQueue.close();
    await workerDatabase.close();
  });
});
