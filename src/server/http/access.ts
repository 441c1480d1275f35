// Who may talk to the server. Any web page can make a browser send requests to this machine: what it cannot do is choose the
// headers Host, Origin and Sec-Fetch-Site. They decide here, before anything else looks at a request.
import { hostname } from "node:os";
import type { Context, MiddlewareHandler } from "hono";
import { NishikiError, quote } from "../../errors.js";
import type { HttpEnv } from "./environment.js";
import { refuse } from "./errors.js";

/** Whether a name or an address means this machine alone. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, "");
  return name === "localhost" || name === "::1" || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(name);
}

const isAddress = (name: string) => /^\d{1,3}(\.\d{1,3}){3}$/.test(name) || /^\[[0-9a-f:.]+\]$/.test(name);

/** Reads "name:port" as the header Host has it; undefined if it is anything else. */
function readHost(text: string): { readonly name: string; readonly port: string } | undefined {
  const [, name, port = ""] =
    /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/.exec(text.toLowerCase()) ?? [];
  return name === undefined ? undefined : { name, port };
}

export interface HostOptions {
  /** Where the server listens. Default: loopback. */
  readonly host?: string;
  /** Further names by which it may be asked for, such as that of a reverse proxy. */
  readonly allowedHosts?: readonly string[];
}

/**
 * Refuses requests that ask for another host. A page whose name was made to point at this machine (DNS rebinding) counts as
 * the same origin for the browser, but its requests carry its name. An address cannot be made to point elsewhere.
 */
export function checkHost({
  host = "127.0.0.1",
  allowedHosts = [],
}: HostOptions): MiddlewareHandler<HttpEnv> {
  const isLocal = isLoopback(host);
  const machine = hostname().toLowerCase();
  const names = new Set(allowedHosts.map((name) => name.toLowerCase()));
  if (!isLocal) for (const name of [host.toLowerCase(), machine, `${machine}.local`]) names.add(name);
  const isKnown = (name: string) =>
    isLoopback(name) || names.has(name) || (!isLocal && isAddress(name)) || names.has(`[${name}]`);
  return async (c, next) => {
    const header = c.req.header("host") ?? "";
    const asked = readHost(header);
    if (!asked || !(isKnown(asked.name) || names.has(`${asked.name}:${asked.port}`)))
      refuse(
        403,
        `This server does not answer for the host ${quote(header)}. If it is reached by that name, start it with --allowed-host and the name.`,
      );
    await next();
  };
}

/** The origin of the page that sends a request, if it is the server's own page: the same name and port. */
function isOwnOrigin(origin: string, host: string): boolean {
  try {
    const { protocol, host: from } = new URL(origin);
    return (protocol === "http:" || protocol === "https:") && from === new URL(`${protocol}//${host}`).host;
  } catch {
    return false;
  }
}

/** Checks origins that --cors names. @throws NishikiError "usage" */
export function checkOrigins(origins: readonly string[]): ReadonlySet<string> {
  for (const text of origins) {
    const origin = URL.canParse(text) ? new URL(text).origin : "null";
    if (origin === "null" || origin !== text.toLowerCase())
      throw new NishikiError(
        "usage",
        `cors: expected an origin such as http://localhost:3000, got ${quote(text)}.${text === "*" ? " Name each origin: with * every web page could use this server." : ""}`,
      );
  }
  return new Set(origins.map((text) => text.toLowerCase()));
}

function refuseOrigin(from: string): never {
  refuse(
    403,
    `Requests from ${from} are refused. To allow a page, start the server with --cors and its origin.`,
  );
}

/** What a browser asks before it sends a request of another origin. */
function answerPreflight(c: Context<HttpEnv>): Response {
  const headers = new Headers({
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "Access-Control-Max-Age": "600",
  });
  const wanted = c.req.header("access-control-request-headers");
  if (wanted !== undefined && /^[\w ,-]{1,1000}$/.test(wanted))
    headers.set("Access-Control-Allow-Headers", wanted);
  if (c.req.header("access-control-request-private-network") === "true")
    headers.set("Access-Control-Allow-Private-Network", "true");
  return new Response(null, { status: 204, headers });
}

/**
 * Refuses requests that another web page makes, reading ones too: forms, scripts, image tags, links. Programs send neither
 * Origin nor Sec-Fetch-Site and pass; so does the server's own page. Origins that --cors names pass and get CORS headers.
 */
export function checkOrigin(cors: ReadonlySet<string>): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const origin = c.req.header("origin");
    if (origin !== undefined && cors.has(origin.toLowerCase())) {
      const isPreflight =
        c.req.method === "OPTIONS" && c.req.header("access-control-request-method") !== undefined;
      if (isPreflight) c.res = answerPreflight(c);
      else await next();
      c.res.headers.set("Access-Control-Allow-Origin", origin);
      c.res.headers.set("Access-Control-Expose-Headers", "*");
      c.res.headers.append("Vary", "Origin");
      return;
    }
    if (origin !== undefined && !isOwnOrigin(origin, c.req.header("host") ?? ""))
      refuseOrigin(origin === "null" ? "a page without an origin" : quote(origin));
    const site = c.req.header("sec-fetch-site") ?? "none";
    if (site !== "same-origin" && site !== "none") refuseOrigin("other pages");
    await next();
  };
}
