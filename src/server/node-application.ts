// Assembles the application: queue, library, drawing process, catalogue and events.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileError } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import type { Application } from "./application.js";
import { AssembledApplication } from "./assembled-application.js";
import { ModelList } from "./catalogue/catalogue.js";
import { Speeds } from "./catalogue/speeds.js";
import { makeDrawer } from "./drawing/drawer.js";
import { makeWorker } from "./drawing/worker.js";
import { openSimpleLibrary } from "./simple-library.js";
import { openSimpleQueue } from "./simple-queue.js";

export interface ApplicationOptions {
  /** Where images, uploads and jobs are kept. */
  readonly folder: string;
  /** Folders of models, LoRAs and embeddings, beside the hub's cache. */
  readonly models?: readonly string[];
}

/** Opens the application. @throws NishikiError "file" if the folder cannot be used */
export async function createApplication({
  folder,
  models: folders = [],
}: ApplicationOptions): Promise<Application> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw fileError(error, `make the folder ${folder}`);
  });
  const library = await openSimpleLibrary(folder);
  const queue = openSimpleQueue(async (id) => {
    const file = await library.file(id);
    if (!file) throw new NishikiError("file", `There is no stored image with the id ${id}.`);
    return file.bytes;
  });
  const models: ModelList = new ModelList(() => drawer.scan(folders));
  let onLoaded = () => {};
  const drawer = makeDrawer(
    (model, load) => models.resolve(model, load),
    () => onLoaded(),
  );
  const speeds = await Speeds.open(join(folder, ".nishiki"));
  const application = new AssembledApplication({ queue, library, models, drawer, speeds });
  onLoaded = () => application.modelsChanged();
  application.start(makeWorker(drawer, (id) => models.find(id)));
  return application;
}
