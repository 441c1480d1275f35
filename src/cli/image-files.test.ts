import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nameOf, prepareImageFiles } from "./image-files.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-files-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const png = Uint8Array.of(1, 2, 3);

describe("a prompt as a file name", () => {
  it.each([
    ["blue cat against a sunset background", "blue-cat-against-a-sunset-background"],
    ["  Comb, GREEN!  ", "comb-green"],
    ["../../etc/passwd", "etc-passwd"],
    ["東京の猫 café", "東京の猫-café"],
    ["🐱 !?", "picture"],
    ["word ".repeat(30), "word-word-word-word-word-word-word-word-word-word-word-word"],
    ["x".repeat(300), "x".repeat(60)],
  ])("%j is %s", (prompt, name) => {
    expect(nameOf(prompt)).toBe(name);
  });

  it("is always a name that every system takes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (prompt) => {
        const name = nameOf(prompt);
        expect(name).toMatch(/^[\p{L}\p{M}\p{N}-]{1,60}$/u);
      }),
    );
  });
});

describe("picture files", () => {
  it("take the next free number", async () => {
    const files = await prepareImageFiles({ output: join(folder, "a/b"), prompt: "a cat", count: 3 });
    for (const expected of ["a-cat-7.png", "a-cat-7-2.png", "a-cat-7-3.png"])
      expect(await files.write(0, 7, png)).toBe(join(folder, "a/b", expected));
    expect(await readdir(join(folder, "a/b"))).toHaveLength(3);
  });

  it("never share a name, even when written at once", async () => {
    const one = await prepareImageFiles({ output: folder, prompt: "a cat", count: 1 });
    const paths = await Promise.all(Array.from({ length: 8 }, () => one.write(0, 1, png)));
    expect(new Set(paths).size).toBe(8);
    expect(await readdir(folder)).toHaveLength(8);
  });

  it("are replaced only when forced", async () => {
    const output = join(folder, "cat.png");
    await writeFile(output, "mine");
    const options = { output, prompt: "a cat", count: 1 };
    await expect(prepareImageFiles(options)).rejects.toMatchObject({ code: "file" });
    const files = await prepareImageFiles({ ...options, force: true });
    await files.write(0, 1, png);
    expect(new Uint8Array(await readFile(output))).toEqual(png);
  });

  it("are not replaced when the name is taken while drawing", async () => {
    const output = join(folder, "cat.png");
    const files = await prepareImageFiles({ output, prompt: "a cat", count: 1 });
    await writeFile(output, "mine");
    await expect(files.write(0, 1, png)).rejects.toMatchObject({ code: "file" });
    expect(await readFile(output, "utf8")).toBe("mine");
  });

  it("are numbered where one name is to hold several", async () => {
    const files = await prepareImageFiles({ output: join(folder, "cat.png"), prompt: "a cat", count: 2 });
    expect(await files.write(0, 1, png)).toBe(join(folder, "cat-1.png"));
    expect(await files.write(1, 2, png)).toBe(join(folder, "cat-2.png"));
  });
});
