// Ctrl-C: the first asks the work to stop, the second ends the process. Work whose results nobody can read stops as well.
import { exitCodes } from "./report.js";
import { onOutputFailure } from "./terminal.js";

export interface Stop {
  readonly signal: AbortSignal;
  /** Gives Ctrl-C its usual meaning back. */
  release(): void;
}

/** Listens for SIGINT, SIGTERM and a failing standard output until released. */
export function listenForStop(): Stop {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort();
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const name of signals) process.on(name, stop);
  const forget = onOutputFailure(() => controller.abort());
  const release = () => {
    for (const name of signals) process.off(name, stop);
    forget();
  };
  return { signal: controller.signal, release };
}
