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
  /** Parts of an explanation, as JSON. */
  readonly findings: string[];
}

export class LiveWork {
  readonly #jobs = new Map<string, Live>();

  /** Takes a report. @returns the progress with its preview's number */
  update(
    job: string,
    progress: Omit<Progress, "preview">,
    { preview, finding }: { readonly preview?: Uint8Array; readonly finding?: string } = {},
  ): Progress {
    const live = this.#jobs.get(job) ?? this.#begin(job, { ...progress, preview: null });
    if (preview) {
      live.lastPreview += 1;
      live.previews.set(live.lastPreview, preview);
      live.previews.delete(live.lastPreview - keptPreviews);
    }
    if (finding !== undefined) live.findings.push(finding);
    const findings = live.findings.length > 0 ? { findings: live.findings.length } : {};
    live.progress = { ...progress, ...findings, preview: live.lastPreview || null };
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

  /** A part of an explanation by its number, from 1. */
  finding(job: string, number: number): string | undefined {
    return this.#jobs.get(job)?.findings[number - 1];
  }

  /** Its previews are still shown while clients fetch the finished images. */
  #begin(job: string, progress: Progress): Live {
    const live = { progress, previews: new Map<number, Uint8Array>(), lastPreview: 0, findings: [] };
    this.#jobs.set(job, live);
    for (const old of [...this.#jobs.keys()].slice(0, -keptJobs)) this.#jobs.delete(old);
    return live;
  }
}
