// A worker: runs the jobs of a queue with a drawer, and says how they ended.
import { NishikiError } from "../../errors.js";
import type { JobError } from "../api/index.js";
import type { FoundModel } from "../catalogue/found.js";
import { listImageIds } from "../job-images.js";
import type { Drawer, JobRecord, Reporter, Worker } from "../parts.js";
import { type LongWork, runLongJob } from "../training/run-long-job.js";
import { DrawingProcessError, makeJobError } from "./failures.js";

/** How often a job is started again because the drawing process ended. */
const restarts = 1;

/** Finds a model in the catalogue. */
export type FindModel = (id: string) => Promise<FoundModel | undefined>;

export interface WorkerOptions {
  /** Runs trainings and evaluations; without it they are left to other workers. */
  readonly long?: LongWork;
  /** Indices of a job's images that are finished already: it was paused, or its worker died. */
  readonly finished?: (job: string) => Promise<readonly number[]>;
}

/** @param find Tells the limits of models, to say what helps. */
export function makeWorker(
  drawer: Drawer,
  find: FindModel,
  { long, finished = async () => [] }: WorkerOptions = {},
): Worker {
  return {
    ...(!long && { kinds: ["draw", "enlarge"] as const }),
    loaded: () => drawer.loaded(),
    async run(job, reporter, signal) {
      try {
        if (job.kind !== "draw" && job.kind !== "enlarge") {
          if (!long)
            throw new NishikiError("internal", `A job of the kind "${job.kind}" came to the wrong worker.`);
          return await runLongJob(job, long, reporter, signal);
        }
        await runWithRestarts({ job, drawer, reporter, signal, finished: await finished(job.id) });
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

interface Run {
  readonly job: JobRecord;
  readonly drawer: Drawer;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  readonly finished: readonly number[];
}

async function runWithRestarts({ job, drawer, reporter, signal, finished }: Run): Promise<void> {
  const images = new Map<string, Uint8Array>();
  for (const id of await listImageIds(job)) images.set(id, await reporter.image(id));
  // Images are drawn in their order; those that are missing before the last one were left out.
  let from = Math.max(-1, ...finished) + 1;
  for (let restart = 0; ; restart++) {
    try {
      for await (const event of drawer.run(job, images, { signal, onSkip: reporter.onSkip, from })) {
        await reporter.report(event);
        if (event.kind === "image") from = event.index + 1;
      }
      return;
    } catch (error) {
      if (!(error instanceof DrawingProcessError) || restart === restarts || signal.aborted) throw error;
      await reporter.report({ kind: "warning", message: `${error.message} The job was started again.` });
    }
  }
}
