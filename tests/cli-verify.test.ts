// nishiki verify and nishiki info on images of a tiny model and of other programs.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { decodePng, encodePng } from "../src/image/index.js";
import { runHere } from "./support/run-here.js";
import { writeTinyModel } from "./support/tiny-model.js";

// Minutes, because a machine may be busy with training; on an idle one it is seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;

/** Files and models are named by their place in the test's folder. */
const places = /^(cat|edited|old|changed|cut|painted|webui|plain)\.png$|^(model|other)(\/|$)/;
const run = async (...args: string[]) => {
  const result = await runHere(args.map((arg) => (places.test(arg) ? join(folder, arg) : arg)));
  return {
    ...result,
    stdout: result.stdout.replaceAll(`${folder}/`, ""),
    stderr: result.stderr.replaceAll(`${folder}/`, ""),
  };
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-verify-"));
  await writeTinyModel(join(folder, "model"));
  await writeTinyModel(join(folder, "other"), 2);
  const args = [
    "a cat",
    "--negative",
    "a dog",
    "--seed",
    "9",
    "--steps",
    "3",
    "--sampler",
    "Euler a",
    "-o",
    "cat.png",
  ];
  expect(await run(...args, "--model", "model", "--threads", "2")).toMatchObject({ code: 0 });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A copy of the image with other pixels or other texts. */
async function alter(
  name: string,
  change: (data: Uint8Array) => void,
  text?: Record<string, string>,
): Promise<string> {
  const image = decodePng(await readFile(join(folder, "cat.png")));
  const data = Uint8Array.from(image.data);
  change(data);
  const file = encodePng({ ...image, data }, { text: text ?? image.text });
  await writeFile(join(folder, name), file);
  return name;
}

describe("nishiki verify", () => {
  it("says identical for a picture that is as it was drawn, with any number of threads", async () => {
    for (const threads of ["1", "2"]) {
      const result = await run("verify", "cat.png", "--model", "model", "--threads", threads);
      expect(result).toMatchObject({ code: 0, stdout: "cat.png: identical.\n", stderr: "" });
    }
  });

  it("counts the pixels that were changed, and by how much", async () => {
    const name = await alter("edited.png", (data) => {
      data[0] = data[0]! < 128 ? data[0]! + 100 : data[0]! - 100;
      data[2]! ^= 1;
      data[3000]! ^= 1;
    });
    const { code, stdout } = await run("verify", name, "--model", "model");
    expect(code).toBe(3);
    expect(stdout).toBe(
      "edited.png: differs. 2 of 65536 pixels differ, by at most 100 of 255.\n" +
        "The pixels of the file were changed after it was drawn.\n",
    );
  });

  it("names weights that are not the picture's", async () => {
    const { code, lines } = await run("verify", "cat.png", "--model", "other", "--json");
    expect(code).toBe(3);
    const comparison = JSON.parse(lines[0]!);
    expect(comparison).toMatchObject({ identical: false, edited: false, totalPixels: 65536 });
    expect(comparison.differingPixels).toBeGreaterThan(1000);
    expect(comparison.changes.join("\n")).toMatch(
      /SHA-256 of denoiser\.safetensors: was [0-9a-f]{12}, is [0-9a-f]{12}/,
    );
    expect(comparison.changes.join("\n")).not.toContain("tokenizer.json");
  });

  it("names a version that is not the picture's", async () => {
    const { text } = decodePng(await readFile(join(folder, "cat.png")));
    const receipt = { ...JSON.parse(text.nishiki!), version: "0.0.1", platform: "plan9-mips" };
    const name = await alter("old.png", () => {}, { nishiki: JSON.stringify(receipt) });
    const { code, stdout } = await run("verify", name, "--model", "model");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^old\.png: identical\.\nNot as when it was drawn:\n {2}version: was 0\.0\.1, is /,
    );
    expect(stdout).toContain("  platform: was plan9-mips, is ");
  });

  it.each<[string, (receipt: Record<string, object>) => unknown, RegExp]>([
    [
      "no receipt",
      () => undefined,
      /^changed\.png has no receipt: only pictures that nishiki drew can be verified\.\n$/,
    ],
    ["no JSON", () => "{", /receipt cannot be read: it is not valid JSON\.\n$/],
    [
      "a setting missing",
      ({ request, ...rest }) => ({ ...rest, request: { ...request, steps: undefined } }),
      /request\.steps: expected a value, got nothing\.\n$/,
    ],
    [
      "a bad setting",
      ({ request, ...rest }) => ({ ...rest, request: { ...request, seed: -1 } }),
      /seed: expected a whole number from 0/,
    ],
    [
      "a later layout",
      (receipt) => ({ ...receipt, format: 3 }),
      /format: expected 1 or 2, the formats that this version reads, got 3\.\n$/,
    ],
  ])("refuses a picture with %s in one sentence", async (_name, change, sentence) => {
    const { text } = decodePng(await readFile(join(folder, "cat.png")));
    const receipt = change(JSON.parse(text.nishiki!));
    const texts: Record<string, string> = {};
    if (receipt !== undefined)
      texts.nishiki = typeof receipt === "string" ? receipt : JSON.stringify(receipt);
    await alter("changed.png", () => {}, texts);
    const result = await run("verify", "changed.png", "--model", "model");
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(sentence);
    expect(result.stderr.trimEnd()).not.toContain("\n");
  });

  it("refuses a picture that is cut off", async () => {
    await writeFile(join(folder, "cut.png"), (await readFile(join(folder, "cat.png"))).subarray(0, 5000));
    const result = await run("verify", "cut.png", "--model", "model");
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/truncated\.\n$/);
  });
});

describe("nishiki info", () => {
  it("tells how a picture was drawn, and whether it was changed since", async () => {
    const { code, stdout } = await run("info", "cat.png");
    expect(code).toBe(0);
    for (const part of ["a cat", "a dog", "euler-ancestral", "tiny 1", "as they were drawn"])
      expect(stdout).toContain(part);
    const edited = await alter("painted.png", (data) => data.fill(9, 0, 30));
    expect((await run("info", edited)).stdout).toContain("changed since they were drawn");
  });

  it("tells what other programs wrote", async () => {
    const parameters =
      "a red fox\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512";
    await alter("webui.png", () => {}, { parameters });
    const { stdout } = await run("info", "webui.png");
    expect(stdout).toMatch(/Made with stable-diffusion-webui/);
    for (const part of ["a red fox", "blurry", "Euler a", "512x512"]) expect(stdout).toContain(part);
    await alter("plain.png", () => {}, {});
    expect((await run("info", "plain.png")).stdout).toContain("none: it does not say how it was made");
  });

  it("explains a model folder and a weight file, as text and as JSON", async () => {
    const text = (await run("info", "model")).stdout;
    for (const part of ["model tiny 1", "MIT", "up to 24 tokens", "unet", "denoiser.safetensors", "f16"])
      expect(text).toContain(part);
    const { lines } = await run("info", join("model", "denoiser.safetensors"), "--json");
    const { values, parts } = JSON.parse(lines[0]!);
    expect(values.tensors).toMatch(/^\d+ \(\d+ f16\)$/);
    expect(parts.at(-1).values["velocity.weight"]).toMatch(/^f16 \[16, 3, 3, 16\], /);
  });
});
