// What the page makes of a picture, in a real browser: editing, variations, comparing, sweeps, dropped pictures.
import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Job, StoredImage } from "../../src/server/index.js";
import {
  chromiumPath,
  closeBrowser,
  closePage,
  draw,
  drawBy,
  drop,
  expectAccessible,
  getJson,
  openPage,
  type PageOptions,
  type RunningApplication,
  reload,
  runAction,
  startApplication,
  type TestPage,
} from "./support.js";

/** The newest images of the server. */
const newest = async (page: Page, limit = 1) =>
  (await getJson<{ images: StoredImage[] }>(page, `images?limit=${limit}`)).images;

describe.skipIf(chromiumPath === undefined)("the tools", { timeout: 180_000 }, () => {
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
  /** A page that shows the newest picture in the viewer. */
  const openNewest = async (page: TestPage) => {
    await page.locator(".tile-image").first().click();
    await page.locator("dialog.viewer").waitFor();
  };

  it("shows what the parameters of a prompt do, and draws each permutation", async () => {
    const page = await open();
    await page.fill("#prompt", "a {red, blue} house --seed 5 --ar 3:2 --q .25");
    const parameters = page.getByRole("group", { name: "Parameters of the prompt" });
    const refused = parameters.locator("li.refused");
    await refused.getByText("squares only").waitFor();
    await expectAccessible(page, "#prompt");
    await refused.getByRole("button").click();
    await parameters.getByText("Draws 2 prompts").waitFor();
    expect(await page.inputValue("#prompt")).toBe("a {red, blue} house --seed 5 --q .25");
    await parameters.getByText("2 images in all").waitFor();
    await page.locator("#prompt").press("Control+Enter");
    await expect.poll(() => page.locator(".tile-image").count(), { timeout: 120_000 }).toBe(2);
    const drawn = await newest(page, 2);
    expect(drawn.map(({ prompt, seed }) => [prompt, seed]).sort()).toEqual([
      ["a blue house", 5],
      ["a red house", 5],
    ]);
    await page.getByRole("button", { name: "Read them as words" }).click();
    await page.getByRole("button", { name: "Read --parameters" }).waitFor();
  });

  it("paints into a picture, keeps the mask with it, and takes it up again", async () => {
    const page = await open();
    const [house] = await draw(page, "red house");
    await openNewest(page);
    await page.keyboard.press("e");
    const canvas = page.locator(".editor canvas");
    await canvas.waitFor();
    const box = (await canvas.boundingBox())!;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(x - 60, y);
    await page.mouse.down();
    await page.mouse.move(x + 60, y, { steps: 8 });
    await page.mouse.up();
    await expectAccessible(page, "editor");
    // Undo takes back the stroke, redo brings it back; only then is there a mask to draw in.
    const undo = page.getByRole("button", { name: /^Undo/ });
    await page.keyboard.press("Control+z");
    expect(await undo.isDisabled()).toBe(true);
    await page.keyboard.press("Control+Shift+z");
    await page.getByText("Only what you mark is drawn again.").waitFor();
    await page.locator(".editor textarea").fill("blue door");
    await page.locator(".editor-draw select").selectOption("2");
    await page.keyboard.press("Control+Enter");
    await page.locator(".editor .thumbnail").nth(2).waitFor({ timeout: 60_000 });
    await page.locator(".editor .live").waitFor({ state: "detached", timeout: 60_000 });
    await expectAccessible(page, "editor with alternatives");
    const edited = await newest(page, 2);
    expect(edited.map(({ parent }) => parent)).toEqual(Array(2).fill({ image: house!.id, action: "edit" }));
    expect(edited[0]!.prompt).toBe("blue door");
    expect(edited[0]!.mask).toMatch(/^[0-9a-f]{64}$/);
    await page.getByRole("button", { name: "Keep" }).click();
    await page.getByRole("button", { name: "Take up the mask that this image was drawn with" }).click();
    await page.getByText("Only what you mark is drawn again.").waitFor();
    await page.keyboard.press("Escape");
    await page.locator(".editor").waitFor({ state: "detached" });
    // What was painted is still there after closing, and after a reload.
    await reload(page);
    await page.locator(`[data-image="${house!.id}"]`).first().click();
    await page.keyboard.press("e");
    await page.getByText("Only what you mark is drawn again.").waitFor();
  });

  it("extends a picture beyond its frame", async () => {
    const page = await open();
    await draw(page, "green tree");
    await openNewest(page);
    await page.keyboard.press("e");
    await page.getByRole("button", { name: "Extend to the right" }).click();
    await page.getByText(/The new area is drawn/).waitFor();
    await page.locator(".editor-draw select").selectOption("1");
    await page.keyboard.press("Control+Enter");
    await page.locator(".editor .thumbnail").nth(1).waitFor({ timeout: 60_000 });
    await page.locator(".editor .live").waitFor({ state: "detached", timeout: 60_000 });
    const [extended] = await newest(page);
    expect(extended!.parent?.action).toBe("extend");
  });

  it("varies a picture, and shows its family", async () => {
    const page = await open();
    const [bird] = await draw(page, "yellow bird");
    await openNewest(page);
    await page.keyboard.press("i");
    const varied = await drawBy(page, () => page.keyboard.press("v"));
    await page.locator(".family .relative").nth(4).waitFor();
    await expectAccessible(page, "family");
    expect(varied.map(({ parent }) => parent?.image)).toEqual(Array(4).fill(bird!.id));
    expect(new Set(varied.map(({ request }) => JSON.stringify(request.variation))).size).toBe(4);
    expect(varied.every(({ seed }) => seed === bird!.seed)).toBe(true);
  });

  it("compares two pictures in three ways", async () => {
    const page = await open();
    await draw(page, "red car");
    await draw(page, "blue car");
    await openNewest(page);
    await page.keyboard.press("c");
    const slider = page.getByRole("slider", { name: "Boundary between the two images" });
    await slider.waitFor();
    await expectAccessible(page, "compare");
    await slider.press("End");
    expect(
      await page
        .locator(".compare-frame")
        .evaluate((frame) => (frame as HTMLElement).style.getPropertyValue("--at")),
    ).toBe("100%");
    const first = page.locator(".compare img.first");
    const before = await first.getAttribute("src");
    await page.keyboard.press("c");
    expect(await first.getAttribute("src")).not.toBe(before);
    await page.keyboard.press("m");
    await page.locator(".compare.side").waitFor();
    await page.keyboard.press("m");
    await page.locator(".compare.hover").waitFor();
    await expectAccessible(page, "compare by hovering");
    await page.keyboard.press("Escape");
    await page.locator("dialog.viewer").waitFor();
  });

  it("sweeps settings into a table of pictures, and saves it as one image", async () => {
    const page = await open();
    await page.fill("#prompt", "red house");
    await runAction(page, "Sweep");
    const axes = page.locator(".sweep-axis");
    await axes.nth(0).locator("select").selectOption("steps");
    await axes.nth(0).locator("input").fill("1, many");
    await page.getByText("“many” is not a number").waitFor();
    await axes.nth(0).locator("input").fill("1-2");
    await axes.nth(1).locator("select").selectOption("prompt");
    await axes.nth(1).locator("input").fill("red, blue");
    await expectAccessible(page, "sweep sheet");
    await page.locator(".sweep-sheet").getByRole("button", { name: "Draw" }).click();
    const cells = page.locator("button.sweep-cell");
    await cells.nth(3).waitFor({ timeout: 60_000 });
    await expectAccessible(page, "sweep");
    expect(await page.locator(".sweep-grid tbody th").allInnerTexts()).toEqual([
      expect.stringContaining("red"),
      expect.stringContaining("blue"),
    ]);
    const labels = await cells.evaluateAll((buttons) =>
      buttons.map((button) => button.getAttribute("aria-label")),
    );
    expect(labels).toEqual(["red house", "red house", "blue house", "blue house"]);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save as one image" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("red-house-grid.png");
    expect((await readFile(await download.path())).subarray(1, 4).toString()).toBe("PNG");
  });

  it("reads a dropped picture, and takes over only what is chosen", async () => {
    const page = await open();
    const [owl] = await draw(page, "purple owl");
    await page.fill("#prompt", "something else");
    await drop(page, `images/${owl!.id}/file`, "owl.png");
    await page.getByText("Made by Nishiki").waitFor();
    await expectAccessible(page, "dropped picture");
    expect(await page.inputValue("#prompt")).toBe("something else");
    await page.locator(".chip.take.seed").click();
    expect(await page.inputValue("#prompt")).toBe("something else");
    await page.locator(".chip.take.all").click();
    await page.keyboard.press("Escape");
    expect(await page.inputValue("#prompt")).toBe("purple owl");
    // The same settings and seed give the same file, and so the same id.
    expect((await draw(page, "purple owl"))[0]!.id).toBe(owl!.id);
  });

  it("starts from a dropped picture", async () => {
    const page = await open();
    const [cat] = await draw(page, "white cat");
    await drop(page, `images/${cat!.id}/file`, "cat.png");
    await page.getByRole("button", { name: "Start from it" }).click();
    await page.getByRole("group", { name: "Start image" }).waitFor();
    await draw(page, "black cat");
    const { jobs } = await getJson<{ jobs: Job[] }>(page, "jobs?limit=500");
    expect(jobs.find(({ request }) => request.prompt === "black cat")!.request.init).toMatchObject({
      image: cat!.id,
    });
  });

  it("fills in styles and wildcards before it draws", async () => {
    const page = await open({ draft: { count: 2 } });
    await page.evaluate(() => {
      const style = { name: "Print", prompt: "{prompt}, 3d", negativePrompt: "" };
      localStorage.setItem("nishiki.presets", JSON.stringify({ styles: [style], lists: { hue: ["red"] } }));
    });
    await reload(page);
    await runAction(page, "Styles and lists");
    await page.getByRole("checkbox", { name: /Print/ }).check();
    await expectAccessible(page, "styles");
    await page.keyboard.press("Escape");
    const images = await draw(page, "__hue__ {hat|hat}");
    expect(images.map(({ prompt }) => prompt)).toEqual(["red hat, 3d", "red hat, 3d"]);
  });

  it("says over whatever is open what it cannot read", async () => {
    const page = await open();
    await runAction(page, "Models");
    await page.locator(".model-list").getByText("In use").waitFor();
    await expectAccessible(page, "models");
    await page.evaluate(() => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(["x"], "film.mp4", { type: "video/mp4" }));
      document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
    });
    const notice = page.locator("dialog .toast");
    await notice.getByText("film.mp4: not a PNG, JPEG or WebP picture").waitFor();
    // A notice under the dialog could not be closed.
    await notice.getByRole("button", { name: "Close" }).click();
    await notice.waitFor({ state: "detached" });
  });

  it("trains a LoRA on pictures, and draws with it", async () => {
    const page = await open();
    const pictures = [];
    for (const prompt of ["red cup", "blue cup"]) {
      const [image] = await draw(page, prompt);
      const file = await (await fetch(`${application.url}/api/v1/images/${image!.id}/file`)).arrayBuffer();
      pictures.push({ name: `${prompt}.png`, mimeType: "image/png", buffer: Buffer.from(file) });
    }
    await runAction(page, "Training");
    await page.locator(".training-form .pick input").last().setInputFiles(pictures);
    await page.getByLabel("Caption of red cup.png").waitFor();
    expect(await page.getByLabel("Caption of blue cup.png").inputValue()).toBe("blue cup");
    await page.locator(".training-form").getByLabel("Name", { exact: true }).fill("cups");
    await page.getByText("Further settings").click();
    await page.locator(".training-form").getByLabel("Steps").fill("2");
    await expectAccessible(page, "training");
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.locator(".training-run").waitFor();
    await expectAccessible(page, "training runs");
    await page.getByRole("button", { name: "Use it" }).click({ timeout: 150_000 });
    await page.getByRole("slider", { name: "Weight of cups" }).waitFor();
    const [image] = await draw(page, "green cup");
    expect(JSON.stringify(image!.load)).toContain("cups");
  });

  it("looks inside a picture: each panel as it comes, all of it by keyboard, as a file and as a film", async () => {
    const page = await open({ draft: { settings: { steps: 3 } } });
    await draw(page, "blue cat beside a red house");
    await openNewest(page);
    await page.keyboard.press("n");
    // The overview is there while the rest is being drawn.
    const running = page.locator(".inside-running progress");
    await page.locator(".inside-stage img").waitFor();
    await page.locator(".inside-pending").first().waitFor();
    await running.waitFor();
    const stage = page.locator(".inside-stage");
    await stage.focus();
    await page.keyboard.press("ArrowLeft");
    await expect
      .poll(() => page.locator(".inside-spine [role=status]").textContent())
      .toMatch(/44% from the left/);
    expect(await page.locator(".inside-place dd").count()).toBe(4);
    await running.waitFor({ state: "detached", timeout: 120_000 });
    expect(await page.locator(".inside-pending").count()).toBe(0);
    await expectAccessible(page, "inside");
    const plot = page.locator(".inside-plot [role=slider]").first();
    await plot.focus();
    await page.keyboard.press("End");
    await page.getByText(/^Step 3: structure 1\.00, detail 1\.00$/).waitFor();
    const save = async (name: string) => {
      const [file] = await Promise.all([page.waitForEvent("download"), page.getByText(name).click()]);
      return readFile(await file.path());
    };
    const film = await save("Save as a film");
    expect([film.subarray(0, 4).toString(), film.includes("ANIM")]).toEqual(["RIFF", true]);
    expect((await save("Save as one file")).toString()).toContain('<script id="explanation"');
    // What was not drawn has its price.
    const devices = page.locator(".inside-chooser li", { hasText: "on every device" });
    await devices.getByText(/drawings, about/).waitFor();
    expect(await page.locator(".inside-chooser li").count()).toBe(2);
  });
});
