// The one error class of the project. Only cli/ turns it into an exit code, only server/ into an HTTP status.

/** What went wrong, in a form that programs may rely on. `usage` codes mean that the caller asked for something wrong. */
export type ErrorCode =
  | "usage" // an argument, option or config that cannot be right
  | "shape" // shapes or types that do not fit, found while tracing or at a session's boundary
  | "checkpoint" // a weight file that is malformed or does not fit the network
  | "device" // a device that is missing or failed
  | "memory" // not enough memory
  | "closed" // a session, engine or pipeline used after it was closed
  | "file" // a file that cannot be read or written
  | "data" // pictures, captions or data folders that cannot be used
  | "training" // training that cannot go on (NaN loss, checkpoint of another run)
  | "aborted" // cancelled by the caller
  | "internal";

/** An error whose message says what was expected, what came, and what cures it. */
export class NishikiError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "NishikiError";
    this.code = code;
  }
}

/** The sentence for an unknown name: lists the choices, so that the reader need not look them up. */
export function unknownName(kind: string, name: string, choices: readonly string[]): NishikiError {
  return new NishikiError("usage", `Unknown ${kind} "${name}". Choose one of: ${choices.join(", ")}.`);
}
