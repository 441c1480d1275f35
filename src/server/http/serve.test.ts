import { mkdtemp, rm } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Application } from "../application.js";
import { createApplication } from "../node.js";
import { type RunningServer, serveHttp } from "./serve.js";

let folder: string;
let application: Application;
const servers: RunningServer[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-serve-"));
  application = await createApplication({ folder });
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  await application?.close();
  await rm(folder, { recursive: true, force: true });
});

async function serve(options: Parameters<typeof serveHttp>[1]): Promise<RunningServer> {
  const server = await serveHttp(application, { port: 0, ...options });
  servers.push(server);
  return server;
}

const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
const hasIpv6 = addresses.some(({ address }) => address === "::1");
const token = "a-token-for-this-test";

describe("serveHttp", () => {
  it.each(["127.0.0.1", "localhost", ...(hasIpv6 ? ["::1", "[::1]"] : [])])("listens on %s", async (host) => {
    const { url, link, port } = await serve({ host });
    expect(url).toBe(`http://${host.includes(":") ? "[::1]" : host}:${port}`);
    expect(link).toBe(url);
    expect((await fetch(`${url}/api/v1/jobs`)).status).toBe(200);
  });

  it.each(["0.0.0.0", ...(hasIpv6 ? ["::"] : [])])("listens on %s for those with the token", async (host) => {
    const { url, link, port } = await serve({ host, token });
    expect(link).toBe(`${url}/#token=${token}`);
    expect(url).not.toContain(host);
    const ask = (base: string) =>
      fetch(`${base}/api/v1/jobs`, { headers: { authorization: `Bearer ${token}` } });
    expect((await ask(url)).status).toBe(200);
    expect((await ask(`http://127.0.0.1:${port}`)).status).toBe(200);
    expect((await fetch(`${url}/api/v1/jobs`)).status).toBe(401);
  });

  it("says why it cannot listen", async () => {
    const { port } = await serve({});
    const faults: [object, RegExp][] = [
      [{ port }, /another program uses it\. Choose another one with --port\.$/],
      [{ host: "192.0.2.1", token }, /this machine does not have that address/],
      [{ host: "no.such.host.invalid", token }, /^Cannot listen on no\.such\.host\.invalid, port/],
    ];
    for (const [options, message] of faults)
      await expect(serve(options)).rejects.toMatchObject({
        code: "usage",
        message: expect.stringMatching(message),
      });
  });

  it("closes twice without harm, and leaves the application open", async () => {
    const { url, close } = await serve({});
    expect((await fetch(`${url}/api/v1/jobs`)).status).toBe(200);
    await Promise.all([close(), close()]);
    await close();
    await expect(fetch(`${url}/api/v1/jobs`)).rejects.toThrow();
    expect((await application.jobs({ limit: 1 })).jobs).toEqual([]);
  });
});
