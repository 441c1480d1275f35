// The application in a real browser: from the first picture to a second tab.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ImagePage, JobPage } from "../../src/server/api/index.js";
import {
  chromiumPath,
  closeBrowser,
  closePage,
  draw,
  drawBy,
  expectAccessible,
  getJson,
  openPage,
  type PageOptions,
  type RunningApplication,
  reload,
  startApplication,
  type TestPage,
  waitForTiles,
} from "./support.js";

describe.skipIf(chromiumPath === undefined)("the application", { timeout: 180_000 }, () => {
  let application: RunningApplication;
  const pages: TestPage[] = [];

  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(async () => {
    await closeBrowser();
    await application.close();
  });
  afterEach(async () => {
    const open = pages.splice(0);
    const troubles = open.flatMap((page) => page.troubles);
    await Promise.all(open.map(closePage));
    expect(troubles).toEqual([]);
  });
  const open = async (options?: PageOptions) => {
    const page = await openPage(application.url, options);
    pages.push(page);
    return page;
  };

  it("draws a first picture without any set-up", async () => {
    const page = await open();
    await expectAccessible(page, "empty");
    await draw(page, "blue cat against a sunset background");
    await expectAccessible(page, "one picture");
    await page.locator(".tile-image").first().click();
    await page.locator("dialog.viewer").waitFor();
    await expectAccessible(page, "viewer");
    await page.keyboard.press("i");
    await page.locator(".info").getByText("blue cat against a sunset background").waitFor();
    await expectAccessible(page, "viewer with settings");
    await page.keyboard.press("Escape");
    await page.locator("dialog.viewer").waitFor({ state: "detached" });
  });

  it("cancels what is being drawn, and says so", async () => {
    const page = await open({ draft: { count: 4, settings: { steps: 500 } } });
    const { total } = await getJson<ImagePage>(page, "images");
    await page.fill("#prompt", "red house");
    await page.keyboard.press("Control+Enter");
    await page.locator(".tile canvas, .tile img").first().waitFor();
    await page.locator(".caption-state").first().waitFor();
    await expectAccessible(page, "drawing");
    await page.locator("#feed").focus();
    await page.keyboard.press("Shift+X");
    await page.locator(".caption-state").waitFor({ state: "detached" });
    const { jobs } = await getJson<JobPage>(page, "jobs?limit=500");
    expect(jobs.find(({ request }) => request.prompt === "red house")!.state).toBe("cancelled");
    expect((await getJson<ImagePage>(page, "images")).total).toBe(total);
  });

  it("goes on after a reload in the middle, and shows a second tab the same", async () => {
    const page = await open({ draft: { count: 2, settings: { steps: 24 } } });
    await page.fill("#prompt", "green tree");
    await page.keyboard.press("Control+Enter");
    await page.locator(".caption-state").first().waitFor();
    await reload(page);
    await page.locator(".caption-state").first().waitFor();
    const second = await open();
    await second.locator(".caption-state").first().waitFor();
    const shown = async (tab: TestPage) => {
      await tab.locator(".caption-state").waitFor({ state: "detached", timeout: 60_000 });
      await waitForTiles(tab, 2);
      return tab
        .locator("[data-image]")
        .evaluateAll((tiles) => tiles.map((tile) => (tile as HTMLElement).dataset.image));
    };
    expect(await shown(second)).toEqual(await shown(page));
    expect(await page.inputValue("#prompt")).toBe("green tree");
  });

  it("is used with the keyboard alone", async () => {
    const page = await open();
    const focused = () =>
      page.evaluate(() => document.activeElement?.id || document.activeElement?.className || "nothing");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("skip");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("prompt");
    const [lamp] = await drawBy(page, async () => {
      await page.keyboard.type("red lamp");
      await page.keyboard.press("Control+Enter");
    });
    const tile = page.locator(`[data-image="${lamp!.id}"]`).first();
    const isFocused = () => tile.evaluate((element) => element === document.activeElement);
    // One tile takes part in the order of Tab; arrow keys and Home lead to the others.
    const isInFeed = () => page.evaluate(() => document.activeElement?.closest("[role=feed]") !== null);
    for (let i = 0; i < 150 && !(await isInFeed()); i++) await page.keyboard.press("Tab");
    await page.keyboard.press("Home");
    expect(await isFocused()).toBe(true);
    await page.keyboard.press("Enter");
    await page.locator("dialog.viewer").waitFor();
    await page.keyboard.press(".");
    await page.locator("dialog.viewer").getByRole("button", { name: "Favourite", pressed: true }).waitFor();
    await page.keyboard.press("Escape");
    await page.locator("dialog.viewer").waitFor({ state: "detached" });
    expect(await isFocused()).toBe(true);
    // A letter acts on the tile with the keyboard, as it would in the viewer.
    await page.keyboard.press("s");
    await page.keyboard.press("?");
    await page.locator(".keys-sheet").waitFor();
    await expectAccessible(page, "keys");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.locator(".palette input").waitFor();
    await expectAccessible(page, "palette");
    await page.keyboard.press("Escape");
    await page.locator(".palette").waitFor({ state: "detached" });
    const { images } = await getJson<ImagePage>(page, "images?favourite=true");
    expect(images.map(({ id }) => id)).toEqual([lamp!.id]);
  });

  it("fits a phone of 360 pixels", async () => {
    const page = await open({ viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true });
    const expectNoOverflow = async (state: string) => {
      const width = await page.evaluate(() =>
        Math.max(document.documentElement.scrollWidth, document.body.scrollWidth),
      );
      expect({ state, width }).toEqual({ state, width: 360 });
      await expectAccessible(page, `${state} on a phone`);
    };
    await page.fill("#prompt", "green frog");
    const [frog] = await drawBy(page, () => page.getByRole("button", { name: /^Draw/ }).tap());
    await expectNoOverflow("feed");
    await page.locator(`[data-image="${frog!.id}"]`).first().tap();
    await page.locator("dialog.viewer").waitFor();
    await expectNoOverflow("viewer");
    await page.getByRole("button", { name: "Edit" }).tap();
    await page.locator(".editor canvas").waitFor();
    await page.locator(".editor canvas").tap();
    await expectNoOverflow("editor");
    await page.locator(".editor-bar").getByRole("button", { name: "Close" }).tap();
    await page.locator("dialog.viewer").getByRole("button", { name: "Close" }).tap();
    await page
      .locator(".prompt-bar")
      .getByRole("button", { name: /^Settings/ })
      .tap();
    await page.locator(".dialog.side .settings").waitFor();
    await expectNoOverflow("settings");
  });
});
