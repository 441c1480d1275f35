// `npm run bench -- jobs`: how well workers share one Postgres. Their drawer waits, so that the number measures the queue and
// not this machine's cores: jobs per second and efficiency for one to eight workers.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { JobPage } from "../../src/server/api/index.js";
import { findPostgresProblem, startPostgres } from "../../tests/setup/postgres.js";
import { QueueProcess } from "../../tests/support/queue-processes.js";

const jobsPerWorker = 12;
const milliseconds = Number(process.argv[2] ?? 1000);

function makeRecord(id: string) {
  return {
    id,
    kind: "draw",
    owner: "bench",
    priority: 0,
    group: null,
    labels: {},
    model: "embedded",
    modelName: "Nishiki",
    request: { count: 1, milliseconds },
    load: {},
    parent: null,
    created: new Date().toISOString(),
  };
}

/** Seconds from the first job to the end of the last. */
async function measure(server: QueueProcess, workers: number): Promise<number> {
  await server.ask("pauseAll", { paused: true });
  const group = Array.from({ length: jobsPerWorker * workers }, (_, index) => `w${workers}-${index}`);
  for (const id of group) await server.ask("create", { record: makeRecord(id) });
  const started = performance.now();
  await server.ask("pauseAll", { paused: false });
  for (;;) {
    await wait(50);
    const query = { limit: 1, state: ["queued", "running"] };
    const { jobs } = await server.ask<JobPage>("list", { query });
    if (jobs.length === 0) return (performance.now() - started) / 1000;
  }
}

if (findPostgresProblem() === undefined) {
  const folder = await mkdtemp(join(tmpdir(), "nishiki-bench-"));
  const postgres = await startPostgres();
  const url = await postgres.makeDatabase();
  const server = new QueueProcess("server", folder, url, { NISHIKI_TEST_IDLE: "1" });
  await server.ready;
  const workers: QueueProcess[] = [];
  const results: { workers: number; perSecond: number; speedup: number; efficiency: number }[] = [];
  for (const count of [1, 2, 3, 4, 6, 8]) {
    while (workers.length < count) workers.push(new QueueProcess("worker", "-", url));
    await Promise.all(workers.map(({ ready }) => ready));
    const perSecond = (jobsPerWorker * count) / (await measure(server, count));
    const speedup = perSecond / (results[0]?.perSecond ?? perSecond);
    results.push({ workers: count, perSecond, speedup, efficiency: speedup / count });
    const percent = ((100 * speedup) / count).toFixed(0);
    console.log(
      `${count} workers: ${perSecond.toFixed(2)} jobs/s of ${milliseconds} ms, ×${speedup.toFixed(2)}, efficiency ${percent}%`,
    );
  }
  console.log(JSON.stringify({ milliseconds, jobsPerWorker, results }));
  await Promise.all([server, ...workers].map((one) => one.close()));
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}
