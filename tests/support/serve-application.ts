// A real application behind a real socket, in a temporary folder.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import {
  type Application,
  type RunningServer,
  type ServeOptions,
  serveHttp,
} from "../../src/server/index.js";
import { createApplication } from "../../src/server/node.js";

export interface Served {
  readonly application: Application;
  readonly folder: string;
  /** Starts another server for the same application. */
  readonly serve: (options?: ServeOptions) => Promise<RunningServer>;
  readonly close: () => Promise<void>;
}

/** Opens an application; servers for it use free ports. */
export async function openServed(): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), "nishiki-served-"));
  const application = await createApplication({ folder });
  const servers: RunningServer[] = [];
  return {
    application,
    folder,
    async serve(options = {}) {
      const server = await serveHttp(application, { port: 0, page: join(folder, "page"), ...options });
      servers.push(server);
      return server;
    },
    async close() {
      await Promise.all(servers.map((server) => server.close()));
      await application.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Opens a socket to a server. */
export async function openSocket({ port }: RunningServer): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

/** Sends bytes as they are, and reads until the server closes the connection. */
export async function sendRaw(server: RunningServer, bytes: string | Uint8Array): Promise<string> {
  const socket = await openSocket(server);
  socket.on("error", () => {});
  socket.write(bytes);
  return text(socket).catch(() => "");
}

/** The status of an answer that `sendRaw` read; 0 if the server closed without one. */
export const getStatus = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
