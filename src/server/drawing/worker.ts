// A worker: runs the jobs of a queue with a drawer, and says how they ended.
import { NishikiError } from "../../errors.js";
import { listImages, storedRequestSchema } from "../../pipeline/index.js";
import type { Drawer, JobRecord, Outcome, Reporter, Worker } from "../parts.js";
import { isProcessEnd } from "./drawer.js";
import { makeJobError } from "./failures.js";

/** How often a job is started again because the drawing process ended. */
const restarts = 1;

export function makeWorker(drawer: Drawer): Worker {
  return {
    loaded: () => drawer.loaded(),
    async run(job, reporter, signal) {
      try {
        await runWithRestarts(job, drawer, reporter, signal);
        return { state: "done" };
      } catch (error) {
        return endWith(error, signal);
      }
    },
  };
}

function endWith(error: unknown, signal: AbortSignal): Outcome {
  const isCancel = signal.aborted && error instanceof NishikiError && error.code === "aborted";
  return isCancel ? { state: "cancelled" } : { state: "failed", error: makeJobError(error) };
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
      if (!isProcessEnd(error) || restart === restarts || signal.aborted) throw error;
      await reporter.report({ kind: "warning", message: `${error.message} The job was started again.` });
    }
  }
}
