// A server of the tests' own: on a free port, with an empty folder, closed and removed at the end.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Application } from "../../src/server/application.js";
import { type RunningServer, serveHttp } from "../../src/server/http/serve.js";
import { createApplication } from "../../src/server/node-application.js";

export interface TestServer {
  /** Alone, without the application. */
  readonly http: RunningServer;
  readonly application: Application;
  readonly url: string;
  close(): Promise<void>;
}

/** @param models Folders of models, beside the embedded one. */
export async function startServer(models: readonly string[] = []): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), "nishiki-server-"));
  const application = await createApplication({ folder, models });
  const server = await serveHttp(application, { port: 0 });
  return {
    http: server,
    application,
    url: server.url,
    async close() {
      await server.close();
      await application.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
