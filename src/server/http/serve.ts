// The server: sockets around the HTTP application, with limits on what one client may hold.
import { once, setMaxListeners } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { getRequestListener } from "@hono/node-server";
import { NishikiError, quote } from "../../errors.js";
import type { Application } from "../application.js";
import { isLoopback } from "./access.js";
import { type HttpOptions, makeHttpApp } from "./app.js";
import { connections, type Timeouts, timeouts } from "./limits.js";
import { checkToken } from "./token.js";

export interface ServeOptions extends Omit<HttpOptions, "closing"> {
  /** Default: 127.0.0.1. Beyond loopback, a token is needed. */
  readonly host?: string;
  /** 0 lets the system choose. Default: 7860. */
  readonly port?: number;
  /** How long clients may take. */
  readonly timeouts?: Partial<Timeouts>;
}

export interface RunningServer {
  /** Without a slash at its end. */
  readonly url: string;
  /** The page's address; with the token, which browsers do not send, where there is one. */
  readonly link: string;
  readonly port: number;
  /** Ends event streams, lets other answers finish for a moment, and closes. Does not close the application. */
  readonly close: () => Promise<void>;
}

/** Starts a server. @throws NishikiError "usage" for options that cannot be right, or a port that is taken */
export async function serveHttp(
  application: Application,
  { host = "127.0.0.1", port = 7860, ...options }: ServeOptions = {},
): Promise<RunningServer> {
  const { token } = options;
  const limits = { ...timeouts, ...options.timeouts };
  if (!isLoopback(host) && token === undefined)
    throw new NishikiError(
      "usage",
      `host: with ${quote(host)}, others can reach this server, so it needs a token: give one with --token.`,
    );
  if (token !== undefined) checkToken(token);
  const closing = new AbortController();
  // Every event stream listens to it.
  setMaxListeners(0, closing.signal);
  const app = makeHttpApp(application, { ...options, host, closing: closing.signal });
  // The adapter's own Request and Response would replace those of the whole process.
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false, hostname: "localhost" });
  const server = createServer(
    {
      headersTimeout: limits.headers,
      requestTimeout: limits.request,
      keepAliveTimeout: limits.idle,
      connectionsCheckingInterval: Math.min(5000, limits.headers),
      maxHeaderSize: 16 * 1024,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    },
    (request, response) => void listener(request, response),
  );
  limitSockets(server, limits.write);
  await listen(server, host, port);
  const url = getUrl(server, host);
  return {
    url,
    link: token === undefined ? url : `${url}/#token=${token}`,
    port: (server.address() as AddressInfo).port,
    close: () => close(server, closing, limits.close),
  };
}

/**
 * Ends connections on which nothing moves: those of clients that do not read what is sent to them, and idle ones. Clients
 * that wait for an answer may wait: a drawing takes minutes.
 */
function limitSockets(server: Server, timeout: number): void {
  const waiting = new WeakMap<Socket, number>();
  const count = (socket: Socket, change: number) => waiting.set(socket, (waiting.get(socket) ?? 0) + change);
  server.on("request", ({ socket }, response) => {
    count(socket, 1);
    response.once("close", () => count(socket, -1));
  });
  server.maxConnections = connections;
  server.setTimeout(timeout, (socket: Socket) => {
    if (waiting.get(socket) && socket.writableLength === 0) socket.setTimeout(timeout);
    else socket.destroy();
  });
}

const faults: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program uses it. Choose another one with --port",
  EACCES: "the system reserves it. Choose one above 1023 with --port",
  EADDRNOTAVAIL: "this machine does not have that address. Choose another one with --host",
  ENOTFOUND: "no machine has that name. Choose another one with --host",
  EAI_AGAIN: "that name cannot be looked up. Choose another one with --host",
};

async function listen(server: Server, host: string, port: number): Promise<void> {
  const name = host.replace(/^\[|\]$/g, "");
  try {
    server.listen({ host: name, port, backlog: 1024 });
    await once(server, "listening");
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    const reason = faults[code] ?? message;
    throw new NishikiError("usage", `Cannot listen on ${name}, port ${port}: ${reason}.`, { cause: error });
  }
}

/** Whether a server could listen there: before what it serves is opened. @throws NishikiError "usage" like `serveHttp` */
export async function checkAddress(host: string, port: number): Promise<void> {
  const server = createServer();
  await listen(server, host, port);
  server.close();
  await once(server, "close");
}

/** An address of this machine that others can reach. */
function findAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
}

function getUrl(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const name = host.replace(/^\[|\]$/g, "");
  const shown = name === "0.0.0.0" || name === "::" ? findAddress() : name;
  return `http://${shown.includes(":") ? `[${shown}]` : shown}:${port}`;
}

async function close(server: Server, closing: AbortController, timeout: number): Promise<void> {
  closing.abort();
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  // A connection whose answer ends from now on would wait for another request.
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  const timer = setTimeout(() => server.closeAllConnections(), timeout);
  await closed;
  clearInterval(idle);
  clearTimeout(timer);
}
