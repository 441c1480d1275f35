// Stopping work from outside, and hearing how far it is.
import { NishikiError } from "../errors.js";
import type { EncodeEvent, LoadEvent, WaitEvent } from "./events.js";

/** What is heard of work that is not a step. */
export type ProgressEvent = WaitEvent | LoadEvent | EncodeEvent;

export interface Watch {
  /** Stops the work; whoever waits for it gets NishikiError "aborted". */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: ProgressEvent) => void;
}

/** @throws NishikiError "aborted" once the signal is. */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new NishikiError("aborted", "Stopped: the caller cancelled.", { cause: signal.reason });
}

/**
 * The result of work, or "aborted" as soon as the signal is: whoever waits need not wait for a network that cannot be stopped
 * on its way. The work itself goes on to its end, and what it rejects with then is nobody's.
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
 * The events of work, with what it reports on its way among them in the order of time.
 * @param work Gets a function for its reports.
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
