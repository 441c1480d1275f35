// The command line draws: files, names, output, Ctrl-C, no network. Whatever draws runs the built program.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { decodePng } from "../src/image/index.js";
import { runCli } from "./support/run-cli.js";
import { runHere } from "./support/run-here.js";
import { writeTinyModel } from "./support/tiny-model.js";

// Minutes, because a machine may be busy with training; on an idle one it is seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
let model: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-cli-"));
  model = await writeTinyModel(join(folder, "model"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const draw = (args: readonly string[], options: Parameters<typeof runCli>[1] = {}) =>
  runCli([...args, "--model", model, "--steps", "2", "--threads", "1"], { cwd: folder, ...options });

const textOf = async (path: string) => decodePng(await readFile(path)).text;

describe("nishiki PROMPT", () => {
  it("names files after prompt and seed, and takes the next free number", async () => {
    const first = await draw(["Blue cat, in a  wood!", "--seed", "0", "--output", "named"]);
    expect(first.stderr).toMatch(/^Drawing: seed 0, 2 steps, [\d.]+ s\n$/);
    expect(first).toMatchObject({ code: 0, lines: [join("named", "blue-cat-in-a-wood-0.png")] });
    const second = await draw(["Blue", "cat,", "in a wood", "--seed", "0", "--output", "named", "--quiet"]);
    expect(second).toMatchObject({
      code: 0,
      lines: [join("named", "blue-cat-in-a-wood-0-2.png")],
      stderr: "",
    });
    const both = await Promise.all(
      ["blue-cat-in-a-wood-0.png", "blue-cat-in-a-wood-0-2.png"].map((name) =>
        textOf(join(folder, "named", name)),
      ),
    );
    expect(both[0]!.parameters).toContain("Blue cat, in a  wood!");
    expect(both[1]!.parameters).toContain("Blue cat, in a wood");
    expect(await readdir(join(folder, "named"))).toHaveLength(2);
  });

  it("reads parameters and permutations of the prompt; options win over them", async () => {
    const { code, stderr, lines } = await draw([
      "a {red, blue} cat --seed 3 --no dog --relax",
      "-o",
      "asked",
    ]);
    expect([code, lines]).toEqual([0, [join("asked", "a-red-cat-3.png"), join("asked", "a-blue-cat-3.png")]]);
    expect(stderr).toMatch(/braces in the prompt make 2 prompts/);
    expect(stderr).toMatch(/--relax belongs to Midjourney's service/);
    const receipt = JSON.parse((await textOf(join(folder, lines[1]!))).nishiki!) as { request: object };
    expect(receipt.request).toMatchObject({ prompt: "a blue cat", negativePrompt: "dog", seed: 3 });
    const option = await draw(["a cat --seed 3", "--seed", "4", "-o", "asked"]);
    expect(option.lines).toEqual([join("asked", "a-cat-4.png")]);
    const refused = await draw(["a cat --v 7", "-o", "asked"]);
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/--v 7: that model is Midjourney's, and not here\. .*--model/),
    ]);
    const prose = await draw(["a cat -- asleep --", "--seed", "1", "-o", "asked"]);
    expect(prose.lines).toEqual([join("asked", "a-cat-asleep-1.png")]);
  });

  it("draws four and a sheet of them with --grid; single images share one", async () => {
    const output = join(folder, "sheets");
    const common = ["--model", model, "--steps", "2", "--threads", "1", "--grid", "--output", output];
    const { code, stdout } = await runHere(["a cat", "--seed", "3", ...common]);
    const names = [3, 4, 5, 6].map((seed) => join(output, `a-cat-${seed}.png`));
    const sheetName = join(output, "a-cat-3-grid.png");
    expect([code, stdout]).toEqual([0, [...names, sheetName, ""].join("\n")]);
    const sheet = decodePng(await readFile(sheetName));
    const last = decodePng(await readFile(names[3]!));
    const { width } = last;
    expect([sheet.width, sheet.height]).toEqual([2 * width + 24, 2 * width + 24]);
    const at = ((width + 16) * sheet.width + width + 16) * 3;
    expect(sheet.data.subarray(at, at + 3 * width)).toEqual(last.data.subarray(0, 3 * width));
    const shared = await runHere(["a {red, blue} cat --seed 1", "--count", "1", "--json", ...common]);
    expect(JSON.parse(shared.stdout.trimEnd().split("\n").at(-1)!)).toEqual({
      kind: "grid",
      file: join(output, "a-red-cat-1-grid.png"),
      images: ["red", "blue"].map((colour) => join(output, `a-${colour}-cat-1.png`)),
    });
    const many = await runHere(["a cat", "--count", "101", ...common]);
    expect([many.code, many.stderr]).toEqual([2, expect.stringMatching(/at most 100 images/)]);
  });

  it("draws the seed itself when none is given, and prints it", async () => {
    const { stderr, lines } = await draw(["a cat", "-o", "drawn"]);
    const seed = /seed (\d+),/.exec(stderr)?.[1];
    expect(lines).toEqual([join("drawn", `a-cat-${seed}.png`)]);
    expect(JSON.parse((await textOf(join(folder, lines[0]!))).nishiki!).request.seed).toBe(Number(seed));
  });

  it("prints a line of JSON for each picture", async () => {
    const { lines } = await draw([
      "a cat",
      "--count",
      "2",
      "--seed",
      "7",
      "--json",
      "-q",
      "-o",
      "json/pair.png",
    ]);
    const found = lines.map((line) => JSON.parse(line));
    expect(found[0]).toMatchObject({ kind: "model", device: "cpu", model: { name: "tiny" }, load: {} });
    expect(Object.keys(found[0].model.weights)).toContain("denoiser.safetensors");
    expect(found.slice(1)).toMatchObject([
      {
        kind: "image",
        file: "json/pair-1.png",
        seed: 7,
        width: 256,
        height: 256,
        request: { seed: 7, count: 1 },
      },
      { file: "json/pair-2.png", seed: 8 },
    ]);
    expect(await readdir(join(folder, "json"))).toEqual(["pair-1.png", "pair-2.png"]);
  });

  it("reads the prompt from standard input, and writes the PNG to standard output", async () => {
    const args = ["-", "--seed", "3", "--model", model, "--steps", "2", "-q", "-o"];
    const filed = await runCli([...args, "filed.png"], { cwd: folder, input: "a red  cat\n" });
    expect(filed).toMatchObject({ code: 0, lines: ["filed.png"] });
    let png = Buffer.alloc(0);
    const printed = await runCli([...args, "-"], {
      cwd: folder,
      input: "a red  cat\n",
      during: (child) => {
        child.stdout?.removeAllListeners("data").setEncoding("latin1");
        child.stdout?.on("data", (text: string) => {
          png = Buffer.concat([png, Buffer.from(text, "latin1")]);
        });
      },
    });
    expect(printed).toMatchObject({ code: 0, stderr: "" });
    expect(png.equals(await readFile(join(folder, "filed.png")))).toBe(true);
    expect((await textOf(join(folder, "filed.png"))).parameters).toMatch(/^a red {2}cat\n/);
    const empty = await runCli(args.slice(0, -1), { cwd: folder, input: " \n" });
    expect(empty).toMatchObject({
      code: 2,
      stderr: "prompt: expected a text on standard input, got nothing.\n",
    });
    const binary = await runCli(args.slice(0, -1), { cwd: folder, input: "a\0cat" });
    expect(binary).toMatchObject({ code: 2, stderr: expect.stringContaining("standard input holds NUL") });
  });

  it.each([
    [["-o", "-", "--count", "2"], "--output -: expected one picture for standard output, got --count 2.\n"],
    [["-o", "-", "--json"], "--output -: expected no --json, since the picture itself is printed.\n"],
    [["--width", "512"], "There is no option --width here; use --size WIDTHxHEIGHT.\n"],
    [["--height"], "There is no option --height here; use --size WIDTHxHEIGHT.\n"],
    [["--cfg", "7"], "There is no option --cfg here; use --guidance.\n"],
    [["--batch", "4"], "There is no option --batch here; use --count.\n"],
  ])("refuses %j with what is meant", async (args, stderr) => {
    expect(await runHere(["a cat", ...args, "--model", model])).toMatchObject({
      code: 2,
      stdout: "",
      stderr,
    });
  });

  it("writes previews, and never over a file that was there", async () => {
    const holiday = join(folder, "holiday.png");
    await writeFile(holiday, "precious");
    const args = ["a cat", "-o", "previewed.png", "--preview", holiday];
    const refused = await draw(args);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toBe(
      `--preview: ${holiday} is already there. Choose another name, or add --force to replace it.\n`,
    );
    expect(await readFile(holiday, "utf8")).toBe("precious");
    expect(await draw([...args, "--force"])).toMatchObject({ code: 0 });
    expect(decodePng(await readFile(holiday))).toMatchObject({ width: 256, height: 256, text: {} });
    expect(await draw(["a cat", "-o", "p2.png", "--preview", "new/soon.png"])).toMatchObject({ code: 0 });
    expect(decodePng(await readFile(join(folder, "new/soon.png")))).toMatchObject({ width: 256 });
  });

  it("prints warnings as JSON where results are JSON", async () => {
    const { lines, stderr } = await draw(["a cat --relax", "--json", "-q", "-o", "warned.png"]);
    expect(stderr).toBe("");
    expect(lines.map((line) => JSON.parse(line).kind)).toEqual(["warning", "model", "image"]);
    expect(JSON.parse(lines[0]!).message).toMatch(/^--relax belongs to Midjourney's service/);
  });

  it("names the limit of seeds, and the seed that is the same to PyTorch's CPU generator", async () => {
    const { code, stderr } = await runHere(["a cat", "--seed", "18446744073709551615", "--model", model]);
    expect(code).toBe(2);
    expect(stderr).toBe(
      'seed: expected a whole number from 0 to 9007199254740991 (2^53 − 1), got "18446744073709551615". ' +
        "PyTorch's CPU generator only reads the low 32 bits: with rng torch-cpu, 4294967295 is the same seed.\n",
    );
  });

  it("replaces a file only when forced", async () => {
    const path = join(folder, "mine.png");
    await writeFile(path, "precious");
    const refused = await draw(["a cat", "--output", path]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toBe(
      `${path} is already there. Choose another name, or add --force to replace it.\n`,
    );
    expect(await readFile(path, "utf8")).toBe("precious");
    expect(await draw(["a cat", "--output", path, "--force"])).toMatchObject({ code: 0, lines: [path] });
    expect((await textOf(path)).parameters).toContain("a cat");
  });

  it("reports the words that the model does not read", async () => {
    const { code, stderr } = await draw([`${"cat ".repeat(22)}dog`, "-o", "long.png"]);
    expect(code).toBe(0);
    expect(stderr).toContain("The prompt exceeds the model's limit of 24 tokens; ignored: dog\n");
  });

  it("ends quietly when nobody reads its output", async () => {
    const closed = await draw(["a cat", "--count", "3", "-o", "unread"], {
      during: (child) => child.stdout?.destroy(),
    });
    expect(closed.code).toBe(0);
    expect(closed.stderr).not.toMatch(/EPIPE|at /);
  });
});

describe("Ctrl-C", () => {
  it("stops within one step, keeps what is finished, and exits with 130", async () => {
    const args = ["a cat", "--count", "500", "--output", "stopped"];
    const stopped = await draw(args, {
      during: (child) => child.stdout?.once("data", () => child.kill("SIGINT")),
    });
    expect(stopped.code).toBe(130);
    expect(stopped.lines.length).toBeGreaterThanOrEqual(1);
    expect(stopped.lines.length).toBeLessThan(100);
    expect(stopped.stderr).toContain(`Stopped; ${stopped.lines.length} of 500 pictures are finished.\n`);
    const files = await readdir(join(folder, "stopped"));
    expect(files.map((name) => join("stopped", name)).sort()).toEqual([...stopped.lines].sort());
    for (const name of files) decodePng(await readFile(join(folder, "stopped", name)));
  });
});

describe("the network", () => {
  const recorder = fileURLToPath(new URL("./support/record-network.cjs", import.meta.url));
  const watched = (log: string) => ({ NODE_OPTIONS: `--require ${recorder}`, NETWORK_LOG: log });

  it("is not used for drawing: no socket is opened, no name is looked up", async () => {
    const log = join(folder, "network.log");
    await writeFile(log, "");
    const { code, lines } = await draw(["a cat", "-o", "offline.png"], { env: watched(log) });
    expect(code).toBe(0);
    expect(lines).toHaveLength(1);
    expect(await readFile(log, "utf8")).toBe("");
  });

  it.each([
    ["fetch", "await fetch('http://127.0.0.1:9')"],
    ["Socket.connect", "const { Socket } = await import('node:net'); new Socket().connect(9, '127.0.0.1')"],
    ["lookup", "const dns = await import('node:dns'); dns.lookup('localhost', () => {})"],
    [
      "fetch",
      `import { Worker } from 'node:worker_threads'; new Worker("fetch('http://127.0.0.1:9')", { eval: true })`,
    ],
  ])("would be noticed: %s in %s", async (what, code) => {
    const log = join(folder, "control.log");
    await writeFile(log, "");
    const entry = join(folder, "control.mjs");
    await writeFile(entry, code);
    await runCli([], { entry, env: watched(log) });
    expect(await readFile(log, "utf8")).toContain(`${what}\n`);
  });
});
