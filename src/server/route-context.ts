// What the HTTP server gives to the routes of each interface: `make…Routes(application, context): Hono`.
import type { Context } from "hono";
import type { Caller } from "./application.js";

export interface RouteContext {
  /** Who sent a request, from its credentials and its address. */
  caller(request: Context): Caller;
  /** Takes the lines about an error that nobody foresaw. */
  readonly log?: (lines: string) => void;
  /** Fires when the server closes: long answers end then. */
  readonly closing?: AbortSignal;
}
