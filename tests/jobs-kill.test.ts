// Kill -9 of server, workers and database at random moments: no job is lost, none is doubled, none is stuck. The short form
// runs with the other tests; NISHIKI_KILLS=200 runs the long one, and NISHIKI_SEED another course of events.
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Job, JobPage } from "../src/server/api/index.js";
import type { JobRecord } from "../src/server/parts.js";
import { listJobFiles, readJobFile } from "../src/server/queue/index.js";
import { findPostgresProblem, startPostgres, type TestPostgres } from "./setup/postgres.js";
import { QueueProcess } from "./support/queue-processes.js";

const kills = Number(process.env.NISHIKI_KILLS ?? 4);
const seed = Number(process.env.NISHIKI_SEED ?? 1);
const timeout = 120_000 + kills * 30_000;

/** Random numbers from a seed (mulberry32). */
function makeRandom(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = makeRandom(seed);
const between = (from: number, to: number) => from + Math.floor(random() * (to - from));

function makeRecord(number: number): JobRecord {
  const request = { prompt: `job ${number}`, count: between(1, 4), milliseconds: between(4, 120) };
  return {
    id: `job-${number}`,
    kind: "draw",
    owner: `owner-${between(0, 3)}`,
    priority: between(-1, 2),
    group: null,
    labels: {},
    model: "embedded",
    modelName: "Nishiki",
    request: random() < 0.2 ? { ...request, input: "0".repeat(64) } : request,
    load: {},
    parent: null,
    created: new Date().toISOString(),
  } as JobRecord;
}

/** Does what may fail while its server is down, until it works. */
async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch {
      await wait(50);
    }
  }
}

interface Course {
  readonly records: JobRecord[];
  readonly cancelled: Set<string>;
  /** Jobs that were asked for. */
  count: number;
  isOver: boolean;
}

/** A client that creates jobs, and cancels a few, while everything around it is killed. */
async function createJobs(server: QueueProcess, course: Course): Promise<void> {
  while (!course.isOver) {
    const record = makeRecord(course.count++);
    await insist(() => server.ask("create", { record }));
    course.records.push(record);
    if (random() < 0.1) {
      const { id } = course.records[between(0, course.records.length)]!;
      const job = await insist(() => server.ask<Job>("cancel", { id }));
      if (job.state === "cancelled") course.cancelled.add(id);
    }
    await wait(between(100, 1000));
  }
}

/** Starts again whatever ended, by a kill or because its database was away. */
async function keepUp(processes: readonly QueueProcess[], course: Course): Promise<void> {
  while (!course.isOver) {
    for (const one of processes) if (!one.isUp) one.start();
    await wait(50);
  }
}

/** Most kills come while the processes work; a quarter come whenever they come, such as while one starts. */
async function killAtRandom(
  processes: readonly QueueProcess[],
  others: readonly (() => Promise<void>)[],
): Promise<number[]> {
  const targets = [...processes.map((one) => () => one.kill()), ...others];
  const counts = targets.map(() => 0);
  for (let kill = 0; kill < kills; kill++) {
    if (random() < 0.75) for (const one of processes) await insist(() => one.ready);
    await wait(between(20, 1500));
    // Everything is killed once at least.
    const target = kill < targets.length ? kill : between(0, targets.length);
    counts[target]!++;
    await targets[target]!();
  }
  return counts;
}

async function listJobs(server: QueueProcess): Promise<Job[]> {
  const jobs: Job[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const query = { limit: 500, ...(cursor && { cursor }) };
    const page = await insist(() => server.ask<JobPage>("list", { query }));
    jobs.push(...page.jobs);
    cursor = page.next;
  }
  return jobs;
}

const isFinal = ({ state }: Job) => ["done", "failed", "cancelled"].includes(state);

async function waitForAll(server: QueueProcess, course: Course): Promise<Job[]> {
  for (;;) {
    const jobs = await listJobs(server);
    if (jobs.length >= course.records.length && jobs.every(isFinal)) return jobs;
    await wait(200);
  }
}

async function check(folder: string, jobs: readonly Job[], { records, cancelled }: Course): Promise<void> {
  expect(jobs.map(({ id }) => id).sort()).toEqual(records.map(({ id }) => id).sort());
  expect(jobs.filter(({ state }) => state === "failed").map(({ id, error }) => [id, error])).toEqual([]);
  const states = new Map(jobs.map(({ id, state }) => [id, state]));
  for (const { id } of records)
    expect([id, states.get(id)]).toEqual([id, cancelled.has(id) ? "cancelled" : "done"]);
  const hash = (text: string) => createHash("sha256").update(text).digest("hex");
  const images = new Set((await readdir(join(folder, "images"))).filter((name) => !name.startsWith(".")));
  const expected = records.flatMap(({ id, request }) =>
    Array.from({ length: Number(request.count) }, (_, index) => ({
      id,
      name: `${hash(`${id}:${index}`)}.png`,
    })),
  );
  for (const { id, name } of expected) if (!cancelled.has(id)) expect(images.has(name), id).toBe(true);
  const names = new Set(expected.map(({ name }) => name));
  expect([...images].filter((name) => !names.has(name))).toEqual([]);
  for (const path of (await listJobFiles(join(folder, "jobs"))).values()) {
    const file = await readJobFile(path);
    expect([file?.record.id, file?.end?.state]).toEqual([file?.record.id, states.get(file!.record.id)]);
  }
}

/** Runs the whole course. `kill` ends a process; further targets end the database. */
async function run(
  folder: string,
  processes: readonly QueueProcess[],
  others: readonly (() => Promise<void>)[],
): Promise<string> {
  const course: Course = { records: [], cancelled: new Set(), count: 0, isOver: false };
  const started = performance.now();
  const keeping = keepUp(processes, course);
  const creating: Course = { ...course, isOver: false };
  const clients = [1, 2, 3, 4].map(() => createJobs(processes[0]!, creating));
  const counts = await killAtRandom(processes, others);
  creating.isOver = true;
  await Promise.all(clients);
  const jobs = await waitForAll(processes[0]!, creating);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  course.isOver = true;
  await keeping;
  await Promise.all(processes.map((one) => one.close()));
  await check(folder, jobs, creating);
  const repeated = jobs.filter(({ attempts }) => attempts > 1).length;
  return `${kills} kills (${counts.join(" + ")}), ${jobs.length} jobs, ${creating.cancelled.size} cancelled, ${repeated} run again, in ${seconds} s`;
}

const problem = findPostgresProblem();

describe("jobs survive kill -9", () => {
  let postgres: TestPostgres | undefined;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nishiki-kill-"));
    if (!problem) postgres = await startPostgres();
  });
  afterAll(async () => {
    await postgres?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("of a server with its own database", { timeout }, async () => {
    const own = join(folder, "own");
    const summary = await run(own, [new QueueProcess("server", own)], []);
    console.info(`pglite: ${summary}`);
  });

  it.skipIf(problem !== undefined)("of server, workers and Postgres", { timeout }, async () => {
    const url = await postgres!.makeDatabase();
    const shared = join(folder, "shared");
    const processes = [
      new QueueProcess("server", shared, url),
      new QueueProcess("worker", join(folder, "worker-1"), url),
      new QueueProcess("worker", join(folder, "worker-2"), url),
    ];
    const killDatabase = async () => {
      await postgres!.kill();
      await wait(between(0, 1000));
      await postgres!.restart();
    };
    const summary = await run(shared, processes, [killDatabase]);
    console.info(`server, two workers, Postgres: ${summary}`);
  });
});
