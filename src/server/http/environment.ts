// What all routes share.
import type { HttpBindings } from "@hono/node-server";
import type { RouteContext } from "../route-context.js";

/** Takes one line, or the lines of a stack trace; printable. */
export type Log = (line: string) => void;

/** What the native routes are given beside the application. */
export interface NativeContext extends RouteContext {
  readonly onTrouble: Log;
  /** Fires when the server closes: long answers end then. */
  readonly closing: AbortSignal;
}

/** Hono's types: the sockets, where there are any. */
export interface HttpEnv {
  readonly Bindings: Partial<HttpBindings>;
}
