// The durable queue: what the application asks of it. Rows hold the jobs, pg-boss hands out their turns, files in the folder
// are the truth.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { NishikiError } from "../../errors.js";
import type { Job, JobPage, JobQuery, Move } from "../api/index.js";
import type { Database, JobQueue, JobRecord, QueueChange, Worker } from "../parts.js";
import { recoverJobs } from "./claims.js";
import { changeQueue, type Home, type QueueContext } from "./context.js";
import { makeJobFileName, writeJobFile } from "./job-files.js";
import { fileEnd, fileEnds, withJobFile } from "./keeper.js";
import { arrange } from "./policy.js";
import { supplyImages, takeProgress, takeReports } from "./reports.js";
import { isFinal, type JobRow, makeJob } from "./rows.js";
import type { Signal } from "./signals.js";
import {
  endJob,
  findJob,
  findPlace,
  getOwners,
  insertJob,
  isPaused,
  listJobs,
  listWaiting,
  place,
  requeue,
  setPaused,
} from "./store.js";
import { WorkerLoop } from "./worker-loop.js";

/** How often jobs of dead workers and forgotten signals are looked for. */
const lookMilliseconds = 2000;

export class DurableQueue implements JobQueue {
  readonly #context: QueueContext;
  readonly #home: Home;
  readonly #loops = new Set<WorkerLoop>();
  readonly #creating = new Map<string, Promise<unknown>>();
  #positions: Promise<ReadonlyMap<string, number>> | undefined;
  #incoming: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout;

  constructor(context: QueueContext, home: Home) {
    this.#context = context;
    this.#home = home;
    context.signals.watch((signal) => this.#hear(signal));
    this.#timer = setInterval(() => this.#inTurn(() => this.#lookAround()), lookMilliseconds);
    this.#timer.unref();
  }

  get #query(): Database["query"] {
    return this.#context.database.query;
  }

  // ── creating and reading ──

  async create(record: JobRecord): Promise<{ readonly job: Job; readonly isNew: boolean }> {
    const earlier = this.#creating.get(record.id) ?? Promise.resolve();
    const creating = earlier.catch(() => undefined).then(() => this.#create(record));
    this.#creating.set(record.id, creating);
    try {
      return await creating;
    } finally {
      if (this.#creating.get(record.id) === creating) this.#creating.delete(record.id);
    }
  }

  async #create(record: JobRecord): Promise<{ readonly job: Job; readonly isNew: boolean }> {
    const existing = await findJob(this.#query, record.id);
    if (existing) return this.#join(existing);
    const { turns } = this.#context;
    const isNew = await withJobFile(this.#home, record, () =>
      this.#context.database.transaction(async (query) => {
        const turn = await turns.make();
        const inserted = await insertJob(query, { record, home: this.#home.id, turn });
        if (!inserted) await turns.remove(turn);
        return inserted;
      }),
    );
    const row = await this.#find(record.id);
    if (!isNew) return this.#join(row);
    await this.#changed(record.id);
    return { job: await this.#describe(row), isNew: true };
  }

  /** The same id again. Its file may be missing if the database broke down while it was created. */
  async #join(existing: JobRow): Promise<{ readonly job: Job; readonly isNew: boolean }> {
    const { created, id } = existing.record;
    const path = join(this.#home.jobs, created.slice(0, 7), makeJobFileName(id));
    if (existing.home === this.#home.id && !isFinal(existing.state) && !existsSync(path))
      await writeJobFile(this.#home.jobs, existing.record);
    return { job: await this.#describe(existing), isNew: false };
  }

  async #find(id: string): Promise<JobRow> {
    const row = await findJob(this.#query, id);
    if (!row) throw new NishikiError("internal", `The job ${id} has just vanished from the database.`);
    return row;
  }

  async #describe(row: JobRow): Promise<Job> {
    const positions = await this.#getPositions();
    // Ended on another machine, but its images are still on their way: until they are here, it is not done.
    if (await this.#hasReports(row)) return makeJob({ ...row, state: "running" }, null, null);
    return makeJob(row, positions.get(row.id) ?? null, this.#context.progress.get(row.id) ?? null);
  }

  async get(id: string): Promise<Job | undefined> {
    const row = await findJob(this.#query, id);
    return row && this.#describe(row);
  }

  async #hasReports({ id, state, filed, home }: JobRow): Promise<boolean> {
    if (this.#context.database.kind === "pglite" || filed || !isFinal(state) || home !== this.#home.id)
      return false;
    const rows = await this.#query("SELECT 1 FROM nishiki.report WHERE home = $1 AND job = $2 LIMIT 1", [
      home,
      id,
    ]);
    return rows.length > 0;
  }

  async list(query: JobQuery): Promise<JobPage> {
    const rows = await listJobs(this.#query, query);
    const page = rows.slice(0, query.limit);
    return {
      jobs: await Promise.all(page.map((row) => this.#describe(row))),
      next: rows.length > page.length ? page.at(-1)!.number : null,
      paused: await isPaused(this.#query),
    };
  }

  async order(): Promise<{ readonly order: readonly string[]; readonly paused: boolean }> {
    const positions = await this.#getPositions();
    return { order: [...positions.keys()], paused: await isPaused(this.#query) };
  }

  #getPositions(): Promise<ReadonlyMap<string, number>> {
    if (!this.#positions) {
      const reading = this.#readPositions();
      this.#positions = reading;
      // Signals of other machines may be lost: what is known now is good for a moment only.
      const forget = () => {
        if (this.#positions === reading) this.#positions = undefined;
      };
      if (this.#context.database.kind === "postgres") setTimeout(forget, 1000).unref();
      reading.catch(forget);
    }
    return this.#positions;
  }

  async #readPositions(): Promise<ReadonlyMap<string, number>> {
    const order = arrange(await listWaiting(this.#query), await getOwners(this.#query));
    return new Map(order.map((id, index) => [id, index]));
  }

  // ── changing ──

  /** Changes a job's row in a transaction. `work` says whether it changed anything. */
  async #change(
    id: string,
    work: (row: JobRow, query: Database["query"]) => Promise<boolean>,
  ): Promise<Job | undefined> {
    const hasChanged = await changeQueue(this.#context, async (query) => {
      const row = await findJob(query, id, true);
      return row && (await work(row, query));
    });
    if (hasChanged === undefined) return undefined;
    if (hasChanged) await this.#changed(id);
    return this.#describe(await this.#find(id));
  }

  /** After a job's state or place changed: files its end, and tells everybody. */
  async #changed(id: string): Promise<void> {
    this.#positions = undefined;
    const { signals } = this.#context;
    await signals.send({ kind: "job", id });
    await signals.send({ kind: "waiting" });
    await fileEnd(this.#context, this.#home, id).catch((error) => this.#context.onTrouble(error));
    await signals.emit({ kind: "job", id });
    signals.emitOrder();
  }

  cancel(id: string): Promise<Job | undefined> {
    return this.#change(id, async (row, query) => {
      if (isFinal(row.state)) return false;
      if (row.turn) await this.#context.turns.remove(row.turn);
      await endJob(query, id, { state: "cancelled" });
      return true;
    });
  }

  async cancelAll(filter: { readonly group?: string; readonly owner?: string } = {}): Promise<number> {
    const rows = await this.#query<{ id: string }>(
      `SELECT id FROM nishiki.job WHERE state IN ('queued', 'running', 'paused')
         AND ($1::text IS NULL OR group_name = $1) AND ($2::text IS NULL OR owner = $2)
       ORDER BY state = 'running', nishiki.job.number DESC`,
      [filter.group ?? null, filter.owner ?? null],
    );
    // The last in the queue first, so that none begins just before it is cancelled.
    let count = 0;
    for (const { id } of rows) if ((await this.cancel(id))?.state === "cancelled") count++;
    return count;
  }

  skip(id: string): Promise<Job | undefined> {
    return this.#change(id, async (row, query) => {
      if (row.state !== "running") return false;
      await query("UPDATE nishiki.job SET skips = skips + 1 WHERE id = $1", [id]);
      return true;
    });
  }

  pause(id: string): Promise<Job | undefined> {
    return this.#change(id, async (row, query) => {
      if (row.state !== "queued" && row.state !== "running") return false;
      if (row.turn) await this.#context.turns.remove(row.turn);
      await requeue(query, id, null, { state: "paused" });
      await this.#writeFile(row, true);
      return true;
    });
  }

  /** A paused job stays so if the queue has to be made again. */
  async #writeFile({ home, record }: JobRow, paused: boolean): Promise<void> {
    if (home === this.#home.id) await writeJobFile(this.#home.jobs, record, undefined, paused);
  }

  resume(id: string): Promise<Job | undefined> {
    return this.#change(id, async (row, query) => {
      if (row.state !== "paused") return false;
      await requeue(query, id, await this.#context.turns.make());
      await this.#writeFile(row, false);
      return true;
    });
  }

  move(id: string, move: Move): Promise<Job | undefined> {
    return this.#change(id, async (row, query) => {
      if (row.state !== "queued" && row.state !== "paused") return false;
      const target = await findPlace(query, row, move);
      if (!target)
        throw new NishikiError("usage", "The job to move this one before is not in the queue any more.");
      await place(query, id, target);
      return true;
    });
  }

  async pauseAll(paused: boolean): Promise<void> {
    await changeQueue(this.#context, (query) => setPaused(query, paused));
    await this.#context.signals.send({ kind: "waiting" });
    this.#context.signals.emitOrder();
  }

  // ── working ──

  work(worker: Worker): () => Promise<void> {
    const loop = new WorkerLoop(this.#context, worker, {
      onStarted: (id) => this.#changed(id),
      onSettled: (id) => this.#changed(id),
    });
    this.#loops.add(loop);
    return async () => {
      this.#loops.delete(loop);
      await loop.stop();
    };
  }

  onChange(listener: (change: QueueChange) => void | Promise<void>): () => void {
    return this.#context.signals.onChange(listener);
  }

  // ── hearing from other machines ──

  /** One after the other: an image is taken over before the end of its job is told. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#incoming = this.#incoming.then(work).catch((error) => this.#context.onTrouble(error));
    return this.#incoming;
  }

  #hear(signal: Signal): void {
    const { kind } = signal;
    if (kind === "waiting" || kind === "job" || kind === "gap") this.#positions = undefined;
    if (this.#context.database.kind === "pglite") return;
    if (kind === "job") void this.#inTurn(() => this.#takeEnded(signal.id));
    else if (kind === "progress") void this.#inTurn(() => this.#takeProgress(signal.id));
    else if (kind === "report" && signal.home === this.#home.id)
      void this.#inTurn(() => takeReports(this.#context, this.#home));
    else if (kind === "input" && signal.home === this.#home.id)
      void this.#inTurn(() => supplyImages(this.#context, this.#home));
    else if (kind === "gap") void this.#inTurn(() => this.#lookAround());
    else if (kind === "waiting") this.#context.signals.emitOrder();
  }

  async #takeProgress(id: string): Promise<void> {
    await takeProgress(this.#context, id);
  }

  async #takeEnded(id: string): Promise<void> {
    const row = await findJob(this.#query, id);
    if (!row) return;
    if (row.state !== "running") this.#context.progress.delete(id);
    if (row.home === this.#home.id) await takeReports(this.#context, this.#home);
    await fileEnd(this.#context, this.#home, id);
    await this.#context.signals.emit({ kind: "job", id });
  }

  async #lookAround(): Promise<void> {
    const { database } = this.#context;
    for (const id of await recoverJobs(this.#context)) await this.#changed(id);
    if (database.kind === "postgres") {
      await takeReports(this.#context, this.#home);
      await supplyImages(this.#context, this.#home);
    }
    for (const id of await fileEnds(this.#context, this.#home))
      await this.#context.signals.emit({ kind: "job", id });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#loops].map((loop) => loop.stop()));
    this.#loops.clear();
    await this.#incoming;
    // Ends on other machines whose signal has not come. What cannot be filed now is filed at the next start.
    await fileEnds(this.#context, this.#home).catch(() => undefined);
    await this.#context.signals.close();
    await this.#context.turns.close();
  }
}
