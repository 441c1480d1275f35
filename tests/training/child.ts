// Starts tests/training/child-run.mjs, and kills it if asked to.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { watch } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("child-run.mjs", import.meta.url));

export interface ChildResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly steps: readonly number[];
  readonly errors: string;
}

/**
 * When to send SIGKILL: some time after a step of this process, or when it begins to write its nth
 * checkpoint.
 */
export type Kill =
  | { readonly afterSteps: number; readonly milliseconds: number }
  | { readonly whileWriting: number }
  | undefined;

/** @param shellLimit `ulimit` arguments to run under, such as "-f 300" (blocks of 512 or 1024 bytes). */
export async function runChild(
  folder: string,
  steps: number,
  checkpointEvery: number,
  kill?: Kill,
  shellLimit?: string,
): Promise<ChildResult> {
  await mkdir(folder, { recursive: true });
  const args = [script, folder, String(steps), String(checkpointEvery)];
  const child = shellLimit
    ? spawn("sh", ["-c", `ulimit ${shellLimit}; exec "$0" "$@"`, process.execPath, ...args])
    : spawn(process.execPath, args);
  let errors = "";
  child.stderr.on("data", (data) => {
    errors += data;
  });
  const done: number[] = [];
  let text = "";
  child.stdout.on("data", (data) => {
    text += data;
    const lines = text.split("\n");
    text = lines.pop()!;
    done.push(...lines.map(Number).filter(Number.isInteger));
    if (kill && "afterSteps" in kill && done.length >= kill.afterSteps)
      void killLater(child, kill.milliseconds);
  });
  const watcher = kill && "whileWriting" in kill ? watch(folder) : undefined;
  const seen = new Set<string>();
  watcher?.on("change", (_, name) => {
    if (!String(name).endsWith(".tmp")) return;
    seen.add(String(name));
    if (kill && "whileWriting" in kill && seen.size >= kill.whileWriting) child.kill("SIGKILL");
  });
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  watcher?.close();
  return { code, signal, steps: done, errors };
}

async function killLater(child: ChildProcess, milliseconds: number): Promise<void> {
  await pause(milliseconds);
  child.kill("SIGKILL");
}

/** Whether a killed process left a checkpoint half written. */
export async function leftUnfinished(folder: string): Promise<boolean> {
  return (await readdir(folder)).some((name) => name.endsWith(".tmp"));
}
