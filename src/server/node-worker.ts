// A worker of its own: draws jobs of a shared database, on any machine that reaches it and has the models.
import { ModelList } from "./catalogue/catalogue.js";
import { isConnectionError, openShared, type ServerDatabase } from "./database/index.js";
import { makeDrawer } from "./drawing/drawer.js";
import { makeWorker } from "./drawing/worker.js";
import type { JobRecord, Outcome, Worker } from "./parts.js";
import { openWorkerQueue } from "./queue/index.js";

/** What a worker is doing. */
export type WorkerProgress =
  | { readonly kind: "started"; readonly job: JobRecord }
  | { readonly kind: "ended"; readonly job: JobRecord; readonly outcome: Outcome; readonly seconds: number }
  | { readonly kind: "trouble"; readonly message: string };

export interface WorkerOptions {
  /** postgres://… */
  readonly databaseUrl: string;
  /** Folders of models, LoRAs and embeddings, beside the hub's cache. */
  readonly models?: readonly string[];
  readonly onProgress?: (progress: WorkerProgress) => void;
  /** Ends waiting for a database that is not there yet. */
  readonly signal?: AbortSignal;
}

export interface RunningWorker {
  /** Ids of the models, LoRAs, embeddings and autoencoders that it has. */
  readonly has: readonly string[];
  /** Stops; the job that is being drawn goes back into the queue. */
  close(): Promise<void>;
}

const lookMilliseconds = 60_000;

async function listIds(models: ModelList): Promise<string[]> {
  const usable = [...(await models.models())].filter(([, { problem }]) => problem === undefined);
  return [...usable.map(([id]) => id), ...(await models.additions()).map(({ id }) => id)];
}

/** The worker, taking only jobs whose model and additions are in its models folders. */
export async function withCatalogue(worker: Worker, models: ModelList): Promise<Worker> {
  let ids = await listIds(models);
  const look = async () => {
    ids = await listIds(models);
  };
  const timer = setInterval(() => void look().catch(() => undefined), lookMilliseconds);
  timer.unref();
  return {
    ...worker,
    get has() {
      return ids;
    },
  };
}

/** The worker, saying what it does. */
function withProgress(worker: Worker, onProgress: (progress: WorkerProgress) => void): Worker {
  return {
    kinds: ["draw", "enlarge"],
    loaded: () => worker.loaded(),
    get has() {
      return worker.has ?? [];
    },
    run: async (job, reporter, signal) => {
      const since = performance.now();
      onProgress({ kind: "started", job });
      const outcome = await worker.run(job, reporter, signal);
      onProgress({ kind: "ended", job, outcome, seconds: (performance.now() - since) / 1000 });
      return outcome;
    },
  };
}

/** Opens the database, waiting for one that is not up yet: whole clusters start in any order. */
async function waitForDatabase({ databaseUrl, onProgress, signal }: WorkerOptions): Promise<ServerDatabase> {
  for (let hasSaid = false; ; hasSaid = true) {
    try {
      return await openShared(databaseUrl);
    } catch (error) {
      if (!isConnectionError(error) || signal?.aborted) throw error;
      if (!hasSaid) onProgress?.({ kind: "trouble", message: (error as Error).message });
      await new Promise((resolve) => setTimeout(resolve, 1000));
      signal?.throwIfAborted();
    }
  }
}

/** Starts a worker. @throws NishikiError "usage" or "database" for an address that cannot be right */
export async function openWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { models: folders = [], onProgress = () => undefined } = options;
  const database = await waitForDatabase(options);
  const models: ModelList = new ModelList(() => drawer.scan(folders));
  const drawer = makeDrawer((model, load) => models.resolve(model, load));
  try {
    const queue = await openWorkerQueue(database, (error) =>
      onProgress({ kind: "trouble", message: error instanceof Error ? error.message : String(error) }),
    );
    const worker = await withCatalogue(
      makeWorker(drawer, (id) => models.find(id)),
      models,
    );
    const stop = queue.work(withProgress(worker, onProgress));
    return {
      has: worker.has ?? [],
      close: async () => {
        const stopped = stop();
        await drawer.close();
        await stopped;
        await queue.close();
        await database.close();
      },
    };
  } catch (error) {
    await drawer.close();
    await database.close();
    throw error;
  }
}
