// What to say when drawing failed, and what helps.
import { NishikiError } from "../../errors.js";
import { findSmallerSize, formatSize, type ImageSize } from "../../pipeline/index.js";
import type { JobError, JobLoad } from "../api/index.js";
import type { ModelContext } from "./protocol.js";

/** Why a process ended, by the signal that ended it, and whether a lack of memory is likely. */
const signals: Readonly<Record<string, readonly [reason: string, isMemory: boolean]>> = {
  SIGKILL: ["it was killed, most likely because memory ran out", true],
  SIGABRT: ["the runtime gave up, most likely because memory ran out", true],
  SIGSEGV: ["the runtime crashed (SIGSEGV)", false],
  SIGBUS: ["a model file changed while it was in use (SIGBUS)", false],
  SIGILL: ["the runtime used an instruction that this processor does not have (SIGILL)", false],
};

/** The drawing process ended by itself while it worked on a task. */
export class DrawingProcessError extends NishikiError {
  /** Whether a lack of memory is the likely reason. */
  readonly isMemory: boolean;

  constructor(code: number | null, signal: string | null) {
    const other = signal === null ? `it exited with code ${code}` : `it received ${signal}`;
    const [reason, isMemory] = signals[signal ?? ""] ?? [other, false];
    super("device", `The process that draws ended: ${reason}.`);
    this.isMemory = isMemory;
  }
}

/** What a failed job asked for. */
export interface FailedJob {
  readonly request: Readonly<Record<string, unknown>>;
  readonly load: JobLoad;
  /** Limits of its model; undefined if the model could not be opened. */
  readonly context?: ModelContext;
  /** What can be loaded beside its model. */
  readonly loadOptions?: readonly string[];
}

/** An error as a job keeps it. */
export function makeJobError(error: unknown, job: FailedJob): JobError {
  if (!(error instanceof NishikiError)) {
    const reason = (error instanceof Error ? error.message : String(error)).replace(/\.?\s*$/, ".");
    const message = `Unexpected error: ${reason} This is a fault of Nishiki.`;
    return { code: "internal", message, hint: null, change: null };
  }
  const { code, message } = error;
  const isMemory = code === "memory" || (error instanceof DrawingProcessError && error.isMemory);
  if (!isMemory) return { code, message, ...noHelp };
  // The runtime's own words about it name its source files and buffers.
  const [sentence] = /^[^(]*\.(?= \()/.exec(message) ?? [message];
  return { code, message: sentence, ...saveMemory(job) };
}

type Help = Pick<JobError, "hint" | "change">;

const noHelp: Help = { hint: null, change: null };

/** The one change that saves most: a smaller size, then a smaller model in memory. */
function saveMemory({ request, load, context, loadOptions }: FailedJob): Help {
  const size = request.size as ImageSize | undefined;
  const smaller = size && context && findSmallerSize(size, context.sizes);
  if (smaller) {
    const text = formatSize(smaller);
    return { hint: `Choose a smaller size, such as ${text}.`, change: { size: text } };
  }
  if (loadOptions?.includes("precision") && load.precision !== "int8") {
    const hint = "Load the model with int8 precision: it takes a quarter of the memory.";
    return { hint, change: { precision: "int8" } };
  }
  return { hint: "Close other programs, or choose a smaller model.", change: null };
}
