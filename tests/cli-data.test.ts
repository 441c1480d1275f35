// nishiki data: sprites are built, scenes and a user's own folder are looked at.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { vocabulary } from "../src/data/index.js";
import { decodePng, encodePng } from "../src/image/index.js";
import { runHere } from "./support/run-here.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-data-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** An image of one colour. */
function plain(red: number): Uint8Array {
  return encodePng({ width: 64, height: 64, channels: 3, data: new Uint8Array(64 * 64 * 3).fill(red) });
}

describe("nishiki data", () => {
  it("builds sprites, and refuses a sheet of nothing", async () => {
    const sprites = join(folder, "sprites");
    const built = await runHere(["data", "build", "-o", sprites, "--things", "cat,apple", "--size", "64"]);
    expect(built).toMatchObject({ code: 0, lines: [sprites] });
    expect(built.stderr).toMatch(/^\d+ sprites, /);
    const sheet = join(folder, "scenes.png");
    const options = ["--sprites", sprites, "--count", "0", "-o", sheet];
    const refused = await runHere(["data", "preview", ...options]);
    expect(refused).toMatchObject({
      code: 2,
      stderr: "count: expected a whole number from 1 to 1000, got 0.\n",
    });
    const config = join(folder, "config.json");
    const data = { scenes: { sprites, mix: { things: ["cat", "apple"], styles: { flat: 1 } } } };
    const schedule = { steps: 100, learningRate: 0.001 };
    await writeFile(config, JSON.stringify({ kind: "autoencoder", folder: "runs/x", data, schedule }));
    const shown = await runHere(["data", "preview", "--config", config, "--count", "2", "-o", sheet]);
    expect(shown).toMatchObject({ code: 0, lines: [sheet] });
    const both = await runHere(["data", "preview", folder, "--config", config, "-o", sheet, "--force"]);
    expect(both.code).toBe(2);
    expect(both.stderr).toMatch(/^A folder and --config were both given/);
  });

  it("previews a folder of captioned pictures, and lists what cannot be used", async () => {
    const own = join(folder, "own");
    await mkdir(own);
    for (const name of ["a", "b", "c"]) {
      await writeFile(join(own, `${name}.png`), plain(name.charCodeAt(0)));
      await writeFile(join(own, `${name}.txt`), `picture ${name}`);
    }
    await writeFile(join(own, "broken.png"), "no picture");
    await writeFile(join(own, "broken.txt"), "broken");
    await writeFile(join(own, "mute.png"), plain(1));
    const sheet = join(folder, "own.png");
    const seen = await runHere(["data", "preview", own, "-o", sheet]);
    expect(seen).toMatchObject({ code: 0, lines: [sheet] });
    expect(seen.stderr).toMatch(
      /^2 of the folder's files cannot be used:\n {2}broken\.png: .*\n {2}mute\.png: /,
    );
    expect(decodePng(await readFile(sheet)).width).toBeGreaterThan(3 * 64);
    const again = await runHere(["data", "preview", own, "-o", sheet]);
    expect(again).toMatchObject({ code: 1, stdout: "" });
    expect(again.stderr).toContain("is already there.");
  });

  it("lists the things that a config may name", async () => {
    const { code, lines } = await runHere(["data", "list"]);
    expect([code, lines]).toEqual([0, vocabulary.map(({ name }) => name)]);
    expect(JSON.parse((await runHere(["data", "list", "--json"])).stdout)).toEqual(lines);
  });

  it.each([
    [["data"], 2, "Expected one of its commands. See: nishiki --help\n"],
    [["data", "biuld"], 2, "Unknown command 'biuld' (Did you mean build?) See: nishiki --help\n"],
    [
      ["data", "preview", "--count", "x"],
      2,
      "Option '-c, --count <number>' argument 'x' is invalid. Expected a whole number from 0. See: nishiki --help\n",
    ],
    [
      ["data", "preview", "-o", "sheet.jpg"],
      2,
      'output: expected a file that ends in .png, got "sheet.jpg".\n',
    ],
  ])("%j is told in one sentence", async (args, code, stderr) => {
    expect(await runHere(args)).toEqual({ code, stderr, stdout: "", lines: [] });
  });

  it("says how to get sprites where there are none", async () => {
    const { code, stderr } = await runHere([
      "data",
      "preview",
      "--sprites",
      join(folder, "none"),
      "-o",
      join(folder, "x.png"),
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/nishiki data build/);
    expect(stderr.trimEnd()).not.toContain("\n");
  });
});
