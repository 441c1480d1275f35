import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { servePage } from "./static-page.js";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-page-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function build(text: string): Promise<void> {
  await mkdir(join(folder, "assets"), { recursive: true });
  await writeFile(join(folder, "assets", "main-12345678.js"), text);
  await writeFile(join(folder, "assets", "main-12345678.js.gz"), gzipSync(text));
  await writeFile(join(folder, "index.html"), `<title>${text}</title>`);
}

function serve() {
  const app = new Hono();
  app.use(servePage(folder));
  app.notFound((c) => c.text("elsewhere", 404));
  return (path: string, headers: Record<string, string> = {}, method = "GET") =>
    app.request(path, { headers, method });
}

describe("servePage", () => {
  it("sends compressed files to those that take them", async () => {
    await build("one");
    const get = serve();
    const script = "/assets/main-12345678.js";
    const packed = await get(script, { "accept-encoding": "br;q=0, GZIP;q=0.5" });
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    expect(gunzipSync(await packed.arrayBuffer()).toString()).toBe("one");
    for (const accepted of ["", "br", "gzip;q=0", "identity", "gzip;q=0.0, deflate"]) {
      const plain = await get(script, { "accept-encoding": accepted });
      expect([accepted, plain.headers.get("content-encoding")]).toEqual([accepted, null]);
      expect(await plain.text()).toBe("one");
      expect(plain.headers.get("vary")).toBe("Accept-Encoding");
    }
    expect((await get("/assets/main-12345678.js.gz")).status).toBe(404);
  });

  it("lets browsers keep files whose names have a hash, and ask for the others", async () => {
    await build("one");
    const get = serve();
    expect((await get("/assets/main-12345678.js")).headers.get("cache-control")).toContain("immutable");
    const page = await get("/");
    expect(page.headers.get("cache-control")).toBe("no-cache");
    const again = await get("/", { "if-none-match": page.headers.get("etag")! });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });

  it("serves a page that is built, or built again, while the server runs", async () => {
    const get = serve();
    const missing = await get("/");
    expect([missing.status, await missing.text()]).toEqual([404, expect.stringContaining("npm start")]);
    await build("one");
    expect(await (await get("/")).text()).toBe("<title>one</title>");
    await build("another");
    await writeFile(join(folder, "assets", "more-12345678.css"), "a {}");
    expect(await (await get("/")).text()).toBe("<title>another</title>");
    expect((await get("/assets/more-12345678.css")).headers.get("content-type")).toContain("text/css");
    await rm(join(folder, "index.html"));
    expect((await get("/")).status).toBe(404);
  });

  it("leaves everything else to the routes", async () => {
    await build("one");
    const get = serve();
    for (const [path, method] of [
      ["/", "POST"],
      ["/nothing", "GET"],
      ["/assets", "GET"],
      ["/index.html/", "GET"],
    ] as const)
      expect(await (await get(path, {}, method)).text()).toBe("elsewhere");
  });
});
