// Job files: jobs/<month>/<id>.json in the folder. A file is written and flushed before a job is acknowledged, and again
// when the job ends. They are the truth; the queue is made again from them if the database is lost.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError, makeFolder, writeFileAtomic } from "../../checkpoint/node.js";
import { isRecord } from "../../schema/index.js";
import { finalStates, type JobError, jobIdSchema } from "../api/index.js";
import type { JobRecord } from "../parts.js";

/** How a job ended, and the ids of the images that it drew. */
export interface JobEnd {
  readonly state: "done" | "failed" | "cancelled";
  readonly started: string | null;
  readonly finished: string;
  readonly attempts: number;
  readonly images: readonly string[];
  readonly warnings: readonly string[];
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: JobError;
}

export interface JobFile {
  readonly record: JobRecord;
  /** It waits until it is resumed. */
  readonly paused?: boolean;
  /** Undefined while the job has not ended. */
  readonly end?: JobEnd;
}

/**
 * The name of a job's file. Some file systems ignore case and some names mean devices, so an id that is not plainly small
 * letters and digits gets a hash.
 */
export function makeJobFileName(id: string): string {
  const isPlain = /^[a-z0-9_-]+$/.test(id) && !/^(con|prn|aux|nul|com\d|lpt\d)$/.test(id);
  if (isPlain) return `${id}.json`;
  return `${id.slice(0, 47)}-${createHash("sha256").update(id).digest("hex").slice(0, 16)}.json`;
}

const getPath = (folder: string, { id, created }: Pick<JobRecord, "id" | "created">) =>
  join(folder, created.slice(0, 7), makeJobFileName(id));

/**
 * Writes a job's file, whole or not at all.
 * @param folder The folder of jobs.
 * @throws NishikiError "file", if the disk is full, say
 */
export async function writeJobFile(
  folder: string,
  record: JobRecord,
  end?: JobEnd,
  paused = false,
): Promise<void> {
  await makeFolder(join(folder, record.created.slice(0, 7)));
  const text = `${JSON.stringify({ format: 1, ...record, ...(paused && { paused }), ...(end && { end }) }, null, 1)}\n`;
  await writeFileAtomic(getPath(folder, record), text);
}

function readEnd(value: unknown): JobEnd | undefined {
  if (!isRecord(value) || !finalStates.some((state) => state === value.state)) return undefined;
  const defaults = {
    started: null,
    finished: new Date(0).toISOString(),
    attempts: 1,
    images: [],
    warnings: [],
  };
  return { ...defaults, ...value } as unknown as JobEnd;
}

/** Reads a job's file; undefined if it is damaged or of another kind. */
export async function readJobFile(path: string): Promise<JobFile | undefined> {
  try {
    const { format, end, paused, ...record } = JSON.parse(await readFile(path, "utf8")) as Record<
      string,
      unknown
    >;
    const isJob =
      format === 1 && isRecord(record.request) && isRecord(record.load) && isRecord(record.labels);
    const hasTexts = [record.kind, record.owner, record.model, record.created].every(
      (text) => typeof text === "string",
    );
    if (!isJob || !hasTexts || !jobIdSchema.safeParse(record.id).success) return undefined;
    const { warnings = [] } = record;
    if (!Array.isArray(warnings) || warnings.some((text) => typeof text !== "string")) return undefined;
    if (!Number.isInteger(record.priority) || Number.isNaN(Date.parse(String(record.created))))
      return undefined;
    const ended = readEnd(end);
    return {
      record: record as unknown as JobRecord,
      ...(paused === true && { paused }),
      ...(ended && { end: ended }),
    };
  } catch {
    return undefined;
  }
}

/** Paths of all job files by their names, oldest month first. @throws NishikiError "file" */
export async function listJobFiles(folder: string): Promise<Map<string, string>> {
  const list = async (path: string) => {
    try {
      return (await readdir(path)).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw fileError(error, `read ${path}`);
    }
  };
  const files = new Map<string, string>();
  for (const month of (await list(folder)).filter((name) => /^\d{4}-\d{2}$/.test(name)))
    for (const name of await list(join(folder, month)))
      if (/^[A-Za-z0-9_-]+\.json$/.test(name)) files.set(name, join(folder, month, name));
  return files;
}
