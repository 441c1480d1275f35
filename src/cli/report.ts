// Reports errors on the command line: one sentence, and an exit code that scripts can rely on.
import type { CommanderError } from "commander";
import { fileError } from "../checkpoint/node.js";
import { NishikiError, visible } from "../errors.js";
import { outputFailure } from "./terminal.js";

/** 0 success; 1 failure; 2 usage error; 3 an image differs from its receipt; 130 stopped by Ctrl-C. */
export const exitCodes = { failure: 1, usage: 2, differs: 3, interrupted: 130 } as const;

/** `bugs` is the URL for reporting bugs, from package.json. */
export interface ReportOptions {
  readonly debug: boolean;
  readonly bugs?: string;
}

/** Writes one sentence about an error to standard error. @returns The exit code. */
export function report(thrown: unknown, { debug, bugs }: ReportOptions): number {
  const output = outputFailure();
  if (output) return outputExit(output);
  const error = explain(thrown);
  if (error instanceof NishikiError) say(error.message);
  else {
    const message = (error instanceof Error ? error.message : String(error)).replace(/\.?\s*$/, ".");
    const cure = debug ? "" : ", with what --debug adds to the same command";
    say(`Unexpected error: ${message} This is a fault of Nishiki. Please report it${at(bugs)}${cure}.`);
  }
  if (debug && error instanceof Error) {
    say(error.stack ?? "");
    for (let cause = error.cause; cause instanceof Error; cause = cause.cause)
      say(`Caused by: ${cause.stack ?? cause.message}`);
  }
  if (!(error instanceof NishikiError)) return exitCodes.failure;
  if (error.code === "aborted") return exitCodes.interrupted;
  return error.code === "usage" ? exitCodes.usage : exitCodes.failure;
}

const at = (bugs: string | undefined) => (bugs === undefined ? "" : ` at ${bugs}`);

const say = (text: string) => void process.stderr.write(`${visible(text)}\n`);

/** Converts system errors and Node's abort errors to `NishikiError`; returns any other error unchanged. */
function explain(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof NishikiError) return error;
  if (error.name === "AbortError") return new NishikiError("aborted", "Stopped.", { cause: error });
  const { syscall, path } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  const verb = verbs[syscall] ?? syscall;
  return fileError(error, path === undefined ? `${verb} a file` : `${verb} ${path}`);
}

/** What the system's calls do, in words. */
const verbs: Readonly<Record<string, string>> = {
  scandir: "look into",
  opendir: "look into",
  mkdir: "make the folder",
  mkdtemp: "make the folder",
  stat: "read",
  lstat: "read",
  unlink: "remove",
  rmdir: "remove",
  copyfile: "copy",
  spawn: "start",
};

/** A closed pipe (`nishiki … | head -1`) is not an error; a full disk behind `>` is. */
export function outputExit(error: NodeJS.ErrnoException): number {
  if (error.code === "EPIPE") return 0;
  const told = fileError(error, "write to standard output");
  say(told instanceof Error ? told.message : String(told));
  return exitCodes.failure;
}

/** Reports an error of the option parser. Help and version are not errors. */
export function usageExit(error: CommanderError): number {
  if (error.exitCode === 0) return 0;
  // What commander says when a command of commands is called by itself.
  const text = error.code === "commander.help" ? "Expected one of its commands." : plain(error.message);
  const sentence = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  say(`${sentence.replace(/([^.)!?])$/, "$1.")} See: nishiki --help`);
  return exitCodes.usage;
}

function plain(message: string): string {
  return message.replace(/^error: /, "").replace(/\n/g, " ");
}
