// OpenAI's form of errors: {"error": {message, type, param, code}}, with a status that their clients understand.
// Their clients repeat a request after 408, 409, 429 and 5xx unless a header forbids it. A drawing that failed would fail
// again after minutes, so final errors forbid it.
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { NishikiError } from "../../errors.js";
import { toOwnName } from "./names.js";

export interface RefusalDetails {
  /** The parameter at fault. */
  readonly param?: string;
  /** A stable code for programs, such as "model_not_found". */
  readonly code?: string;
}

/** A request that is refused with a status of its own. */
export class Refusal extends NishikiError {
  readonly status: number;
  readonly details: RefusalDetails;

  constructor(status: number, message: string, details: RefusalDetails = {}, options?: { cause?: unknown }) {
    super("usage", message, options);
    this.status = status;
    this.details = details;
  }
}

/** The error object of their API. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** Codes that are the request's fault; all others are the server's. */
const statuses: Readonly<Record<string, number>> = {
  usage: 400,
  data: 400,
  file: 400,
  conflict: 409,
  aborted: 409,
  closed: 503,
};

const types: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "invalid_request_error",
  409: "conflict_error",
  413: "invalid_request_error",
  415: "invalid_request_error",
  429: "rate_limit_error",
};

export interface FoundError {
  readonly status: number;
  readonly body: ErrorBody;
}

/** Describes any error for a client. Unforeseen ones keep their message out of the answer. */
export function describeError(error: unknown): FoundError {
  if (error instanceof HTTPException) return makeError(error.status, error.message, {});
  if (!(error instanceof NishikiError))
    return makeError(500, "The server failed in an unexpected way. Its log says more.", { code: "internal" });
  if (error instanceof Refusal) return makeError(error.status, error.message, error.details);
  const status = statuses[error.code] ?? 500;
  const message = status === 400 ? toOwnNames(error.message) : error.message;
  return makeError(status, message, {
    code: error.code,
    ...(status === 400 && { param: findParam(message) }),
  });
}

export function makeError(status: number, message: string, { param, code }: RefusalDetails): FoundError {
  const type = types[status] ?? "server_error";
  return { status, body: { error: { message, type, param: param ?? null, code: code ?? null } } };
}

/** Replaces the names of settings at the beginning of each sentence with those of this interface. */
export function toOwnNames(message: string): string {
  return message
    .split("\n")
    .map((line) => line.replace(/^([\w.[\]]+)(?=: )/, toOwnName))
    .join("\n");
}

/** The parameter that the first sentence of a message is about. */
export function findParam(message: string): string | undefined {
  const [, unknown, known] = /^(?:unknown parameter "([^"]+)"|(\w+)[\w.[\]]*: )/.exec(message) ?? [];
  return unknown ?? known;
}

/** Answers with an error. */
export function sendError(c: Context, error: unknown): Response {
  const { status, body } = describeError(error);
  if (error instanceof HTTPException)
    for (const [name, value] of error.res?.headers ?? []) c.header(name, value);
  if (status !== 503) c.header("x-should-retry", "false");
  return c.json(body, status as 400);
}
