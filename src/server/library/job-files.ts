// A file for every job: what was asked for, and how it ended. The queue can be made again from them.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError, makeFolder, writeFileAtomic } from "../../checkpoint/node.js";
import { NishikiError } from "../../errors.js";
import { isRecord } from "../../schema/index.js";
import type { JobRecord, Outcome } from "../parts.js";

/** How a job ended, and the images that it drew. */
export interface JobEnd extends Outcome {
  readonly finished: string;
  readonly images: readonly string[];
  readonly warnings?: readonly string[];
}

export interface JobFile {
  readonly record: JobRecord;
  /** Undefined while the job has not ended. */
  readonly end?: JobEnd;
}

/** @throws NishikiError "usage" for an id that is none: it becomes a part of a path */
function getPath(folder: string, { id, created }: Pick<JobRecord, "id" | "created">): string {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id) || !/^\d{4}-\d{2}-/.test(created))
    throw new NishikiError("internal", "A job's id or time cannot name its file.");
  return join(folder, created.slice(0, 7), `${id}.json`);
}

/**
 * Writes a job's file, whole or not at all: when the job is created, and again with `end` when it ends.
 * @param folder The library's folder of jobs.
 * @throws NishikiError "file"
 */
export async function writeJobFile(folder: string, record: JobRecord, end?: JobEnd): Promise<void> {
  const path = getPath(folder, record);
  await makeFolder(join(folder, record.created.slice(0, 7)));
  const file = { format: 1, ...record, ...(end && { end }) };
  await writeFileAtomic(path, `${JSON.stringify(file, null, 1)}\n`);
}

/** Reads a job's file; undefined for any other file, or a damaged one. */
async function readJobFile(path: string): Promise<JobFile | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  try {
    const { format, end, ...record } = JSON.parse(text) as JobRecord & { format?: unknown; end?: JobEnd };
    if (format !== 1 || !isRecord(record) || typeof record.id !== "string" || !isRecord(record.request))
      return undefined;
    return { record: record as JobRecord, ...(end && { end }) };
  } catch {
    return undefined;
  }
}

/** All jobs that have files, oldest month first. @throws NishikiError "file" */
export async function* readJobFiles(folder: string): AsyncGenerator<JobFile> {
  const list = (path: string) =>
    readdir(path, { withFileTypes: true }).catch((error: unknown) => {
      throw fileError(error, `read ${path}`);
    });
  const months = (await list(folder)).filter(
    (entry) => entry.isDirectory() && /^\d{4}-\d{2}$/.test(entry.name),
  );
  for (const month of months.map(({ name }) => name).sort()) {
    for (const entry of await list(join(folder, month))) {
      if (!entry.isFile() || !/^[A-Za-z0-9_-]{1,64}\.json$/.test(entry.name)) continue;
      const job = await readJobFile(join(folder, month, entry.name));
      if (job) yield job;
    }
  }
}
