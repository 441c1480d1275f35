// What the command line says when something is wrong: one sentence, the right exit code, no stack trace.
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { flipBit } from "./support/flip-bit.js";
import { runCli } from "./support/run-cli.js";
import { runHere } from "./support/run-here.js";
import { writeTinyModel } from "./support/tiny-model.js";

// Minutes, because a machine may be busy with training; on an idle one it is seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-errors-"));
  await writeTinyModel(join(folder, "model"));
  await writeFile(join(folder, "file.txt"), "a text");
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a command that must fail with one sentence, or one for each fault of a file, and gives them. */
async function complaint(args: readonly string[], code: 1 | 2): Promise<string> {
  const result = await runHere(args.map((arg) => arg.replaceAll("{}", folder)));
  expect(result).toMatchObject({ code, stdout: "" });
  expect(result.stderr).toMatch(/^([^\n]+[.?]\n)+$|^[^\n]+See: nishiki --help\n$/);
  expect(result.stderr).not.toMatch(/^\s+at |node:internal|\.js:\d/m);
  return result.stderr.trimEnd().replaceAll(folder, "{}");
}

describe("wrong use exits with 2", () => {
  it.each<[string, readonly string[], RegExp]>([
    ["an empty prompt", [""], /^prompt: expected text that is not empty, got ""\.$/],
    ["a blank prompt", ["generate", " \t"], /^prompt: expected text that is not empty, got " \\t"\.$/],
    [
      "a strength alone",
      ["cat", "--strength", "0.5"],
      /^--image: expected the path of an image, got nothing\.$/,
    ],
    ["no prompt", ["--seed", "1"], /^Missing required argument 'prompt'\. See: nishiki --help$/],
    [
      "an unknown sampler",
      ["a cat", "--sampler", "magic"],
      /^sampler: unknown sampler "magic"\. Choose one of: euler, .*\.$/,
    ],
    [
      "an impossible size",
      ["a cat", "--size", "640x640"],
      /^size: this model only draws 256x256, 512x512, 1024x1024 pixels, got 640x640\.$/,
    ],
    [
      "no size at all",
      ["a cat", "--size", "big"],
      /^size: expected width x height in pixels, such as 512x512, got "big"\.$/,
    ],
    [
      "NaN guidance",
      ["a cat", "--guidance", "NaN"],
      /^guidance: expected a number from 0 to 100, got NaN\.$/,
    ],
    [
      "guidance in words",
      ["a cat", "--guidance", "much"],
      /^guidance: expected a number from 0 to 100, got "much"\.$/,
    ],
    [
      "a negative seed",
      ["a cat", "--seed", "-1"],
      /^seed: expected a whole number from 0 to 9007199254740991 .*, got -1\.$/,
    ],
    ["half a seed", ["a cat", "--seed", "1.5"], /^seed: .*, got 1\.5\.$/],
    ["no pictures", ["a cat", "--count", "0"], /^count: expected a whole number from 1 to 10000, got 0\.$/],
    [
      "too many steps",
      ["a cat", "--steps", "1001"],
      /^steps: expected a whole number from 1 to 1000, got 1001\.$/,
    ],
    [
      "an unknown device",
      ["a cat", "--device", "gpu"],
      /^device: expected one of auto, cpu, .*, got "gpu"\.$/,
    ],
    ["no threads", ["a cat", "--threads", "0"], /^threads: expected a whole number from 1/],
    [
      "an unknown option",
      ["a cat", "--stpes", "4"],
      /^Unknown option '--stpes' \(Did you mean --steps\?\) See: nishiki --help$/,
    ],
    [
      "an option without its value",
      ["a cat", "--seed"],
      /^Option '-s, --seed <number>' argument missing\. See/,
    ],
    [
      "another kind of file",
      ["a cat", "--output", "cat.jpg"],
      /^output: pictures are written as PNG; .*, got "cat\.jpg"\.$/,
    ],
    ["an empty output", ["a cat", "--output", ""], /^output: expected a file that ends in \.png or a folder/],
    ["verify without a file", ["verify"], /^Missing required argument 'file'\. See: nishiki --help$/],
  ])("%s", async (_name, args, sentence) => {
    const at = args[0] === "generate" ? 1 : 0;
    const withModel = args[0] === "verify" ? args : args.toSpliced(at, 0, "--model", "{}/model");
    expect(await complaint(withModel, 2)).toMatch(sentence);
  });
});

describe("failure exits with 1", () => {
  it.each<[string, readonly string[], RegExp]>([
    [
      "a model that is not there",
      ["a cat", "--model", "{}/gone"],
      /^There is no model at \{\}\/gone: expected a folder with a model\.json or a model_index\.json, or a \.safetensors file\.$/,
    ],
    ["a folder in place of a file", ["verify", "{}/model"], /^Cannot read \{\}\/model: it is a folder\.$/],
    [
      "a picture that is not there",
      ["verify", "{}/gone.png"],
      /^Cannot read \{\}\/gone\.png: there is no such file or folder\.$/,
    ],
    [
      "no PNG",
      ["verify", "{}/file.txt"],
      /^\{\}\/\S+ is not a readable PNG file: it does not begin like one\.$/,
    ],
    [
      "nothing known",
      ["info", "{}/file.txt"],
      /^\{\}\/file\.txt is neither a picture \(PNG, .*\) nor a model/,
    ],
    [
      "a file in the way of a folder",
      ["a cat", "--model", "{}/model", "-o", "{}/file.txt/pictures"],
      /^Cannot write into \{\}\/file\.txt\/pictures: a part of that path is a file, not a folder\.$/,
    ],
    [
      "a file in place of a folder",
      ["a cat", "--model", "{}/model", "-o", "{}/file.txt"],
      /^Cannot write into \{\}\/file\.txt: a part of that path is a file, not a folder\.$/,
    ],
  ])("%s", async (_name, args, sentence) => {
    expect(await complaint(args, 1)).toMatch(sentence);
  });

  it.skipIf(process.platform !== "linux")("a folder that nobody can write", async () => {
    expect(await complaint(["a cat", "--model", "{}/model", "-o", "/proc/pictures"], 1)).toMatch(
      /^Cannot write into \/proc\/pictures: /,
    );
  });
});

describe("damaged models are refused before anything is drawn", () => {
  async function damaged(name: string, damage: (model: string) => Promise<void>): Promise<string> {
    const model = join(folder, name);
    await cp(join(folder, "model"), model, { recursive: true });
    await damage(model);
    const sentence = await complaint(["a cat", "--model", model, "--output", `{}/${name}-pictures`], 1);
    expect(await readdir(join(folder, `${name}-pictures`)).catch(() => [])).toEqual([]);
    return sentence;
  }
  const withoutHashes = async (model: string) => {
    const path = join(model, "model.json");
    await writeFile(path, (await readFile(path, "utf8")).replaceAll(/,\s*"sha256": "[0-9a-f]+"/g, ""));
  };

  it("a flipped bit", async () => {
    const sentence = await damaged("flipped", (model) => flipBit(join(model, "denoiser.safetensors"), -1));
    expect(sentence).toMatch(
      /denoiser\.safetensors cannot be used: its SHA-256 differs from the one in model\.json/,
    );
  });

  it("a truncated file, also where model.json has no hashes", async () => {
    const cut = (model: string) => truncate(join(model, "autoencoder.safetensors"), 9000);
    expect(await damaged("cut", cut)).toMatch(/autoencoder\.safetensors cannot be used/);
    const both = async (model: string) => {
      await withoutHashes(model);
      await cut(model);
    };
    expect(await damaged("cut-bare", both)).toMatch(/autoencoder\.safetensors/);
  });

  it("weights of another network", async () => {
    const swap = async (model: string) => {
      await withoutHashes(model);
      await cp(join(model, "autoencoder.safetensors"), join(model, "denoiser.safetensors"));
    };
    expect(await damaged("swapped", swap)).toMatch(
      /denoiser\.safetensors does not hold the network "unet": \d+ of \d+ parameters are missing: /,
    );
  });

  it.each<[string, (json: string) => string, RegExp]>([
    ["no JSON", () => "{", /model\.json cannot be used: it is not valid JSON\.$/],
    [
      "a missing field",
      (json) => json.replace('"licence"', '"license"'),
      /licence: expected (a )?text that is not empty, got nothing\.$/,
    ],
    [
      "a file elsewhere",
      (json) => json.replace('"tokenizer.json"', '"../tokenizer.json"'),
      /tokenizer: expected the name of a file in the model's folder/,
    ],
    [
      "a later layout",
      (json) => json.replace('"format": 1', '"format": 2'),
      /format: expected 1, the layout that this version reads, got 2\.$/,
    ],
    [
      "an unknown architecture",
      (json) => json.replace('"unet"', '"vit"'),
      /Unknown architecture "vit"\. .*Choose one of: unet, dit\.$/,
    ],
    ["an unknown size", (json) => json.replace('"headWidth"', '"headwidth"'), /unknown field "headwidth"/],
    [
      "too few means",
      (json) => json.replace(/"mean": \[\s*0,/, '"mean": ['),
      /latents\.mean: expected a list of 4 numbers/,
    ],
  ])("a manifest with %s", async (name, change, sentence) => {
    const edit = async (model: string) => {
      const path = join(model, "model.json");
      const before = await readFile(path, "utf8");
      const after = change(before);
      expect(after).not.toBe(before);
      await writeFile(path, after);
    };
    expect(await damaged(name.replaceAll(" ", "-"), edit)).toMatch(sentence);
  });
});

describe("as a process", () => {
  it("exits with 2 and one sentence for wrong use", async () => {
    const result = await runCli(["a cat", "--model", "model", "--guidance", "NaN"], { cwd: folder });
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toBe("guidance: expected a number from 0 to 100, got NaN.\n");
  });

  it("exits with 1 and one sentence for damaged weights", async () => {
    const result = await runCli(["a cat", "--model", "flipped"], { cwd: folder });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(/^[^\n]+denoiser\.safetensors cannot be used: [^\n]+\.\n$/);
  });

  it("adds where an error comes from for --debug", async () => {
    const { code, stderr } = await runCli(["a cat", "--model", "gone", "--debug"], { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^There is no model at gone.*\n.*\n {4}at /);
  });
});

describe("help", () => {
  it("is printed for no arguments, and shows options and examples", async () => {
    for (const args of [[], ["--help"], ["help"]]) {
      const { code, stdout, stderr } = await runHere(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      for (const part of ["Usage: nishiki", "--seed <number>", "--output <path>", "verify", "Examples:"])
        expect(stdout).toContain(part);
    }
  });

  it("is refused for what is no command", async () => {
    expect(await complaint(["help", "foo"], 2)).toBe('There is no command "foo". See: nishiki --help');
  });

  it("gives the version", async () => {
    const { version } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));
    expect(await runHere(["--version"])).toMatchObject({ code: 0, lines: [version] });
  });
});
