import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import sharp from "sharp";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Thumbnails } from "./thumbnails.js";

let folder: string;
let thumbnails: Thumbnails;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-thumbnails-"));
  thumbnails = new Thumbnails(join(folder, "cache"));
});
afterEach(async () => {
  thumbnails.close();
  await rm(folder, { recursive: true, force: true });
});

const id = (index: number) => String(index).padStart(64, "0");

async function writeImage(name: string, side: number): Promise<string> {
  const path = join(folder, name);
  const create = { width: side, height: side, channels: 3 as const, background: "#f00" };
  await writeFile(path, await sharp({ create }).png().toBuffer());
  return path;
}

it("survives the end of its process, whenever that comes", async () => {
  const path = await writeImage("large.png", 3000);
  const first = [1, 2, 3].map((index) => thumbnails.make(id(index), path));
  await pause(50);
  process.kill(thumbnails.pid!, "SIGKILL");
  expect(await Promise.all(first)).toEqual(["#ff0000", "#ff0000", "#ff0000"]);
  process.kill(thumbnails.pid!, "SIGKILL");
  expect(await thumbnails.make(id(4), path)).toBe("#ff0000");
  expect((await sharp(await thumbnails.read(id(4))).metadata()).width).toBe(512);
});

it("asks another process also while the end of the last one is not yet known", async () => {
  const path = await writeImage("small.png", 8);
  for (let i = 0; i < 40; i++) {
    await thumbnails.make(id(2 * i), path);
    process.kill(thumbnails.pid!, "SIGKILL");
    const until = performance.now() + (i % 10) * 0.6;
    while (performance.now() < until); // the process ends meanwhile, and this one cannot hear of it
    expect(await thumbnails.make(id(2 * i + 1), path)).toBe("#ff0000");
  }
}, 60_000);

it("gives up an image that ends the process twice, and goes on with others", async () => {
  const path = await writeImage("large.png", 3000);
  const making = thumbnails.make(id(1), path);
  const failure = making.catch((error: Error) => error);
  for (let kills = 0; kills < 2; ) {
    const before = thumbnails.pid;
    if (before !== undefined) {
      process.kill(before, "SIGKILL");
      kills++;
      while (thumbnails.pid === before) await pause(1);
    }
    await pause(1);
  }
  expect(String(await failure)).toMatch(/the process that decodes images ended/);
  expect(await thumbnails.make(id(2), await writeImage("small.png", 8))).toBe("#ff0000");
});

it("ends with the library, and does nothing afterwards", async () => {
  await thumbnails.make(id(1), await writeImage("small.png", 8));
  const pid = thumbnails.pid!;
  thumbnails.close();
  while (isRunning(pid)) await pause(10);
  await expect(thumbnails.make(id(2), join(folder, "small.png"))).rejects.toThrow(/closed/);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
