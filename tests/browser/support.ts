// A real browser in front of a real server: Debian's Chromium, driven by playwright-core, and `nishiki serve` in a folder of
// its own. NISHIKI_CHROMIUM names another Chromium; without one, these tests are skipped.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AxeResults } from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect, vi } from "vitest";
import { finalStates, type Job, type StoredImage } from "../../src/server/index.js";
import { cliPath } from "../support/run-cli.js";

const candidates = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The browser's program; undefined where there is none. */
export const chromiumPath = process.env.NISHIKI_CHROMIUM ?? candidates.find((path) => existsSync(path));

if (chromiumPath === undefined)
  console.warn(
    `Browser tests are skipped: found no Chromium at ${candidates.join(", ")}. Install it, or set NISHIKI_CHROMIUM to its path.`,
  );

export interface RunningApplication {
  readonly url: string;
  readonly folder: string;
  /** Ends the server at once, as a crash or a power cut does. */
  kill(): Promise<void>;
  /** Starts it again on the same folder, after `kill`. @returns the new address */
  restart(): Promise<string>;
  close(): Promise<void>;
}

async function launch(folder: string): Promise<{ child: ChildProcess; url: string }> {
  const { NISHIKI_TOKEN: _, NISHIKI_MODELS: __, ...env } = process.env;
  const options = ["serve", "--port", "0", "--no-open", "--folder", folder];
  const child = spawn(process.execPath, [cliPath, ...options], { env, stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (data: Buffer) => {
    errors += data.toString();
  });
  const first = await Promise.race([once(child.stdout, "data"), once(child, "exit").then(() => undefined)]);
  if (!first) throw new Error(`The server ended before it started:\n${errors}`);
  return { child, url: String(first[0]).trim() };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill(signal);
  await exit;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Builds the page if it is not built from these sources yet, as `npm start` does. */
function buildPage(): void {
  const script = "import('./scripts/prepare.mjs').then(({ build }) => build())";
  const { status, stderr } = spawnSync(process.execPath, ["-e", script], { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`The page could not be built:\n${stderr}`);
}

/**
 * Starts `nishiki serve` with a folder of its own.
 * @param fill Puts files into the folder before.
 */
export async function startApplication(
  fill?: (folder: string) => Promise<void>,
): Promise<RunningApplication> {
  buildPage();
  const folder = await mkdtemp(join(tmpdir(), "nishiki-browser-"));
  await fill?.(folder);
  let { child, url } = await launch(folder);
  return {
    url,
    folder,
    kill: () => stop(child, "SIGKILL"),
    async restart() {
      ({ child, url } = await launch(folder));
      return url;
    },
    async close() {
      await stop(child, "SIGTERM");
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

let browser: Browser | undefined;

export async function openBrowser(): Promise<Browser> {
  browser ??= await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
  return browser;
}

export async function closeBrowser(): Promise<void> {
  await browser?.close();
  browser = undefined;
}

export interface PageOptions extends BrowserContextOptions {
  /** What the prompt bar holds at the start. Few steps keep the tests quick. */
  readonly draft?: Readonly<Record<string, unknown>>;
}

export interface TestPage extends Page {
  /** Errors of the page's scripts, and responses that failed. */
  readonly troubles: readonly string[];
}

/** Opens the application in a context of its own, as a browser of its own would. */
export async function openPage(url: string, { draft, ...options }: PageOptions = {}): Promise<TestPage> {
  const context = await (await openBrowser()).newContext({
    viewport: { width: 1280, height: 800 },
    locale: "en-US",
    reducedMotion: "reduce",
    ...options,
  });
  const page = await context.newPage();
  // A machine may have other work; the tests wait for states, however long these take.
  page.setDefaultTimeout(120_000);
  const troubles: string[] = [];
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("response", (response) => {
    if (response.status() >= 500) troubles.push(`${response.status()} ${response.url()}`);
  });
  const settings = { count: 1, settings: { steps: 4 }, ...draft };
  // Only for the first load: a reload must find what the page itself kept.
  await page.addInitScript((text) => {
    if (localStorage.getItem("nishiki.draft") === null) localStorage.setItem("nishiki.draft", text);
  }, JSON.stringify(settings));
  await page.goto(url);
  await page.locator("#prompt").waitFor();
  return Object.assign(page, { troubles });
}

/** Loads the page again, and waits until it listens to keys: `load` alone comes earlier. */
export async function reload(page: Page): Promise<void> {
  await page.reload();
  await page.locator("#prompt").waitFor();
}

/** Cancels what is left, and ends the page's whole context. */
export async function closePage(page: Page): Promise<void> {
  await page.evaluate(() =>
    fetch("api/v1/jobs/cancel", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: "{}",
    }),
  );
  await page.context().close();
}

const listJobs = async (page: Page) => (await getJson<{ jobs: Job[] }>(page, "jobs?limit=500")).jobs;

/**
 * Does what creates jobs, and waits until all of these have ended and the first image is in the feed.
 * @returns their images, in the order of the jobs
 */
export async function drawBy(page: Page, act: () => Promise<void>): Promise<readonly StoredImage[]> {
  const before = new Set((await listJobs(page)).map(({ id }) => id));
  await act();
  const added = await vi.waitFor(
    async () => {
      const jobs = (await listJobs(page)).filter(({ id }) => !before.has(id));
      if (jobs.length === 0 || jobs.some(({ state }) => !finalStates.includes(state)))
        throw new Error("Still drawing.");
      return jobs;
    },
    { timeout: 120_000, interval: 200 },
  );
  expect(added.map(({ state, error }) => error?.message ?? state)).toEqual(added.map(() => "done"));
  const images = added.sort((a, b) => a.created.localeCompare(b.created)).flatMap((job) => job.images);
  await page.locator(`[data-image="${images[0]!.id}"] img.loaded, .sweep-cell img`).first().waitFor();
  return images;
}

/** Draws a prompt by the keyboard. */
export const draw = (page: Page, prompt: string): Promise<readonly StoredImage[]> =>
  drawBy(page, async () => {
    await page.fill("#prompt", prompt);
    await page.keyboard.press("Control+Enter");
  });

const tiles = ".blocks .tile-image img.loaded";

/** Waits until so many finished images are shown. */
export async function waitForTiles(page: Page, count: number): Promise<void> {
  await page.waitForFunction(
    ([selector, least]) => document.querySelectorAll(selector).length >= least,
    [tiles, count] as const,
    { timeout: 60_000 },
  );
}

/** What the native API answers. */
export const getJson = <T>(page: Page, path: string): Promise<T> =>
  page.evaluate(async (url) => (await fetch(`api/v1/${url}`)).json(), path);

/** Runs an action by its name, from the palette. */
export async function runAction(page: Page, name: string): Promise<void> {
  await page.keyboard.press("Control+k");
  await page.locator(".palette input").fill(name);
  await page.keyboard.press("Enter");
  await page.locator(".palette").waitFor({ state: "detached" });
}

/** Drops a file of the server on the page, as if it came from a folder. */
export async function drop(page: Page, path: string, name: string): Promise<void> {
  await page.evaluate(
    async ([url, title]) => {
      const blob = await (await fetch(`api/v1/${url}`)).blob();
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([blob], title, { type: blob.type }));
      const options = { bubbles: true, cancelable: true, dataTransfer };
      document.body.dispatchEvent(new DragEvent("dragover", options));
      document.body.dispatchEvent(new DragEvent("drop", options));
    },
    [path, name] as const,
  );
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Expects no violation of WCAG 2.2 AA, nor of the best practices that axe knows. */
export async function expectAccessible(page: Page, state: string): Promise<void> {
  // Evaluated by the browser's debugger, so the page's security policy stays as it is.
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axeSource);
  const { violations } = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(options: object): Promise<AxeResults> } };
    return axe.run({ rules: { "target-size": { enabled: true } } });
  });
  const found = violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`,
  );
  expect({ state, violations: found }).toEqual({ state, violations: [] });
}
