// How the command line ends when something is wrong: one sentence, and an exit code that scripts can rely on.
import type { CommanderError } from "commander";
import { NishikiError } from "../errors.js";

/** 0 done; 1 failed; 2 used wrongly; 130 stopped by Ctrl-C. */
export const exitCodes = { failure: 1, usage: 2, interrupted: 130 } as const;

/** Writes one sentence about an error to standard error and says with which code to exit. */
export function report(error: unknown, { debug }: { debug: boolean }): number {
  const known = error instanceof NishikiError;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${known ? message : `Something unforeseen went wrong: ${message}`}\n`);
  if (debug && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ""}\n`);
    for (let cause = error.cause; cause instanceof Error; cause = cause.cause)
      process.stderr.write(`Because of: ${cause.stack ?? cause.message}\n`);
  }
  if (!known) return exitCodes.failure;
  if (error.code === "aborted") return exitCodes.interrupted;
  return error.code === "usage" ? exitCodes.usage : exitCodes.failure;
}

/** The same for what the option parser refuses. Help and version are no errors. */
export function usageExit(error: CommanderError): number {
  if (error.exitCode === 0) return 0;
  // What commander says when a command of commands is called by itself.
  const text = error.code === "commander.help" ? "Expected one of its commands." : plain(error.message);
  const sentence = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  process.stderr.write(`${sentence.replace(/([^.)!?])$/, "$1.")} See: nishiki --help\n`);
  return exitCodes.usage;
}

function plain(message: string): string {
  return message.replace(/^error: /, "").replace(/\n/g, " ");
}

/** A reader that has seen enough (`nishiki … | head -1`) is no fault. */
export function endQuietlyWhenUnread(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit(0);
    });
  }
}
