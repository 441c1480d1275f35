// From one picture to the next on the command line, with a tiny model.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { decodePng, encodePng } from "../src/image/index.js";
import { parseReceipt } from "../src/pipeline/index.js";
import { runHere } from "./support/run-here.js";
import { writeTinyModel } from "./support/tiny-model.js";

// Minutes, because a machine may be busy with training; on an idle one it is seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
let model: string;
let picture: string;

const run = (...args: readonly string[]) =>
  runHere([...args, "--model", model, "--threads", "1", "--device", "cpu", "-q"]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-actions-"));
  model = await writeTinyModel(join(folder, "model"));
  picture = join(folder, "fox.png");
  const { code, stderr } = await run("draw", "a red fox", "--seed", "3", "--steps", "2", "-o", picture);
  expect([code, stderr]).toEqual([0, ""]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function requestOf(path: string) {
  const { text } = decodePng(await readFile(path));
  return parseReceipt(text.nishiki!).request;
}

it("varies a picture, a region of it, and draws around it, with receipts that name it", async () => {
  const varied = await run("vary", picture, "--count", "2");
  expect(varied).toMatchObject({ code: 0, lines: [expect.any(String), expect.any(String)] });
  expect(await requestOf(varied.lines[0]!)).toMatchObject({
    seed: 3,
    steps: 2,
    variation: { strength: 0.15 },
  });
  const mask = join(folder, "mask.png");
  const data = new Uint8Array(256 * 256 * 3).fill(255, 0, 256 * 128 * 3);
  await writeFile(mask, encodePng({ width: 256, height: 256, channels: 3, data }, {}));
  const region = join(folder, "region.png");
  await run("vary", picture, "--region", mask, "--count", "1", "--prompt", "a hat", "-o", region);
  expect(await requestOf(region)).toMatchObject({
    prompt: "a hat",
    init: { image: { name: "fox.png" } },
    inpaint: { mask: { name: "mask.png" } },
  });
  const zoomed = join(folder, "zoomed.png");
  const { stderr } = await run("zoom", picture, "-o", zoomed, "--seed", "9");
  expect(stderr).toMatch(/becomes smaller/);
  expect(await requestOf(zoomed)).toMatchObject({ seed: 9, inpaint: { extend: { left: 64, top: 64 } } });
  const verified = await runHere(["verify", zoomed, "--model", model, "--device", "cpu"]);
  expect(verified.stdout).toMatch(/identical/);
});

it("remixes and pans, takes other settings, and refuses what makes no sense", async () => {
  const remixed = join(folder, "remixed.png");
  await run("remix", picture, "a", "wolf", "--guidance", "2", "-o", remixed);
  expect(await requestOf(remixed)).toMatchObject({ prompt: "a wolf", seed: 3, guidance: 2 });
  const panned = join(folder, "panned.png");
  await run("pan", picture, "--to", "right", "--strength", "0.9", "-o", panned);
  expect(await requestOf(panned)).toMatchObject({
    init: { strength: 0.9 },
    inpaint: { extend: { right: 85 } },
  });
  for (const [args, reason] of [
    [["vary", picture, "--subtle", "--strong"], /exclude each other/],
    [["vary", picture, "--strength", "0.5"], /not drawn from itself/],
    [["zoom", picture, "--factor", "9"], /factor above 1, up to 4/],
    [["pan", picture, "--to", "north"], /left, right, up, down/],
    [["upscale", picture, "--factor", "3"], /3 times as large/],
    [["blend", picture, picture], /no embeddings of images/],
    [["vary", join(folder, "mask.png")], /no receipt/],
  ] as const) {
    const { code, stderr } = await run(...args);
    expect([code === 0, stderr]).toEqual([false, expect.stringMatching(reason)]);
  }
});

it("describes any image with the embedded model's classifier", async () => {
  const { code, stdout } = await runHere([
    "describe",
    picture,
    "--json",
    "--device",
    "cpu",
    "--threads",
    "1",
  ]);
  expect(code).toBe(0);
  const { prompt, answers } = JSON.parse(stdout) as { prompt: string; answers: Record<string, unknown[]> };
  expect(prompt).toMatch(/^an? /);
  expect(Object.keys(answers)).toContain("background");
});
