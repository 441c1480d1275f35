// What the parts of the queue share.

import type { Progress } from "../api/index.js";
import { isConnectionError, type ServerDatabase } from "../database/index.js";
import type { Database } from "../parts.js";
import type { Signals } from "./signals.js";
import type { Turns } from "./turns.js";

/** The folder whose jobs this process keeps: their files, and the images that they name and draw. */
export interface Home {
  readonly id: string;
  /** The folder of job files. */
  readonly jobs: string;
  /** The file of an image that a request names. */
  readImage(id: string): Promise<Uint8Array | undefined>;
}

export interface QueueContext {
  readonly database: ServerDatabase;
  readonly turns: Turns;
  readonly signals: Signals;
  /** Undefined in a process that only works for others. */
  readonly home: Home | undefined;
  /** Newest progress of the jobs that run, wherever they run. */
  readonly progress: Map<string, Progress>;
  /** Told about faults of the database that the queue recovers from by itself. */
  onTrouble(error: unknown): void;
}

const claimLock = 7_305_002;

/** A transaction that changes what is waiting: one at a time, on all machines. */
export function changeQueue<T>(
  { database }: Pick<QueueContext, "database">,
  work: (query: Database["query"]) => Promise<T>,
): Promise<T> {
  return database.transaction(async (query) => {
    if (database.kind === "postgres") await query("SELECT pg_advisory_xact_lock($1)", [claimLock]);
    return work(query);
  });
}

/** Tries again until the database answers, or the signal fires. Other errors are thrown. */
export async function persist<T>(
  context: QueueContext,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (let milliseconds = 100; ; milliseconds = Math.min(2 * milliseconds, 2000)) {
    try {
      return await work();
    } catch (error) {
      if (!isConnectionError(error) || signal?.aborted) throw error;
      context.onTrouble(error);
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
    }
  }
}
