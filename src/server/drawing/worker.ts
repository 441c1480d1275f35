// A worker: runs the jobs of a queue with a drawer, and says how they ended.
import { NishikiError } from "../../errors.js";
import { listImages, storedRequestSchema } from "../../pipeline/index.js";
import type { JobError } from "../api/index.js";
import type { JobRecord, Reporter, Worker } from "../parts.js";
import type { ProcessDrawer } from "./drawer.js";
import { DrawingProcessError, makeJobError } from "./failures.js";

/** How often a job is started again because the drawing process ended. */
const restarts = 1;

export function makeWorker(drawer: ProcessDrawer): Worker {
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
          : { state: "failed", error: await explain(error, job, drawer) };
      }
    },
  };
}

/** The error with what helps, as far as the model's limits can be found out. */
async function explain(error: unknown, job: JobRecord, drawer: ProcessDrawer): Promise<JobError> {
  const known = await drawer.describe(job.model).catch(() => undefined);
  return makeJobError(error, { ...job, ...(known && { context: known.context, ...known.facts }) });
}

async function runWithRestarts(
  job: JobRecord,
  drawer: ProcessDrawer,
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
