// What running jobs show at this moment: their progress and their newest previews. None of it is kept for later.
import type { Progress } from "./api/index.js";

/** Previews kept for each job: clients ask for them just after they heard of them. */
const keptPreviews = 64;
/** Jobs whose previews are kept: the ones that started last. */
const keptJobs = 16;

interface Live {
  progress: Progress;
  readonly previews: Map<number, Uint8Array>;
  lastPreview: number;
}

export class LiveWork {
  readonly #jobs = new Map<string, Live>();

  /** Takes a report. @returns the progress with its preview's number */
  update(job: string, progress: Omit<Progress, "preview">, preview?: Uint8Array): Progress {
    const live = this.#jobs.get(job) ?? this.#begin(job, { ...progress, preview: null });
    if (preview) {
      live.lastPreview += 1;
      live.previews.set(live.lastPreview, preview);
      live.previews.delete(live.lastPreview - keptPreviews);
    }
    live.progress = { ...progress, preview: live.lastPreview || null };
    return live.progress;
  }

  progress(job: string): Progress | undefined {
    return this.#jobs.get(job)?.progress;
  }

  /** A preview, or the newest. */
  preview(job: string, number?: number): Uint8Array | undefined {
    const live = this.#jobs.get(job);
    return live?.previews.get(number ?? live.lastPreview);
  }

  /** Its previews are still shown while clients fetch the finished images. */
  #begin(job: string, progress: Progress): Live {
    const live = { progress, previews: new Map<number, Uint8Array>(), lastPreview: 0 };
    this.#jobs.set(job, live);
    for (const old of [...this.#jobs.keys()].slice(0, -keptJobs)) this.#jobs.delete(old);
    return live;
  }
}
