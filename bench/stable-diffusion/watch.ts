// A program in a process of its own, and the most memory that it had: what the kernel says of it while it
// runs (Linux).
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

export interface Watched {
  /** From the start of the process to its end. */
  readonly seconds: number;
  /** The most resident memory (VmHWM), 10⁹ bytes. */
  readonly peakGigabytes: number;
  readonly output: string;
}

/**
 * How often memory is read. It is a running maximum, so that only what comes after the last reading is
 * missed.
 */
const everyMilliseconds = 50;

/** @throws Error where the program cannot be started or fails, with the end of what it said. */
export async function watch(command: string, args: readonly string[]): Promise<Watched> {
  const began = performance.now();
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const texts: Record<"output" | "errors", string> = { output: "", errors: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    texts.output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    texts.errors += chunk.toString();
  });
  let kilobytes = 0;
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      kilobytes = Math.max(kilobytes, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    } catch {
      // It has ended.
    }
  }, everyMilliseconds);
  try {
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) {
      const last = (texts.errors || texts.output).slice(-800);
      throw new Error(`${command} ${args.join(" ")} ended with exit code ${code}: ${last}`);
    }
  } finally {
    clearInterval(timer);
  }
  return {
    seconds: (performance.now() - began) / 1000,
    peakGigabytes: kilobytes * 1.024e-6,
    output: texts.output,
  };
}
