// Cancels work through an AbortSignal, and reports its progress.
import { NishikiError } from "../errors.js";
import type { EncodeEvent, LoadEvent, WaitEvent } from "./events.js";

/** Progress reports other than sampler steps. */
export type ProgressEvent = WaitEvent | LoadEvent | EncodeEvent;

/** A run of a network, or its loading. */
export interface NetworkRun {
  readonly kind: "run" | "load";
  /** The network's name, as in load events. */
  readonly network: string;
  /** When it began and ended, in seconds of a monotonic clock. */
  readonly start: number;
  readonly end: number;
}

export interface Watch {
  /** Stops the work; the pending call then rejects with NishikiError "aborted". */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Told how long each network took. */
  readonly onRun?: (run: NetworkRun) => void;
}

/** @throws NishikiError "aborted" if the signal is aborted */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new NishikiError("aborted", "Stopped: the caller cancelled.", { cause: signal.reason });
}

/**
 * Waits for work, but rejects with "aborted" as soon as the signal fires: a network run cannot be interrupted, and callers
 * should not have to wait for it. The work itself runs to its end; a later rejection is ignored.
 */
export async function interruptible<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  work.catch(() => {});
  checkAborted(signal);
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => {
      try {
        checkAborted(signal);
      } catch (error) {
        reject(error);
      }
    };
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/**
 * Merges the events of `work` with the reports it makes in between, in chronological order.
 * @param work Receives the function that takes its reports.
 */
export async function* withProgress<E, P, R>(
  work: (report: (event: P) => void) => AsyncGenerator<E, R, void>,
): AsyncGenerator<E | P, R, void> {
  const reports: P[] = [];
  let wake = () => {};
  const source = work((event) => {
    reports.push(event);
    wake();
  });
  let isDone = false;
  try {
    for (;;) {
      const next = source.next();
      next.catch(() => {}); // rejects below, where it is awaited
      let result: IteratorResult<E, R> | undefined;
      while (!result) {
        const woken = new Promise<undefined>((resolve) => {
          wake = () => resolve(undefined);
        });
        if (reports.length === 0) result = await Promise.race([next, woken]);
        while (reports.length > 0) yield reports.shift()!;
      }
      if (result.done) {
        isDone = true;
        return result.value;
      }
      yield result.value;
    }
  } finally {
    if (!isDone) await source.return(undefined as R).catch(() => {});
  }
}
