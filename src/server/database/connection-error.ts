// Whether an error means that the database was out of reach, so that trying again makes sense.

import { NishikiError } from "../../errors.js";

/** Errors of the connection; those of statements carry an SQLSTATE that starts otherwise. */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof NishikiError) return error.code === "database" && isConnectionError(error.cause);
  const code = (error as { code?: unknown } | undefined)?.code;
  const message = error instanceof Error ? error.message : "";
  if (typeof code === "string") {
    // 08: connection exception; 57P: the server shuts down or starts; 53300: too many connections.
    if (/^(08...|57P0[1-5]|53300)$/.test(code)) return true;
    if (/^E[A-Z]+$/.test(code)) return true;
  }
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered/i.test(
    message,
  );
}
