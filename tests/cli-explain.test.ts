// nishiki explain: the page and its data, for a prompt and for a picture.
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { Explanation } from "../src/inspect/index.js";
import { makeExplanationPage } from "../src/inspect/node.js";
import { runHere } from "./support/run-here.js";

// Minutes, because a machine may be busy with training; on an idle one it is seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-explain-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const small = [
  "--steps",
  "4",
  "--other-seeds",
  "1",
  "--leave-out",
  "1",
  "--panels",
  "pull,leave-out,seeds",
  "--ordinary",
  "0",
  "--quiet",
];
const at = (name: string) => join(folder, name);
const readJson = async (name: string) => JSON.parse(await readFile(at(name), "utf8")) as Explanation;

it("explains a prompt, as data", async () => {
  const { code, stdout, stderr } = await runHere([
    "explain",
    "a blue cat",
    "-s",
    "3",
    ...small,
    "-o",
    at("cat.json"),
  ]);
  expect([code, stderr, stdout.trim()]).toEqual([0, "", at("cat.json")]);
  const explanation = await readJson("cat.json");
  expect(explanation).toMatchObject({ format: 1, prompt: "a blue cat", seed: 3, steps: 4, width: 256 });
  expect(explanation.stepImages.length).toBe(4);
  expect(explanation.words.map(({ word }) => word)).toEqual(["a", "blue", "cat"]);
  expect(explanation.leftOut.length).toBe(1);
  expect(explanation.seeds!.images.map(({ seed }) => seed)).toEqual([3, 4]);
  expect(explanation.files.every(({ bytes, sha256 }) => bytes! > 0 && /^[0-9a-f]{64}$/.test(sha256))).toBe(
    true,
  );
  expect(explanation.files.every(({ sha256, after }) => after === sha256)).toBe(true);
  expect(explanation.skills!.length).toBeGreaterThan(3);
  expect(explanation.energy.joules).toBeGreaterThan(0);
  expect(explanation.panels.map(({ panel, drawings }) => [panel, drawings])).toEqual([
    ["drawing", 1],
    ["pull", 1],
    ["leave-out", 1],
    ["seeds", 2],
  ]);
  expect(explanation.panels.every(({ seconds }) => seconds! > 0)).toBe(true);
  expect(explanation.seeds!.diversity).toBeGreaterThan(0);
  for (const image of [explanation.image, ...explanation.stepImages])
    expect(image).toMatch(/^data:image\/webp;base64,/);
});

it("explains a picture from its receipt, as one page without any address", async () => {
  const drawn = await runHere(["a red house", "-s", "8", "--steps", "3", "-o", at("house.png"), "-q"]);
  expect(drawn.code).toBe(0);
  const { code } = await runHere(["explain", at("house.png"), ...small, "-o", at("house.html")]);
  expect(code).toBe(0);
  const html = await readFile(at("house.html"), "utf8");
  const data = /<script id="explanation" type="application\/json">(.*?)<\/script>/s.exec(html)![1]!;
  // The receipt's settings count, not the options beside it.
  expect(JSON.parse(data)).toMatchObject({ prompt: "a red house", seed: 8, steps: 3 });
  expect(html).not.toMatch(/(?:src|href)=["']?https?:/);
});

it("prices the panels of a large model, then draws those that are chosen, with a film of the steps", async () => {
  const model = ["--model", fileURLToPath(new URL("./golden/pipelines/sd1", import.meta.url))];
  const args = ["explain", "a cat", ...model, "--steps", "2", "--panels", "leave-out,scales"];
  const priced = await runHere([...args, "--forecast"]);
  expect([priced.code, priced.lines.map((line) => line.split(/ +/)[0])]).toEqual([
    0,
    ["drawing", "leave-out", "scales", "Together"],
  ]);
  for (const line of priced.lines.slice(0, 3)) expect(line).toMatch(/\d drawings? +[\d.]+ s +[\d.]+ [MG]B /);
  expect(existsSync(at("priced.json"))).toBe(false);
  const out = ["-o", at("priced.json"), "--film", at("steps.webp")];
  const { code, stderr } = await runHere([...args, ...out, "-n", "red", "--leave-out", "1"]);
  // The price comes before the drawing.
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/^drawing .*\nleave-out .*\nscales .*\nTogether/),
  ]);
  const explanation = await readJson("priced.json");
  const { panels, negativeWords, words, latents } = explanation;
  expect(panels.map(({ price }) => price!.seconds > 0 && price!.bytes > 1e6)).toEqual([true, true, true]);
  expect(negativeWords.map(({ word }) => word)).toEqual(["red"]);
  expect(explanation.tokenRoom).toBe(77);
  for (const { cells } of words) {
    expect(cells).toBeGreaterThan(0);
    expect(cells).toBeLessThanOrEqual(latents!.height * latents!.width);
  }
  expect(await sharp(at("steps.webp"), { pages: -1 }).metadata()).toMatchObject({ pages: 2, pageHeight: 64 });
});

it("leaves nothing behind where it is stopped", async () => {
  const others = process.listenerCount("SIGTERM");
  const running = runHere(["explain", "a cat", "--steps", "8", "-q", "-o", at("stopped.html")]);
  while (process.listenerCount("SIGTERM") === others) await pause(5);
  process.listeners("SIGTERM").at(-1)!("SIGTERM");
  expect(await running).toMatchObject({ code: 130, stdout: "" });
  expect((await readdir(folder)).filter((name) => name.startsWith("stopped"))).toEqual([]);
});

it("does not replace a file, and says what it needs", async () => {
  await writeFile(at("there.html"), "");
  const there = await runHere(["explain", "a cat", "-o", at("there.html")]);
  expect([there.code, there.stderr]).toEqual([1, expect.stringMatching(/already there\. .*--force/)]);
  const ending = await runHere(["explain", "a cat", "-o", at("page.txt")]);
  expect([ending.code, ending.stderr]).toEqual([2, expect.stringMatching(/\.html or \.json/)]);
  await writeFile(at("plain.png"), "no picture");
  const plain = await runHere(["explain", at("plain.png")]);
  expect([plain.code, plain.stderr]).toEqual([1, expect.stringContaining("plain.png")]);
});

it("keeps what a prompt contains out of the page's code", async () => {
  const { code } = await runHere(["explain", "a cat", ...small, "-o", at("plain.json")]);
  expect(code).toBe(0);
  const prompt = "</script><script>alert(1)</script> & <b>cat</b>";
  const html = await makeExplanationPage({ ...(await readJson("plain.json")), prompt });
  expect(html).not.toContain("<script>alert(1)");
  expect(html).toContain("<title>Inside: &lt;/script&gt;");
});
