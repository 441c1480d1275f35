// A worker: runs the jobs of a queue with a drawer, and says how they ended.
import { NishikiError } from "../../errors.js";
import { listImages, storedRequestSchema } from "../../pipeline/index.js";
import type { JobError } from "../api/index.js";
import type { FoundModel } from "../catalogue/found.js";
import type { Drawer, JobRecord, Reporter, Worker } from "../parts.js";
import { DrawingProcessError, makeJobError } from "./failures.js";

/** How often a job is started again because the drawing process ended. */
const restarts = 1;

/** Finds a model in the catalogue. */
export type FindModel = (id: string) => Promise<FoundModel | undefined>;

/** @param find Tells the limits of models, to say what helps. */
export function makeWorker(drawer: Drawer, find: FindModel): Worker {
  return {
    loaded: () => drawer.loaded(),
    async run(job, reporter, signal) {
      try {
        await runWithRestarts(job, drawer, reporter, signal);
        return { state: "done" };
      } catch (error) {
        const isCancel = signal.aborted && error instanceof NishikiError && error.code === "aborted";
        return isCancel
          ? { state: "cancelled" }
          : { state: "failed", error: await explain(error, job, find) };
      }
    },
  };
}

/** The error with what helps, as far as the model's limits are known. */
async function explain(error: unknown, job: JobRecord, find: FindModel): Promise<JobError> {
  const known = (await find(job.model).catch(() => undefined))?.known;
  return makeJobError(error, { ...job, ...(known && { context: known.context, ...known.facts }) });
}

async function runWithRestarts(
  job: JobRecord,
  drawer: Drawer,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<void> {
  const ids = new Set((await listImages(storedRequestSchema, job.request)).values()) as Set<string>;
  const images = new Map<string, Uint8Array>();
  for (const id of ids) images.set(id, await reporter.image(id));
  for (let restart = 0; ; restart++) {
    try {
      for await (const event of drawer.run(job, images, { signal, onSkip: reporter.onSkip }))
        await reporter.report(event);
      return;
    } catch (error) {
      if (!(error instanceof DrawingProcessError) || restart === restarts || signal.aborted) throw error;
      await reporter.report({ kind: "warning", message: `${error.message} The job was started again.` });
    }
  }
}
