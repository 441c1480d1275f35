import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDrawings } from "./drawings.js";
import {
  type BuildSpritesReport,
  buildSprites,
  commonThings,
  composeScene,
  loadSprites,
  readSpriteIndex,
  SceneDrawer,
  type SpriteIndex,
  sceneMix,
  spriteSets,
} from "./index.js";
import { spriteSetNamed } from "./sprite-sets.js";

const things = ["cat", "comb", "keyboard", "giraffe"];
let folder: string;
let report: BuildSpritesReport;
const progress: [number, number][] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-sprites-"));
  report = await buildSprites({
    output: folder,
    things,
    sets: ["3d", "flat", "doodle"],
    size: 80,
    onProgress: (done, total) => progress.push([done, total]),
  });
});

afterAll(() => rm(folder, { recursive: true }));

describe("buildSprites", () => {
  it("renders trimmed drawings and records where they come from", async () => {
    const index = JSON.parse(await readFile(join(folder, "sprites.json"), "utf8")) as SpriteIndex;
    expect(index.sets.map(({ name, licence }) => [name, licence])).toEqual([
      ["3d", "MIT"],
      ["flat", "MIT"],
      ["doodle", "Apache-2.0"],
    ]);
    for (const set of index.sets) expect(set.packageVersion).toMatch(/^\d+\.\d+\.\d+/);
    expect(progress.at(-1)).toEqual([12, 12]);
    for (const { width, height } of index.sprites) expect(Math.max(width, height)).toBe(80);
    const sprites = await loadSprites(folder);
    const keyboard = sprites.get("keyboard", "3d");
    expect(keyboard.width).toBeGreaterThan(keyboard.height * 1.2);
    const opaque = keyboard.rgba.filter((value, at) => at % 4 === 3 && value > 200).length;
    expect(opaque / (keyboard.width * keyboard.height)).toBeGreaterThan(0.5);
  });

  it("lists the drawings that do not exist, and those that show something else", () => {
    expect(report.sprites).toBe(9);
    expect(report.missing).toEqual([
      { set: "doodle", thing: "comb" },
      { set: "doodle", thing: "keyboard" },
      { set: "doodle", thing: "giraffe" },
    ]);
  });

  it("has every common thing in both sets that a first model is trained on", () => {
    for (const set of ["3d", "flat"] as const) {
      const source = openDrawings(spriteSetNamed(set));
      expect(commonThings.filter((thing) => source(thing) === undefined)).toEqual([]);
    }
  });

  it("uses no share-alike set", () => {
    expect(spriteSets.filter((set) => /SA/.test(set.licence) || /openmoji/.test(set.packageName))).toEqual(
      [],
    );
  });

  it("refuses unknown names and sizes, and can be cancelled", async () => {
    const output = join(folder, "other");
    await expect(buildSprites({ output, things: ["catt"] })).rejects.toMatchObject({ code: "usage" });
    await expect(buildSprites({ output, size: 5000 })).rejects.toMatchObject({ code: "usage" });
    const signal = AbortSignal.abort();
    await expect(buildSprites({ output, things, signal })).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("loadSprites", () => {
  it("loads only the sets that are asked for, and draws scenes with them", async () => {
    const sprites = await loadSprites(folder, ["flat"]);
    expect([sprites.has("cat", "flat"), sprites.has("cat", "3d")]).toEqual([true, false]);
    const mix = sceneMix({ things, styles: { flat: 1, woodblock: 1 } });
    const scene = composeScene(0, 3, new SceneDrawer(sprites), mix);
    expect(scene.pixels).toHaveLength(256 * 256 * 3);
    expect(things).toContain(scene.content.things[0]!.name);
    expect(() => sprites.get("cat", "3d")).toThrow(/no sprite of "cat"/);
  });

  it("says what is wrong with a folder", async () => {
    await expect(loadSprites(join(folder, "none"))).rejects.toMatchObject({
      code: "file",
      message: /data build/,
    });
    await expect(loadSprites(folder, ["noto"])).rejects.toMatchObject({ code: "usage" });
    const broken = await mkdtemp(join(tmpdir(), "nishiki-broken-"));
    await buildSprites({ output: broken, things: ["cat"], sets: ["flat"], size: 16 });
    const { file } = (await readSpriteIndex(broken)).sets[0]!;
    await truncate(join(broken, file), 100);
    await expect(loadSprites(broken)).rejects.toMatchObject({ code: "data", message: /100 bytes/ });
    await writeFile(join(broken, "sprites.json"), "{");
    await expect(loadSprites(broken)).rejects.toMatchObject({ code: "data" });
    await rm(broken, { recursive: true });
  });
});
