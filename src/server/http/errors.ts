// The one place where errors become HTTP answers. Sentences stay as they are; paths of this machine do not leave it.
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type ErrorCode, NishikiError, visible } from "../../errors.js";

/** Statuses of the application's errors. */
const statuses = {
  usage: 400,
  data: 400,
  conflict: 409,
  aborted: 409,
  database: 503,
  closed: 503,
  memory: 500,
  device: 500,
  checkpoint: 500,
  file: 500,
  training: 500,
  shape: 500,
  internal: 500,
} as const satisfies Record<ErrorCode, ContentfulStatusCode>;

/** Codes of what HTTP itself refuses. */
const refusals = {
  400: "usage",
  401: "token",
  403: "origin",
  404: "not-found",
  405: "method",
  406: "type",
  413: "too-large",
  415: "type",
  429: "busy",
  503: "busy",
} as const;
type RefusalStatus = keyof typeof refusals;

/** What an answer says about an error. */
export interface HttpFault {
  readonly status: ContentfulStatusCode;
  /** Stable; the application's own codes, or one of "token", "origin", "not-found", "method", "type", "too-large", "busy". */
  readonly code: string;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

type Headers = Readonly<Record<string, string>>;

function makeRefusal(status: RefusalStatus, message: string, headers?: Headers): HTTPException {
  const res = Response.json({ error: { code: refusals[status], message } }, { status, headers });
  return new HTTPException(status, { message, res });
}

/** Refuses a request. @param headers what the status needs, such as Allow */
export function refuse(status: RefusalStatus, message: string, headers?: Headers): never {
  throw makeRefusal(status, message, headers);
}

/** What a server that closes answers. */
export const makeClosingRefusal = () => makeRefusal(503, "The server is closing.", { Connection: "close" });

const unforeseen = "The server failed in an unexpected way. Its log says more.";

/** Leaves only the last part of absolute paths: enough to recognise a file, too little to learn about the machine. */
const hidePaths = (text: string) =>
  text.replace(/(?<![\w.:/])(?:[A-Za-z]:[\\/]|\/)(?:[^\s"'`<>|:*?\\/]+[\\/])+(?=[^\s"'`<>|:*?\\/])/g, "");

/** Describes any error for a client. */
export function describeError(error: unknown): HttpFault {
  if (error instanceof NishikiError) {
    const { code, message } = error;
    // "usage" and "data" repeat what the client sent; only the others can know files of this machine.
    const isClients = code === "usage" || code === "data" || code === "conflict";
    return { status: statuses[code], code, message: isClients ? message : hidePaths(message) };
  }
  if (error instanceof HTTPException) {
    const { status, message, res } = error;
    const code = refusals[status as RefusalStatus] ?? "internal";
    return { status, code, message, headers: Object.fromEntries(res?.headers ?? []) };
  }
  return { status: 500, code: "internal", message: unforeseen };
}

/** What the log says about an error that nobody foresaw; undefined for all others. */
export function describeFailure(error: unknown): string | undefined {
  if (error instanceof HTTPException || (error instanceof NishikiError && error.code !== "internal"))
    return undefined;
  return visible(error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** The body of an error in the form that the clients of a path expect. */
function formatFault(path: string, { status, code, message }: HttpFault): object {
  if (path.startsWith("/v1/")) {
    const type = status >= 500 ? "server_error" : "invalid_request_error";
    return { error: { message, type, param: null, code } };
  }
  if (path.startsWith("/sdapi/")) return { error: code, detail: message, body: "", errors: message };
  return { error: { code, message } };
}

/** Answers with an error. */
export function respondToError(error: unknown, c: Context): Response {
  const fault = describeError(error);
  const headers = { ...fault.headers, "Cache-Control": "no-store" };
  return c.json(formatFault(c.req.path, fault), fault.status, headers);
}
