// Web pages of others, in a real browser, against a server on the same machine: what they try must not reach it, whatever
// headers this browser sends.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { RunningServer } from "../../src/server/index.js";
import { openServed, type Served } from "../support/serve-application.js";
import { chromiumPath } from "./support.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describe.skipIf(chromiumPath === undefined)("a page of somebody else", () => {
  let served: Served;
  let server: RunningServer;
  let elsewhere: Server;
  let browser: Browser;
  /** The server's log. */
  const lines: string[] = [];

  beforeAll(async () => {
    served = await openServed();
    server = await served.serve({ log: (line) => lines.push(line) });
    elsewhere = createServer(({ url }, response) => {
      // A sandbox has no origin of its own: requests come from "null".
      if (url === "/sandbox") response.setHeader("content-security-policy", "sandbox allow-scripts");
      response.setHeader("content-type", "text/html");
      response.end("<!doctype html><title>Elsewhere</title><body></body>");
    }).listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
    browser = await chromium.launch({
      executablePath: chromiumPath!,
      // A name of the attacker's that leads to this machine: what DNS rebinding ends in.
      args: ["--no-sandbox", "--host-resolver-rules=MAP rebound.example 127.0.0.1"],
    });
  });

  afterAll(async () => {
    await browser?.close();
    elsewhere?.close();
    await served?.close();
  });

  const port = () => (elsewhere.address() as AddressInfo).port;
  const api = () => `${server.url}/api/v1`;

  async function visit(url: string, act: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      await page.goto(url);
      await act(page);
    } finally {
      await context.close();
    }
  }

  /** Runs code in a page; an error becomes its name. */
  const run = (page: Page, code: string) =>
    page.evaluate(`(async () => { ${code} })().catch((error) => error.name)`);

  const isPaused = async () => (await served.application.jobs({ limit: 1 })).paused;

  it.each([
    ["another port", () => `http://127.0.0.1:${port()}/`],
    ["another name of this machine", () => `http://localhost:${port()}/`],
    ["no origin", () => `http://127.0.0.1:${port()}/sandbox`],
  ])("with %s can neither read nor change anything", async (_, getUrl) => {
    lines.length = 0;
    await visit(getUrl(), async (page) => {
      expect(await run(page, `return (await fetch("${api()}/jobs")).status`)).toBe("TypeError");
      const json = `headers: { "content-type": "application/json" }, body: "{}"`;
      expect(
        await run(page, `return (await fetch("${api()}/jobs", { method: "POST", ${json} })).status`),
      ).toBe("TypeError");
      // Requests that a browser sends without asking.
      await run(page, `await fetch("${api()}/queue/pause", { method: "POST", mode: "no-cors" })`);
      await run(page, `navigator.sendBeacon("${api()}/queue/pause", "{}")`);
      const image = `new Promise((resolve) => { const image = new Image(); image.onload = () => resolve("shown");
        image.onerror = () => resolve("refused"); image.src = "${api()}/images/${"0".repeat(64)}/file"; })`;
      expect(await run(page, `return ${image}`)).toBe("refused");
      const events = `new Promise((resolve) => { const events = new EventSource("${api()}/events");
        events.onopen = () => resolve("open"); events.onerror = () => { events.close(); resolve("refused"); }; })`;
      expect(await run(page, `return ${events}`)).toBe("refused");
      const script = `new Promise((resolve) => { const script = document.createElement("script");
        script.onload = () => resolve("run"); script.onerror = () => resolve("refused");
        script.src = "${api()}/capabilities"; document.head.append(script); })`;
      expect(await run(page, `return ${script}`)).toBe("refused");
    });
    expect(await isPaused()).toBe(false);
    expect(lines.length).toBeGreaterThanOrEqual(5);
    for (const line of lines) expect(line).toMatch(/ 403 \d+ ms$/);
  });

  it.each(["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])(
    "cannot send a form: %s",
    async (type) => {
      await visit(`http://127.0.0.1:${port()}/`, async (page) => {
        const sent = page.waitForResponse((response) => response.url().includes("/queue/pause"));
        await run(
          page,
          `const form = document.createElement("form"); form.method = "post"; form.enctype = "${type}";
           form.action = "${api()}/queue/pause"; document.body.append(form); form.submit();`,
        );
        expect((await sent).status()).toBeOneOf([403, 415]);
      });
      expect(await isPaused()).toBe(false);
    },
  );

  it("cannot put the application into a frame", async () => {
    await visit(`http://127.0.0.1:${port()}/`, async (page) => {
      await page.setContent(
        `<iframe src="${server.url}/api/v1/jobs"></iframe><iframe src="${server.url}/"></iframe>`,
      );
      await page.waitForTimeout(500);
      const texts = await Promise.all(
        page
          .frames()
          .slice(1)
          .map((frame) => frame.content().catch(() => "")),
      );
      for (const text of texts) expect(text).not.toMatch(/"jobs"|Nishiki|not built/);
    });
  });

  it("cannot use a name that leads here", async () => {
    const url = server.url.replace("127.0.0.1", "rebound.example");
    const context = await browser.newContext();
    const page = await context.newPage();
    const response = await page.goto(url);
    expect(response!.status()).toBe(403);
    // Same origin for the browser, so it may read the answer.
    const read = `const response = await fetch("/api/v1/jobs"); return [response.status, (await response.json()).error.code];`;
    expect(await run(page, read)).toEqual([403, "origin"]);
    const pause = `return (await fetch("/api/v1/queue/pause", { method: "POST" })).status`;
    expect(await run(page, pause)).toBe(403);
    await context.close();
    expect(await isPaused()).toBe(false);
  });
});
