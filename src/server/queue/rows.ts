// Jobs as rows, and as clients see them.
import { finalStates, type Job, type JobError, type JobState, type Progress } from "../api/index.js";
import type { Database, JobRecord } from "../parts.js";

/** A row of nishiki.job, as `jobColumns` selects it. */
export interface JobRow {
  readonly id: string;
  /** Counts jobs in the order of their creation. */
  readonly number: string;
  readonly home: string;
  readonly record: JobRecord;
  readonly priority: number;
  readonly state: JobState;
  readonly position: number;
  readonly skips: number;
  readonly turn: string | null;
  readonly run: number | null;
  readonly attempts: number;
  readonly started: Date | null;
  readonly finished: Date | null;
  readonly warnings: readonly string[];
  readonly images: readonly string[];
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly error: JobError | null;
  readonly filed: boolean;
}

export const jobColumns = `id, number::text AS number, home, record, priority, state, position, skips, turn, run, attempts,
  started, finished, warnings, images, result, error, filed`;

/** Whether the request of any job names an image, however long ago. */
export async function isNamedByJob(query: Database["query"], image: string): Promise<boolean> {
  const rows = await query("SELECT 1 FROM nishiki.job WHERE record::text LIKE '%' || $1 || '%' LIMIT 1", [
    image,
  ]);
  return rows.length > 0;
}

export const isFinal = (state: JobState): boolean => finalStates.includes(state);

/** A job without its images, which the library knows. */
export function makeJob(row: JobRow, position: number | null, progress: Progress | null): Job {
  const { record, state } = row;
  const ended = isFinal(state);
  return {
    ...record,
    state,
    priority: row.priority,
    position: state === "queued" || state === "paused" ? position : null,
    started: row.started?.toISOString() ?? null,
    finished: ended ? (row.finished?.toISOString() ?? null) : null,
    attempts: row.attempts,
    progress: state === "running" ? progress : null,
    images: [],
    result: row.result,
    warnings: [...row.warnings],
    error: row.error,
  };
}
