// The queue's own statements. Every function runs in the transaction that is open where it is called.
import type { JobQuery, JobState, Move } from "../api/index.js";
import type { Database, JobRecord, Worker } from "../parts.js";
import type { JobEnd } from "./job-files.js";
import { lookAhead, type OwnerState, overtakeLimit, type Waiting } from "./policy.js";
import { isFinal, type JobRow, jobColumns } from "./rows.js";

type Query = Database["query"];

export interface NewRow {
  readonly record: JobRecord;
  readonly home: string;
  readonly turn: string | null;
  readonly paused?: boolean;
  /** Of a job that ended before: from its file. */
  readonly end?: JobEnd;
}

/** Ids of everything that must be in the models folders to run a job. */
function listNeeds({ model, load }: JobRecord): string[] {
  const { loras = [], embeddings = [], vae, ipAdapter } = load;
  return [
    model,
    ...loras.map(({ id }) => id),
    ...embeddings,
    ...[vae, ipAdapter].filter((id) => id !== undefined),
  ];
}

/** @returns false if there is a job with this id */
export async function insertJob(query: Query, { record, home, turn, paused, end }: NewRow): Promise<boolean> {
  const rows = await query(
    `INSERT INTO nishiki.job (id, home, record, owner, priority, model, group_name, state, position, turn, attempts,
       started, finished, warnings, images, result, error, filed, needs, kind)
     VALUES ($1, $2, $3::jsonb, $4, $5, $6, $7, $8, (SELECT coalesce(max(position), 0) + 1 FROM nishiki.job), $9, $10,
       $11::timestamptz, $12::timestamptz, $13::jsonb, $14::jsonb, $15::jsonb, $16::jsonb, true, $17::text[],
       $18)
     ON CONFLICT (id) DO NOTHING RETURNING id`,
    [
      ...[record.id, home, JSON.stringify(record), record.owner, record.priority, record.model, record.group],
      ...[
        end?.state ?? (paused ? "paused" : "queued"),
        turn,
        end?.attempts ?? 0,
        end?.started ?? null,
        end?.finished ?? null,
      ],
      ...[JSON.stringify(end?.warnings ?? record.warnings ?? []), JSON.stringify(end?.images ?? [])],
      ...[end?.result ? JSON.stringify(end.result) : null, end?.error ? JSON.stringify(end.error) : null],
      ...[listNeeds(record), record.kind],
    ],
  );
  return rows.length > 0;
}

export async function findJob(query: Query, id: string, forUpdate = false): Promise<JobRow | undefined> {
  const lock = forUpdate ? "FOR UPDATE" : "";
  const [row] = await query<JobRow>(`SELECT ${jobColumns} FROM nishiki.job WHERE id = $1 ${lock}`, [id]);
  return row;
}

/** One page, newest first; `limit + 1` rows if there are more. */
export function listJobs(
  query: Query,
  { state, group, cursor, limit }: JobQuery,
): Promise<readonly JobRow[]> {
  return query<JobRow>(
    `SELECT ${jobColumns} FROM nishiki.job
     WHERE ($1::text[] IS NULL OR state = ANY($1)) AND ($2::text IS NULL OR group_name = $2)
       AND ($3::bigint IS NULL OR number < $3::bigint)
     ORDER BY nishiki.job.number DESC LIMIT $4`,
    [state ?? null, group ?? null, cursor && /^\d{1,18}$/.test(cursor) ? cursor : null, limit + 1],
  );
}

const waitingColumns = "id, owner, priority, position, model, overtaken";

/** What a worker chooses from: the first jobs of each owner, of the highest priority that has any. */
export function listCandidates(
  query: Query,
  { has, kinds }: Pick<Worker, "has" | "kinds">,
): Promise<readonly (Waiting & { readonly turn: string | null })[]> {
  return query(
    `WITH ready AS (
       SELECT ${waitingColumns}, turn FROM nishiki.job
       WHERE state = 'queued' AND ($1::text[] IS NULL OR needs <@ $1) AND ($2::text[] IS NULL OR kind = ANY($2))
     ), placed AS (
       SELECT *, row_number() OVER (PARTITION BY owner ORDER BY position, id) AS place FROM ready
       WHERE priority = (SELECT max(priority) FROM ready)
     )
     SELECT ${waitingColumns}, turn FROM placed WHERE place <= ${lookAhead}`,
    [has ?? null, kinds ?? null],
  );
}

export function listWaiting(query: Query): Promise<readonly Waiting[]> {
  return query<Waiting>(`SELECT ${waitingColumns} FROM nishiki.job WHERE state IN ('queued', 'paused')`);
}

export async function getOwners(query: Query): Promise<Map<string, OwnerState>> {
  const rows = await query<{ name: string; served: number; running: number }>(
    `SELECT name, served::float8 AS served, (
       SELECT count(*)::int FROM nishiki.job WHERE state = 'running' AND owner = name
     ) AS running FROM nishiki.owner`,
  );
  return new Map(rows.map(({ name, served, running }) => [name, { served, running }]));
}

export async function noteServed(query: Query, owner: string): Promise<void> {
  await query(
    `INSERT INTO nishiki.owner (name, served) VALUES ($1, nextval('nishiki.served'))
     ON CONFLICT (name) DO UPDATE SET served = excluded.served`,
    [owner],
  );
}

export async function nextClaim(query: Query): Promise<number> {
  const [row] = await query<{ number: number }>("SELECT nextval('nishiki.claim')::int AS number");
  return row!.number;
}

export async function isPaused(query: Query): Promise<boolean> {
  const [row] = await query<{ paused: boolean }>("SELECT paused FROM nishiki.queue WHERE name = 'all'");
  return row?.paused ?? false;
}

export async function setPaused(query: Query, paused: boolean): Promise<void> {
  await query(
    "INSERT INTO nishiki.queue VALUES ('all', $1) ON CONFLICT (name) DO UPDATE SET paused = excluded.paused",
    [paused],
  );
}

/** Puts a job back into the queue, at its place or at the end of its owner's. */
export async function requeue(
  query: Query,
  id: string,
  turn: string | null,
  { state = "queued", atEnd = false }: { readonly state?: JobState; readonly atEnd?: boolean } = {},
): Promise<void> {
  await query(
    `UPDATE nishiki.job SET state = $2, turn = $3, run = NULL, worker = NULL, position =
       CASE WHEN $4 THEN (SELECT max(position) + 1 FROM nishiki.job) ELSE position END WHERE id = $1`,
    [id, state, turn, atEnd],
  );
}

/** Numbers the places anew: after many moves into one gap, no number is left between two of them. */
async function spreadOut(query: Query): Promise<void> {
  await query(
    `UPDATE nishiki.job SET position = placed.place FROM (
       SELECT id, (SELECT coalesce(max(position), 0) FROM nishiki.job) + row_number() OVER (ORDER BY position, id) AS place
       FROM nishiki.job WHERE state IN ('queued', 'running', 'paused')
     ) AS placed WHERE nishiki.job.id = placed.id`,
  );
}

/** Where a moved job goes: its new priority and position, between its new neighbours. */
export async function findPlace(
  query: Query,
  job: JobRow,
  move: Move,
): Promise<{ readonly priority: number; readonly position: number } | undefined> {
  const waiting = [...(await listWaiting(query))]
    .filter(({ id }) => id !== job.id)
    .sort((a, b) => b.priority - a.priority || a.position - b.position);
  if ("before" in move) {
    const target = waiting.findIndex(({ id }) => id === move.before);
    if (target < 0) return undefined;
    const { priority, position } = waiting[target]!;
    const previous = waiting[target - 1];
    const lower = previous?.priority === priority ? previous.position : position - 1;
    const between = (lower + position) / 2;
    if (lower < between && between < position) return { priority, position: between };
    await spreadOut(query);
    return findPlace(query, job, move);
  }
  const [first, last] = [waiting[0], waiting.at(-1)];
  if (move.to === "first")
    return {
      priority: Math.max(job.priority, first?.priority ?? job.priority),
      position: Math.min(...waiting.map(({ position }) => position), job.position) - 1,
    };
  return {
    priority: Math.min(job.priority, last?.priority ?? job.priority),
    position: Math.max(...waiting.map(({ position }) => position), job.position) + 1,
  };
}

/** A job that was moved by hand is not overtaken any more. */
export async function place(
  query: Query,
  id: string,
  { priority, position }: { readonly priority: number; readonly position: number },
): Promise<void> {
  await query("UPDATE nishiki.job SET priority = $2, position = $3, overtaken = $4 WHERE id = $1", [
    ...[id, priority, position, overtakeLimit],
  ]);
}

/** Ends a job. Its file is written afterwards: `filed` says whether that has happened. */
export async function endJob(
  query: Query,
  id: string,
  end: Pick<JobEnd, "state" | "result" | "error">,
): Promise<void> {
  await query(
    `UPDATE nishiki.job SET state = $2, finished = now(), result = $3::jsonb, error = $4::jsonb, turn = NULL, run = NULL,
       worker = NULL, filed = false WHERE id = $1`,
    [
      id,
      end.state,
      end.result ? JSON.stringify(end.result) : null,
      end.error ? JSON.stringify(end.error) : null,
    ],
  );
}

export function makeEnd(row: JobRow): JobEnd | undefined {
  if (!isFinal(row.state)) return undefined;
  return {
    state: row.state as JobEnd["state"],
    started: row.started?.toISOString() ?? null,
    finished: (row.finished ?? new Date()).toISOString(),
    attempts: row.attempts,
    images: row.images,
    warnings: row.warnings,
    ...(row.result && { result: row.result }),
    ...(row.error && { error: row.error }),
  };
}
