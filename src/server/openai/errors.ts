// OpenAI's form of errors: {"error": {message, type, param, code}}, with a status that their clients understand.
// Their clients repeat a request after 408, 409, 429 and 5xx unless a header forbids it. A drawing that failed would fail
// again after minutes, so final errors forbid it.
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { NishikiError } from "../../errors.js";
import { describeError as describeFault } from "../http/errors.js";
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

const types: Readonly<Record<number, string>> = { 409: "conflict_error" };

export interface FoundError {
  readonly status: number;
  readonly body: ErrorBody;
}

/** Describes any error for a client, as the native interface does, with the names of this one. */
export function describeError(error: unknown): FoundError {
  if (error instanceof Refusal) return makeError(error.status, error.message, error.details);
  const { status, code, message } = describeFault(error);
  if (code !== "usage" || status !== 400) return makeError(status, message, { code });
  const text = toOwnNames(message);
  const kind = text.startsWith("unknown parameter") ? "unknown_parameter" : "invalid_value";
  return makeError(status, text, { code: kind, param: findParam(text) });
}

export function makeError(status: number, message: string, { param, code }: RefusalDetails): FoundError {
  const type = types[status] ?? (status < 500 ? "invalid_request_error" : "server_error");
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
