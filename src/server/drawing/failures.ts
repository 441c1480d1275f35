// What to say when drawing failed, and what helps.
import { NishikiError } from "../../errors.js";
import type { JobError } from "../api/index.js";

const signals: Readonly<Record<string, string>> = {
  SIGKILL: "it was killed, most likely because memory ran out",
  SIGSEGV: "the runtime crashed (SIGSEGV)",
  SIGABRT: "the runtime gave up (SIGABRT), most likely because memory ran out",
  SIGBUS: "a model file changed while it was in use (SIGBUS)",
  SIGILL: "the runtime used an instruction that this processor does not have (SIGILL)",
};

/** Says in a sentence why the drawing process ended. */
export function describeExit(code: number | null, signal: string | null): string {
  const reason =
    signal !== null ? (signals[signal] ?? `it received ${signal}`) : `it exited with code ${code}`;
  return `The process that draws ended: ${reason}.`;
}

/** An error as a job keeps it. */
export function makeJobError(error: unknown): JobError {
  if (!(error instanceof NishikiError)) {
    const reason = (error instanceof Error ? error.message : String(error)).replace(/\.?\s*$/, ".");
    return {
      code: "internal",
      message: `Unexpected error: ${reason} This is a fault of Nishiki.`,
      hint: null,
      change: null,
    };
  }
  const { code, message } = error;
  return { code, message, hint: null, change: null };
}
