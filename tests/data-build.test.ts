// A folder of sprites is what it was or what it becomes, whatever happens while it is built; and where it cannot be built.
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { buildSprites, loadSprites, readSpriteIndex } from "../src/data/index.js";
import { runCli } from "./support/run-cli.js";
import { withSmallDisk } from "./support/small-disk.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const execute = promisify(execFile);
const child = fileURLToPath(new URL("data/build-child.mjs", import.meta.url));
const small = ["data", "build", "--things", "cat,comb", "--sets", "3d,flat", "--size", "32", "--quiet"];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-build-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const build = (output: string, size: number) =>
  buildSprites({ output, things: ["cat", "comb"], sets: ["3d", "flat"], size });

describe("a build over a good folder", () => {
  it.each([1, 2, 3, 4])("killed at drawing %i of 4 leaves the old sprites whole", async (drawing) => {
    const output = join(folder, `killed-${drawing}`);
    await build(output, 40);
    const before = await loadSprites(output);
    await expect(execute(process.execPath, [child, output, "64", String(drawing)])).rejects.toMatchObject({
      signal: "SIGKILL",
    });
    const after = await loadSprites(output);
    expect(after.shared.index).toEqual(before.shared.index);
    expect(after.get("comb", "flat").rgba).toEqual(before.get("comb", "flat").rgba);
    await build(output, 64);
    expect((await loadSprites(output)).shared.index.size).toBe(64);
    expect((await readdir(output)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("takes away the old files, and only them", async () => {
    const output = join(folder, "replaced");
    await build(output, 40);
    await writeFile(join(output, "notes.rgba"), "mine");
    await build(output, 64);
    const { sets } = await readSpriteIndex(output);
    const expected = ["notes.rgba", "sprites.json", ...sets.map(({ file }) => file)];
    expect((await readdir(output)).sort()).toEqual(expected.sort());
  });

  it("gives the same index for the same drawings", async () => {
    const [one, two] = [join(folder, "one"), join(folder, "two")];
    await build(one, 40);
    await build(two, 40);
    await build(two, 40);
    expect(await readFile(join(two, "sprites.json"))).toEqual(await readFile(join(one, "sprites.json")));
  });

  it("cancelled leaves the old sprites and nothing else", async () => {
    const output = join(folder, "cancelled");
    await build(output, 40);
    const before = (await readdir(output)).sort();
    const stop = new AbortController();
    const onProgress = (done: number) => void (done === 3 && stop.abort());
    const options = { output, things: ["cat", "comb"], sets: ["3d", "flat"] as const, size: 64, onProgress };
    await expect(buildSprites({ ...options, signal: stop.signal })).rejects.toMatchObject({
      code: "aborted",
    });
    expect((await readdir(output)).sort()).toEqual(before);
  });
});

describe("a folder that is mixed or made up", () => {
  it("is refused where a set's pixels are another build's", async () => {
    const [one, two] = [join(folder, "mix-one"), join(folder, "mix-two")];
    await buildSprites({ output: one, things: ["cat"], sets: ["flat"], size: 40 });
    await buildSprites({ output: two, things: ["dog"], sets: ["flat"], size: 40 });
    const file = async (output: string) => join(output, (await readSpriteIndex(output)).sets[0]!.file);
    const bytes = await readFile(await file(one));
    const other = await readFile(await file(two));
    await writeFile(await file(one), Buffer.concat([other, bytes]).subarray(0, bytes.length));
    await expect(loadSprites(one)).rejects.toMatchObject({
      code: "data",
      message: expect.stringMatching(/does not match the hash in the index\. Build the sprites again\.$/),
    });
    await copyFile(join(two, "sprites.json"), join(one, "sprites.json"));
    await expect(loadSprites(one)).rejects.toMatchObject({ code: "file" });
  });

  it.each([
    ["a file elsewhere", (text: string) => text.replace(/"flat-[0-9a-f]+\.rgba"/, '"../flat.rgba"')],
    ["a negative offset", (text: string) => text.replace('"offset":0', '"offset":-4')],
    ["an endless sprite", (text: string) => text.replace(/"width":\d+/, '"width":1e15')],
    ["no list", () => '{"version":1,"size":40,"sets":{},"sprites":[]}'],
    ["no object", () => "null"],
  ])("is refused for %s", async (_name, change) => {
    const output = await mkdtemp(join(folder, "made-up-"));
    await buildSprites({ output, things: ["cat"], sets: ["flat"], size: 40 });
    const path = join(output, "sprites.json");
    const text = await readFile(path, "utf8");
    await writeFile(path, change(text));
    expect(await readFile(path, "utf8")).not.toBe(text);
    await expect(loadSprites(output)).rejects.toMatchObject({ code: "data" });
  });
});

describe("a folder that cannot be written", () => {
  it.skipIf(process.platform !== "linux")("in /proc ends at once with one sentence", async () => {
    const result = await runCli([...small, "--output", "/proc/nope"]);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(/^Cannot write into \/proc\/nope: [^\n]+\.\n$/);
  });

  it("that is a file is told", async () => {
    const path = join(folder, "file");
    await writeFile(path, "text");
    for (const output of [path, join(path, "inside")]) {
      const result = await runCli([...small, "--output", output]);
      expect(result.code).toBe(1);
      expect(result.stderr).toMatch(
        /^Cannot write into .*: a part of that path is a file, not a folder\.\n$/,
      );
    }
  });

  it("because the disk is full: one sentence, nothing left, the old sprites whole", async ({ skip }) => {
    await withSmallDisk(skip, "size=64k", async (disk) => {
      const output = join(disk, "sprites");
      await buildSprites({ output, things: ["cat"], sets: ["flat"], size: 16 });
      const before = (await readdir(output)).sort();
      const result = await runCli([...small.with(5, "3d"), "--size", "300", "--output", output]);
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toMatch(/^Cannot write [^\n]*: the disk is full[^\n]*\n$/);
      expect((await readdir(output)).sort()).toEqual(before);
      expect((await loadSprites(output)).things).toEqual(["cat"]);
    });
  });

  it("because the disk is read-only: one sentence", async ({ skip }) => {
    await withSmallDisk(skip, "size=64k,ro", async (disk) => {
      const result = await runCli([...small, "--output", join(disk, "sprites")]);
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toMatch(/^Cannot write into [^\n]*: the disk is read-only\.\n$/);
    });
  });
});
