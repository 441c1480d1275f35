// What reaches the terminal, and what happens where output cannot be written; and commands that are mistyped.
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { writePng } from "../src/image/node.js";
import { cliPath, runCli } from "./support/run-cli.js";
import { runHere } from "./support/run-here.js";
import { withSmallDisk } from "./support/small-disk.js";
import { writeTinyModel } from "./support/tiny-model.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-terminal-"));
  await writeTinyModel(join(folder, "model"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("a mistyped command", () => {
  it.each<[string, readonly string[]]>([
    ["train", ["trian", "config.json"]],
    ["train", ["Train", "config.json"]],
    ["train", ["trin", "--pictures", "folder", "--lora", "x.safetensors"]],
    ["verify", ["verfy", "cat.png"]],
    ["info", ["inof", "cat.png", "--json"]],
    ["models", ["model"]],
    ["pull", ["pul", "org/name"]],
    ["evaluate", ["evalute"]],
    ["evaluate", ["eval"]],
    ["evaluate", ["evalute", "my-modle"]],
    ["data", ["dta", "build"]],
    ["--version", ["version"]],
    ["--help", ["words"]],
  ])("%s is suggested for %j, and nothing is drawn", async (command, args) => {
    const { code, stdout, stderr } = await runHere(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`There is no command "${args[0]}". Did you mean nishiki ${command}`);
    expect(stderr).toContain(`nishiki draw ${args[0]}`);
  });

  it.each([
    [["rain"]],
    [["cat"]],
    [["Chain"]],
    [["model", "of", "a", "ship"]],
    [["rain", "forest"]],
    [["show", "cat"]],
    [["Dara", "Smith"]],
    [["trian", "at", "a", "station"]],
  ])("%j is a prompt", async (args) => {
    // Refused for its size, which is looked at only where it is drawn.
    const { code, stderr } = await runHere([...args, "--model", join(folder, "model"), "--size", "1x1"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^size: /);
  });

  it.each([["draw"], ["generate"]])("%s draws whatever its words are", async (command) => {
    const args = [command, "version", "--model", join(folder, "model"), "--size", "1x1"];
    expect((await runHere(args)).stderr).toMatch(/^size: /);
  });
});

describe("the help of all commands", () => {
  it("is short, begins with the commands and says where the options of drawing are", async () => {
    const { stdout } = await runHere(["--help"]);
    expect(stdout.split("\n").length).toBeLessThan(60);
    expect(stdout.indexOf("verify")).toBeLessThan(stdout.indexOf("--seed"));
    expect(stdout).toContain("nishiki draw --help");
    expect((await runHere(["draw", "--help"])).stdout).toContain("--guidance-rescale");
  });
});

describe("foreign text on the terminal", () => {
  const hostile = "cat\u001b]0;owned\u0007\u001b[2J\u009b31m\u202egnp.exe\r";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not come.
  const sent = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/;

  it("is shown, not sent, by info, in text and in JSON", async () => {
    const file = join(folder, "hostile.png");
    const text = { parameters: `${hostile}\nSteps: 20, Sampler: ${hostile}, Seed: 1` };
    await writePng(file, { width: 1, height: 1, channels: 3, data: new Uint8Array(3) }, { text });
    const shown = await runHere(["info", file]);
    expect(shown).toMatchObject({ code: 0, stderr: "" });
    expect(shown.stdout).not.toMatch(sent);
    expect(shown.stdout).toContain("cat\\u001b]0;owned\\u0007");
    const json = await runHere(["info", file, "--json"]);
    expect(json.stdout).not.toMatch(sent);
    expect(JSON.parse(json.stdout).parts[0].values.prompt).toContain("\u001b[2J\u009b31m\u202egnp");
  });

  it.each([
    ["a prompt", () => ["draw", "cat", "--sampler", hostile]],
    ["a path", () => ["info", join(folder, hostile)]],
    ["an option", () => ["cat", `--${hostile}`]],
    ["a name in model.json", () => ["draw", "cat", "--model", join(folder, "named")]],
    ["a model in a list", () => ["models", join(folder, "named"), join(folder, hostile)]],
  ])("is shown, not sent, by errors: %s", async (_name, args) => {
    await mkdir(join(folder, "named"), { recursive: true });
    await writeFile(join(folder, "named", "model.json"), JSON.stringify({ format: hostile, [hostile]: 1 }));
    const { stdout, stderr } = await runHere(args());
    expect(stdout + stderr).not.toMatch(sent);
    expect(stdout + stderr).toMatch(/\\u00|\\r/);
  });
});

describe("output that cannot be written", () => {
  /** Runs a command with standard output into a file that is open already. */
  function runInto(path: string, args: readonly string[]): Promise<{ code: number | null; stderr: string }> {
    const output = openSync(path, "w");
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [cliPath, ...args], {
        cwd: folder,
        stdio: ["ignore", output, "pipe"],
      });
      closeSync(output);
      let stderr = "";
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
      });
      child.on("error", reject).on("close", (code) => resolve({ code, stderr }));
    });
  }

  it.skipIf(!existsSync("/dev/full")).each<[string, readonly string[]]>([
    ["help", ["--help"]],
    ["version", ["--version"]],
    ["info", ["info", "model"]],
    ["models", ["models", "--json"]],
  ])("%s into a full disk says so in one sentence", async (_name, args) => {
    const { code, stderr } = await runInto("/dev/full", args);
    expect(stderr).toBe("Cannot write to standard output: the disk is full.\n");
    expect(code).toBe(1);
  });

  it.skipIf(!existsSync("/dev/full"))("a picture stays, and no unfinished file does", async () => {
    const args = ["draw", "cat", "--model", "model", "--count", "3", "--seed", "1", "-o", "full", "-q"];
    const { code, stderr } = await runInto("/dev/full", args);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "Cannot write to standard output: the disk is full.\n",
    });
    expect(await readdir(join(folder, "full"))).toEqual(["cat-1.png"]);
  });

  it("a full disk under the pictures: one sentence, nothing left", async ({ skip }) => {
    await withSmallDisk(skip, "size=8k", async (disk) => {
      for (const output of [disk, join(disk, "cat.png"), join(disk, "sub", "cat.png")]) {
        const args = ["draw", "cat", "--model", "model", "--seed", "1", "--output", output, "--quiet"];
        const result = await runCli(args, { cwd: folder });
        expect(result).toMatchObject({ code: 1, stdout: "" });
        expect(result.stderr).toMatch(/^Cannot write [^\n]*cat[^\n]*: the disk is full[^\n]*\n$/);
      }
      expect(await readdir(disk, { recursive: true })).toEqual(["sub"]);
    });
  });

  it.skipIf(process.getuid?.() === 0)("a folder without rights: one sentence", async () => {
    const output = join(folder, "locked");
    await mkdir(output, { mode: 0o500 });
    const args = ["draw", "cat", "--model", "model", "--output", output];
    expect(await runCli(args, { cwd: folder })).toMatchObject({
      code: 1,
      stdout: "",
      stderr: `Cannot write into ${output}: permission is denied.\n`,
    });
  });

  it("ends quietly when nobody reads standard output or the errors", async () => {
    const closed = await runCli(["info", "model"], {
      cwd: folder,
      during: (child) => child.stdout?.destroy(),
    });
    expect({ code: closed.code, stderr: closed.stderr }).toEqual({ code: 0, stderr: "" });
    const unheard = await runCli(["info", "gone"], {
      cwd: folder,
      during: (child) => child.stderr?.destroy(),
    });
    expect(unheard.code).toBe(1);
  });
});
