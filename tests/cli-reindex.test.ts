// `nishiki reindex` as a process of its own.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { encodePng } from "../src/image/index.js";
import { openDatabase } from "../src/server/database/index.js";
import { runCli } from "./support/run-cli.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-reindex-"));
  await mkdir(join(folder, "images/mine"), { recursive: true });
  const image = { width: 2, height: 2, channels: 3 as const, data: new Uint8Array(12) };
  const text = { parameters: "a cat\nSteps: 4, Seed: 1, Size: 2x2" };
  await writeFile(join(folder, "images/mine/cat.png"), encodePng(image, { text }));
  await writeFile(join(folder, "images/mine/broken.png"), "no image");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("reads all files, and names those that are no images", async () => {
  const { code, stdout, stderr } = await runCli(["reindex", "--folder", folder]);
  expect([code, stdout]).toEqual([0, `1 image in ${folder}\n`]);
  expect(stderr).toBe("Left out: images/mine/broken.png is damaged or not an image.\n");
  const { lines } = await runCli(["reindex", "--folder", folder, "--json"]);
  expect(JSON.parse(lines[0]!)).toEqual({ folder, images: 1, unreadable: ["images/mine/broken.png"] });
});

it("refuses a folder that a server uses, and one that is no library", async () => {
  const database = await openDatabase({ folder });
  try {
    const { code, stderr } = await runCli(["reindex", "--folder", folder]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/A Nishiki server already uses this folder/);
  } finally {
    await database.close();
  }
  const { code, stderr } = await runCli(["reindex", "--folder", join(folder, "images")]);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/There is no library in .*: it has no folder "images"/);
});
