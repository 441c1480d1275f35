// Ctrl-C: the first asks the work to stop, the second ends the process.
import { exitCodes } from "./report.js";

export interface Stop {
  readonly signal: AbortSignal;
  /** Gives Ctrl-C its usual meaning back. */
  release(): void;
}

/** Listens for SIGINT and SIGTERM until released. */
export function listenForStop(): Stop {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort();
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const name of signals) process.on(name, stop);
  const release = () => {
    for (const name of signals) process.off(name, stop);
  };
  return { signal: controller.signal, release };
}
