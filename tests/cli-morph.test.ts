// nishiki morph: a strip and a film, with a tiny Stable Diffusion model.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { runHere } from "./support/run-here.js";

vi.setConfig({ testTimeout: 300_000 });

const model = fileURLToPath(new URL("./golden/pipelines/sd1", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-morph-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (...args: readonly string[]) =>
  runHere(["morph", ...args, "--model", model, "--threads", "1", "--steps", "2", "--quiet"]);

it("draws the way between two prompts and two seeds", async () => {
  const name = join(folder, "way");
  const args = ["a cat", "a red car", "--seed", "3", "--to-seed", "8", "--frames", "3", "-o", name];
  const { code, lines, stderr } = await run(...args);
  expect({ code, lines, stderr }).toEqual({
    code: 0,
    lines: [`${name}-strip.webp`, `${name}-film.webp`],
    stderr: "",
  });
  expect(await sharp(`${name}-strip.webp`).metadata()).toMatchObject({ width: 3 * 64, height: 64 });
  expect(await sharp(`${name}-film.webp`, { pages: -1 }).metadata()).toMatchObject({
    pages: 4,
    pageHeight: 64,
  });
  expect(await run(...args)).toMatchObject({ code: 1, stderr: expect.stringContaining("--force") });
});

it("says what is missing where both ends are the same", async () => {
  const { code, stderr } = await run("a cat", "--seed", "3");
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: "morph: both ends are the same. Give a second prompt, or another seed with --to-seed.\n",
  });
});
