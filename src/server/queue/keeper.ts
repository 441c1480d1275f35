// Keeps job files and the queue in step. The files are the truth: at its start a server adds the jobs that the database
// does not know, and takes over how they ended.
import { randomUUID } from "node:crypto";
import { readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../checkpoint/node.js";
import type { JobRecord } from "../parts.js";
import { changeQueue, type Home, type QueueContext } from "./context.js";
import { type JobFile, listJobFiles, makeJobFileName, readJobFile, writeJobFile } from "./job-files.js";
import { isFinal } from "./rows.js";
import { endJob, findJob, insertJob, makeEnd } from "./store.js";

/** The folder's name in a database that several folders may share. */
export async function readHomeId(cache: string): Promise<string> {
  const path = join(cache, "home");
  const known = (await readFile(path, "utf8").catch(() => "")).trim();
  if (/^[0-9a-f-]{36}$/.test(known)) return known;
  const id = randomUUID();
  await makeFolder(cache);
  await writeFileAtomic(path, `${id}\n`);
  return id;
}

/** Writes how a job ended into its file, once. */
export async function fileEnd(context: QueueContext, home: Home, id: string): Promise<void> {
  const row = await findJob(context.database.query, id);
  if (!row || row.home !== home.id || row.filed || !isFinal(row.state)) return;
  const end = makeEnd(row);
  await writeJobFile(home.jobs, row.record, end);
  await context.database.query("UPDATE nishiki.job SET filed = true WHERE id = $1", [id]);
}

/** Files every job that has ended and is not filed: its server or its worker was killed in between. */
export async function fileEnds(context: QueueContext, home: Home): Promise<readonly string[]> {
  const rows = await context.database.query<{ id: string }>(
    "SELECT id FROM nishiki.job WHERE home = $1 AND NOT filed",
    [home.id],
  );
  for (const { id } of rows) await fileEnd(context, home, id);
  return rows.map(({ id }) => id);
}

/** Writes a new job's file, and takes it back if the job is not accepted after all. */
export async function withJobFile<T>(home: Home, record: JobRecord, work: () => Promise<T>): Promise<T> {
  await writeJobFile(home.jobs, record);
  try {
    return await work();
  } catch (error) {
    const path = join(home.jobs, record.created.slice(0, 7), makeJobFileName(record.id));
    await unlink(path).catch(() => undefined);
    throw error;
  }
}

interface KnownRow {
  readonly id: string;
  readonly home: string;
  readonly state: string;
}

/** Reads the files of jobs that the database does not know, oldest job first. */
async function readUnknown(paths: Iterable<string>): Promise<JobFile[]> {
  const files: JobFile[] = [];
  for (const path of paths) {
    const file = await readJobFile(path);
    if (file) files.push(file);
  }
  return files.sort((a, b) => (a.record.created < b.record.created ? -1 : 1));
}

async function addUnknown(context: QueueContext, home: Home, files: readonly JobFile[]): Promise<void> {
  // One transaction for many: ten thousand of them take seconds otherwise.
  for (let from = 0; from < files.length; from += 500)
    await changeQueue(context, async (query) => {
      for (const { record, end, paused = false } of files.slice(from, from + 500)) {
        const turn = end || paused ? null : await context.turns.make();
        const isNew = await insertJob(query, { record, home: home.id, turn, paused, ...(end && { end }) });
        if (!isNew && turn !== null) await context.turns.remove(turn);
      }
    });
}

/** Brings one job that both know into step with its file. */
async function reconcileKnown(context: QueueContext, home: Home, row: KnownRow, path: string): Promise<void> {
  if (row.home !== home.id)
    await context.database.query("UPDATE nishiki.job SET home = $2 WHERE id = $1", [row.id, home.id]);
  if (isFinal(row.state as "done")) return;
  const end = (await readJobFile(path))?.end;
  if (!end) return;
  await changeQueue(context, async (query) => {
    const current = await findJob(query, row.id, true);
    if (current?.turn) await context.turns.remove(current.turn);
    await endJob(query, row.id, end);
    await query(
      "UPDATE nishiki.job SET filed = true, finished = $2::timestamptz, images = $3::jsonb WHERE id = $1",
      [row.id, end.finished, JSON.stringify(end.images)],
    );
  });
}

/** Removes a job whose file the user deleted. */
async function forget(context: QueueContext, id: string): Promise<void> {
  await changeQueue(context, async (query) => {
    const row = await findJob(query, id, true);
    if (row?.turn) await context.turns.remove(row.turn);
    await query("DELETE FROM nishiki.job WHERE id = $1", [id]);
  });
}

/** At the start: brings the queue into step with the files. @returns how many jobs were added to it */
export async function reconcile(context: QueueContext, home: Home): Promise<number> {
  const paths = await listJobFiles(home.jobs);
  const rows = await context.database.query<KnownRow>("SELECT id, home, state FROM nishiki.job");
  await fileEnds(context, home);
  for (const row of rows) {
    const name = makeJobFileName(row.id);
    const path = paths.get(name);
    paths.delete(name);
    if (path !== undefined) await reconcileKnown(context, home, row, path);
    else if (row.home === home.id) await forget(context, row.id);
  }
  const unknown = await readUnknown(paths.values());
  await addUnknown(context, home, unknown);
  return unknown.length;
}
