// Opens the queue: for a server, which owns a folder, or for a worker, which has none.
import { join } from "node:path";
import { migrate, type ServerDatabase } from "../database/index.js";
import type { JobQueue, Worker } from "../parts.js";
import { recoverJobs } from "./claims.js";
import type { Home, QueueContext } from "./context.js";
import { DurableQueue } from "./job-queue.js";
import { readHomeId, reconcile } from "./keeper.js";
import { Signals } from "./signals.js";
import { queueTables } from "./tables.js";
import { Turns } from "./turns.js";
import { WorkerLoop } from "./worker-loop.js";

export interface QueueOptions {
  readonly database: ServerDatabase;
  /** The folder that holds `jobs` and `.nishiki`. */
  readonly folder: string;
  /** The file of an image that a request names, drawn or uploaded. */
  readImage(id: string): Promise<Uint8Array | undefined>;
  /** Told about faults that the queue recovers from by itself, such as a database that is out of reach for a while. */
  onTrouble?(error: unknown): void;
}

async function openContext(
  database: ServerDatabase,
  home: Home | undefined,
  onTrouble: (error: unknown) => void,
): Promise<QueueContext> {
  await migrate(database, "queue", queueTables);
  const turns = await Turns.open(database, onTrouble);
  const signals = await Signals.open(database, onTrouble);
  return { database, turns, signals, home, progress: new Map(), onTrouble };
}

/**
 * Opens a server's queue. Jobs whose files the database does not know are queued again, and those that the last process
 * was running go back into the queue.
 * @throws NishikiError "database" or "file"
 */
export async function openJobQueue(options: QueueOptions): Promise<JobQueue> {
  const { database, folder, readImage, onTrouble = () => undefined } = options;
  const home: Home = {
    id: await readHomeId(join(folder, ".nishiki")),
    jobs: join(folder, "jobs"),
    readImage,
  };
  const context = await openContext(database, home, onTrouble);
  await reconcile(context, home);
  await recoverJobs(context, database.kind === "pglite");
  return new DurableQueue(context, home);
}

/** A queue as a worker on any machine sees it. */
export interface WorkerQueue {
  work(worker: Worker): () => Promise<void>;
  close(): Promise<void>;
}

/** Opens a queue to work for it, without a folder: jobs and images go through the database. */
export async function openWorkerQueue(
  database: ServerDatabase,
  onTrouble: (error: unknown) => void = () => undefined,
): Promise<WorkerQueue> {
  const context = await openContext(database, undefined, onTrouble);
  const stops = new Set<() => Promise<void>>();
  const tell = async (id: string) => {
    await context.signals.send({ kind: "job", id });
    await context.signals.send({ kind: "waiting" });
  };
  const look = async () => {
    for (const id of await recoverJobs(context)) await tell(id);
  };
  const timer = setInterval(() => void look().catch(onTrouble), 2000);
  return {
    work: (worker) => {
      const loop = new WorkerLoop(context, worker, { onStarted: tell, onSettled: tell });
      const stop = async () => {
        stops.delete(stop);
        await loop.stop();
      };
      stops.add(stop);
      return stop;
    },
    close: async () => {
      clearInterval(timer);
      await Promise.all([...stops].map((stop) => stop()));
      await context.signals.close();
      await context.turns.close();
    },
  };
}
