// Assembles the application: database, queue, library, drawing process, catalogue and events.
import { join } from "node:path";
import { makeFolder } from "../checkpoint/node.js";
import type { Job } from "./api/index.js";
import type { Application } from "./application.js";
import { AssembledApplication } from "./assembled-application.js";
import { ModelList } from "./catalogue/catalogue.js";
import type { NamedModel } from "./catalogue/found.js";
import { Speeds } from "./catalogue/speeds.js";
import { openDatabase, type ServerDatabase } from "./database/index.js";
import { makeDrawer } from "./drawing/drawer.js";
import { makeWorker } from "./drawing/worker.js";
import { FolderLibrary } from "./library/index.js";
import { withCatalogue } from "./node-worker.js";
import type { JobQueue } from "./parts.js";
import { isNamedByJob, openJobQueue } from "./queue/index.js";
import { getOwnModelsFolder } from "./training/folders.js";
import type { LongWork, Waiting } from "./training/run-long-job.js";

export interface ApplicationOptions {
  /** Where images, uploads and jobs are kept. */
  readonly folder: string;
  /** Folders of models, LoRAs and embeddings, beside the hub's cache. */
  readonly models?: readonly string[];
  /** Models under names of the user's, which are their ids. */
  readonly named?: readonly NamedModel[];
  /** postgres://… instead of the embedded database; default: the environment variable NISHIKI_DATABASE_URL. */
  readonly databaseUrl?: string;
  /** Whether this process draws too; others may do so with `nishiki worker`. Default: true. */
  readonly draws?: boolean;
  /** Told in a sentence about faults that the server recovers from. */
  readonly onTrouble?: (message: string) => void;
  /** Called when another server has taken over the folder: this one must stop. */
  readonly onLost?: () => void;
}

/** Opens the application. @throws NishikiError "file" or "database" if the folder or the database cannot be used */
export async function createApplication(options: ApplicationOptions): Promise<Application> {
  const { folder, databaseUrl: url, onTrouble = () => {}, onLost } = options;
  const database = await openDatabase({
    folder,
    ...(url !== undefined && { url }),
    ...(onLost && { onLockLost: onLost }),
  });
  try {
    if (database.notice !== undefined) onTrouble(database.notice);
    return await assemble(database, { ...options, onTrouble });
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function assemble(
  database: ServerDatabase,
  { folder, models: folders = [], named = [], draws = true, onTrouble = () => {} }: ApplicationOptions,
): Promise<Application> {
  let application: AssembledApplication | undefined;
  const library = await FolderLibrary.open({
    folder,
    database,
    onChange: (change) => application?.libraryChanged(change),
    isUsed: (id) => isNamedByJob((...query) => database.query(...query), id),
  });
  const queue = await openJobQueue({
    database,
    folder,
    readImage: async (id) => (await library.file(id))?.bytes,
    onTrouble: (error) => onTrouble(error instanceof Error ? error.message : String(error)),
  });
  const ownModels = getOwnModelsFolder(folder);
  await makeFolder(ownModels);
  const models: ModelList = new ModelList(() => drawer.scan([...folders, ownModels], named));
  const drawer = makeDrawer(
    (model, load) => models.resolve(model, load),
    () => application?.modelsChanged(),
  );
  const speeds = await Speeds.open(join(folder, ".nishiki"));
  application = new AssembledApplication({ folder, database, queue, library, models, drawer, speeds });
  const long: LongWork = {
    folder,
    resolve: (model, load = {}) => models.resolve(model, load),
    waiting: () => findWaiting(queue),
    run: drawer.runLong,
    onLora: () => void application.refreshCatalogue().catch(() => undefined),
  };
  const worker = makeWorker(drawer, (id) => models.find(id), {
    long,
    finished: async (job) => (await library.imagesOfJob(job)).map(({ index }) => index),
  });
  // Another server may have put jobs into a shared database whose models are not here.
  if (draws) application.start(database.kind === "postgres" ? await withCatalogue(worker, models) : worker);
  return application;
}

/** What waits behind a running job. */
async function findWaiting(queue: JobQueue): Promise<Waiting> {
  const { jobs, paused } = await queue.list({ state: ["queued"], limit: 100 });
  const isLong = ({ kind }: Job) => kind === "train" || kind === "evaluate";
  return { short: !paused && !jobs.every(isLong), long: !paused && jobs.some(isLong) };
}
