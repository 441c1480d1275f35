// Handles Ctrl-C: the first stops the work, the second ends the process. A failing standard output also stops the work.
import { onOutputFailure } from "./terminal.js";

const signals = ["SIGINT", "SIGTERM"] as const;

export interface Stop {
  readonly signal: AbortSignal;
  /** Restores the default handling of Ctrl-C. */
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
