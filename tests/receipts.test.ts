// Receipts: what they say of files that were loaded, those of format 1, and how `nishiki verify` finds everything again.
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { decodePng, encodePng } from "../src/image/index.js";
import { completeLoadOptions, parseReceipt, type Receipt } from "../src/pipeline/index.js";
import { restoreLoad } from "../src/pipeline/node.js";
import { runHere } from "./support/run-here.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const golden = (name: string) => fileURLToPath(new URL(`./golden/${name}`, import.meta.url));
const sd1 = golden("pipelines/sd1");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-receipts-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const receiptIn = async (file: string) => parseReceipt(decodePng(await readFile(file)).text.nishiki!);

/** An empty folder of the test's own, with copies of golden files. */
async function folderWith(name: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  for (const [to, from] of Object.entries(files)) await cp(golden(from), join(path, to), { recursive: true });
  return path;
}

describe("a receipt of format 1", () => {
  it("is read as groups of settings and as data about what was loaded", async () => {
    const { request, load, model, format } = parseReceipt(
      await readFile(golden("receipts/all.json"), "utf8"),
    );
    expect(format).toBe(1);
    expect(request).toEqual({
      prompt: "a <toy-cat> cat",
      negativePrompt: "",
      seed: 5,
      count: 1,
      steps: 2,
      guidance: 7.5,
      guidanceRescale: 0.5,
      guidanceInterval: [0, 0.5],
      sampler: "euler-ancestral",
      size: { width: 128, height: 64 },
      schedule: "karras",
      rng: "nishiki",
      init: {
        image: expect.objectContaining({ name: "drawn-from.png", width: 64, height: 64 }),
        strength: 1,
      },
      inpaint: {
        mask: expect.objectContaining({ name: "drawn-in.png" }),
        extend: { left: 64, right: 0, top: 0, bottom: 0 },
        pasteBack: false,
      },
      variation: { seed: 11, strength: 0.25 },
      deepCache: { interval: 2 },
      seamless: true,
    });
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect(load).toEqual({
      loras: [
        { file: "kohya.safetensors", sha256: hash, weight: 0.8 },
        { file: "diffusers.safetensors", sha256: hash, weight: -0.25 },
      ],
      embeddings: [{ file: "toy-cat.safetensors", sha256: hash }],
      precision: "int8",
      prediction: "v_prediction",
    });
    expect(Object.keys(model.weights)).toEqual([
      "unet/config.json",
      "unet/diffusion_pytorch_model.safetensors",
      "text_encoder/config.json",
      "text_encoder/model.safetensors",
      "tokenizer/vocab.json",
      "tokenizer/merges.txt",
      "scheduler/scheduler_config.json",
      "vae/config.json",
      "vae/diffusion_pytorch_model.safetensors",
    ]);
  });

  it("of the embedded model is read", async () => {
    const { request, load } = parseReceipt(await readFile(golden("receipts/embedded.json"), "utf8"));
    expect(request).toMatchObject({ prompt: "a blue cat", seed: 7, fast: true });
    expect(load).toEqual({});
  });

  // Processors round differently, so that pixels of another machine may differ a little; without the files they differ widely.
  it.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    ["lora", { "kohya.safetensors": "lora/kohya.safetensors" }, []],
    [
      "load",
      {
        "kohya.safetensors": "lora/kohya.safetensors",
        "diffusers.safetensors": "lora/diffusers.safetensors",
        "toy-cat.safetensors": "receipts/toy-cat.safetensors",
      },
      ["--vae", golden("pipelines/xl/vae")],
    ],
  ])("verifies: %s.png", async (name, files, options) => {
    const path = await folderWith(`old-${name}`, { ...files, "picture.png": `receipts/${name}.png` });
    const args = ["verify", join(path, "picture.png"), "--model", sd1, ...options, "--json"];
    const { stdout, stderr } = await runHere(args);
    expect(stderr).toBe("");
    const { edited, maxDifference, changes } = JSON.parse(stdout);
    expect(edited).toBe(false);
    expect(changes.join("\n")).not.toMatch(/SHA-256|LoRA|embedding|VAE|precision|prediction/);
    // Kernels of another processor sum in another order: a colour near the middle of two levels may round to the other.
    // Two such flips would need errors of half a level, thousands of times the rounding of float32.
    expect(maxDifference).toBeLessThanOrEqual(2);
  });
});

describe("a picture drawn with LoRAs, an embedding, a VAE, int8 and another prediction", () => {
  const files = {
    "kohya.safetensors": "lora/kohya.safetensors",
    "diffusers.safetensors": "lora/diffusers.safetensors",
    "toy-cat.safetensors": "receipts/toy-cat.safetensors",
    "other-vae": "pipelines/xl/vae",
  };
  let path: string;
  let image: string;
  beforeAll(async () => {
    path = await folderWith("drawn", files);
    image = join(path, "cat.png");
    const at = (name: string) => join(path, name);
    const { code, stderr } = await runHere([
      ...["draw", "a <toy-cat> cat", "--seed", "5", "--steps", "2", "--model", sd1, "-o", image, "-q"],
      ...[
        "--lora",
        `${at("kohya.safetensors")}:0.8`,
        "--lora",
        `file=${at("diffusers.safetensors")},weight=-0.5`,
      ],
      ...["--embedding", at("toy-cat.safetensors"), "--vae", at("other-vae")],
      ...["--precision", "int8", "--prediction", "v_prediction"],
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("has them as data in its receipt, and plain names of files", async () => {
    const { format, load, model } = await receiptIn(image);
    expect(format).toBe(2);
    expect(load).toMatchObject({
      loras: [
        { file: "kohya.safetensors", weight: 0.8 },
        { file: "diffusers.safetensors", weight: -0.5 },
      ],
      embeddings: [{ file: "toy-cat.safetensors" }],
      vae: { file: "other-vae" },
      precision: "int8",
      prediction: "v_prediction",
    });
    for (const name of Object.keys(model.weights)) expect(name).toMatch(/^[\w./]+$/);
  });

  it("is verified without naming any of them", async () => {
    const result = await runHere(["verify", image, "--model", sd1]);
    expect(result).toMatchObject({ code: 0, stdout: `${image}: identical.\n`, stderr: "" });
  });

  it("is verified with files that lie elsewhere under other names, known by their content", async () => {
    const away = await folderWith("away");
    await rename(join(path, "kohya.safetensors"), join(away, "renamed.safetensors"));
    await rename(join(path, "other-vae"), join(away, "vae"));
    try {
      const missing = await runHere(["verify", image, "--model", sd1]);
      expect(missing).toMatchObject({ code: 1, stdout: "" });
      expect(missing.stderr).toMatch(
        /^Cannot find files that the image was drawn with: the LoRA "kohya\.safetensors" \(SHA-256 \w{12}…; name its path with --lora\), the VAE "other-vae" \(SHA-256 \w{12}…; name its path with --vae\)\. Searched .*\.\n$/,
      );
      const told = ["--lora", join(away, "renamed.safetensors"), "--vae", join(away, "vae")];
      const found = await runHere(["verify", image, "--model", sd1, ...told]);
      expect(found).toMatchObject({ code: 0, stdout: `${image}: identical.\n` });
    } finally {
      await rename(join(away, "renamed.safetensors"), join(path, "kohya.safetensors"));
      await rename(join(away, "vae"), join(path, "other-vae"));
    }
  });

  it("is told apart from one with another file of the same name", async () => {
    const other = await folderWith("other", { "kohya.safetensors": "lora/trained.safetensors" });
    await rm(join(other, "kohya.safetensors"));
    await cp(golden("lora/diffusers.safetensors"), join(other, "kohya.safetensors"));
    await rename(join(path, "kohya.safetensors"), join(path, "kept"));
    try {
      const args = ["verify", image, "--model", sd1, "--lora", join(other, "kohya.safetensors")];
      const { code, stdout } = await runHere(args);
      expect(code).toBe(3);
      expect(stdout).toMatch(
        / {2}LoRA 1: was kohya\.safetensors, SHA-256 \w+, weight 0\.8, is kohya\.safetensors, /,
      );
    } finally {
      await rename(join(path, "kept"), join(path, "kohya.safetensors"));
    }
  });
});

describe("what a receipt names", () => {
  it("is found in the hub's cache, the model too", async () => {
    const cache = await folderWith("hub");
    const snapshot = async (repository: string, files: Readonly<Record<string, string>>) => {
      const root = join(cache, `models--${repository.replace("/", "--")}`);
      await mkdir(join(root, "refs"), { recursive: true });
      await writeFile(join(root, "refs/main"), "abc");
      await mkdir(join(root, "snapshots/abc/weights"), { recursive: true });
      for (const [to, from] of Object.entries(files))
        await cp(golden(from), join(root, "snapshots/abc", to), { recursive: true });
      return join(root, "snapshots/abc");
    };
    const model = await snapshot("org/sd", { ".": "pipelines/sd1" });
    const loras = await snapshot("some/lora", { "weights/kohya.safetensors": "lora/kohya.safetensors" });
    const { load } = await receiptIn(golden("receipts/lora.png"));
    const options = completeLoadOptions({ device: "cpu" });
    const empty = await folderWith("empty");
    const restored = await restoreLoad({ load: { ...load, model: "org/sd", base: "org/sd" } }, options, {
      folders: [empty],
      cache,
    });
    expect(restored).toEqual({
      device: "cpu",
      model,
      base: model,
      lora: [{ file: join(loras, "weights/kohya.safetensors"), weight: 0.8 }],
    });
    const damaged = { loras: [{ ...load.loras![0]!, sha256: "0".repeat(64) }] };
    await expect(restoreLoad({ load: damaged }, options, { folders: [empty], cache })).rejects.toMatchObject({
      code: "file",
    });
  });

  it("is a model that --model names, where the embedded one cannot draw it", async () => {
    const plain = await folderWith("plain");
    const image = join(plain, "cat.png");
    const args = ["draw", "a cat", "--steps", "1", "--clip-skip", "1", "--model", sd1, "-q", "-o", image];
    expect(await runHere(args)).toMatchObject({ code: 0 });
    const wrong = await runHere(["verify", image]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(
      /^The image was drawn by sd1 published, and \S+ \S+ cannot draw it: choose its model with --model\.\n/,
    );
  });
});

describe("a receipt that names files elsewhere", () => {
  it.each(["../secret.png", "/etc/passwd", "..\\..\\secret.png", "..", ""])(
    "opens no path: %j",
    async (name) => {
      const path = await folderWith(`named-${encodeURIComponent(name)}`, {
        "from.png": "pipelines/picture.png",
      });
      const [drawn, from] = [join(path, "cat.png"), join(path, "from.png")];
      const args = [
        "draw",
        "a cat",
        "--seed",
        "1",
        "--steps",
        "2",
        "--model",
        sd1,
        "-i",
        from,
        "-o",
        drawn,
        "-q",
      ];
      expect(await runHere(args)).toMatchObject({ code: 0 });
      await cp(from, join(folder, "secret.png"));
      const { text, ...pixels } = decodePng(await readFile(drawn));
      const receipt = JSON.parse(text.nishiki!) as Receipt;
      const image = { ...receipt.request.init!.image, name };
      const request = { ...receipt.request, init: { ...receipt.request.init, image } };
      const changed = { ...text, nishiki: JSON.stringify({ ...receipt, request }) };
      await writeFile(drawn, encodePng(pixels, { text: changed }));
      const { code, stderr } = await runHere(["verify", drawn, "--model", sd1]);
      const base = name.split(/[\\/]/).at(-1);
      if (base === "" || base === "..") {
        expect(code).toBe(2);
        expect(stderr).toMatch(
          /^init\.image: the image was drawn from .* of 64x64 pixels; provide it too\.\n$/,
        );
      } else {
        expect(code).toBe(1);
        expect(stderr).toContain(join(path, base!));
      }
      const told = await runHere(["verify", drawn, "--model", sd1, "--image", from]);
      expect(told).toMatchObject({ code: 0, stdout: `${drawn}: identical.\n` });
    },
  );
});
