// Ctrl-C: the first asks the work to stop, the second ends the process. Work whose results nobody can read stops as well.
import { onOutputFailure } from "./terminal.js";

const signals = ["SIGINT", "SIGTERM"] as const;

export interface Stop {
  readonly signal: AbortSignal;
  /** Gives Ctrl-C its usual meaning back. */
  release(): void;
}

/** Listens for SIGINT, SIGTERM and a failing standard output until released. */
export function listenForStop(): Stop {
  const controller = new AbortController();
  let wasAsked = false;
  const stop = (name: (typeof signals)[number]) => {
    // The second time the signal has its usual meaning: the process ends at once, whatever its threads compute.
    if (wasAsked) {
      release();
      process.kill(process.pid, name);
    }
    wasAsked = true;
    controller.abort();
  };
  for (const name of signals) process.on(name, stop);
  const forget = onOutputFailure(() => controller.abort());
  const release = () => {
    for (const name of signals) process.off(name, stop);
    forget();
  };
  return { signal: controller.signal, release };
}
