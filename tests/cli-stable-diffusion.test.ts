// Stable Diffusion from the command line, on tiny folders with random weights: what is drawn, and what is said when it
// cannot be.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openSafetensors, writeSafetensors } from "../src/checkpoint/node.js";
import { decodePng, encodePng } from "../src/image/index.js";
import { readAutoencoder } from "../src/pipeline/families/stable-diffusion/autoencoder.js";
import { random } from "../src/random/index.js";
import { runCli } from "./support/run-cli.js";
import { runHere } from "./support/run-here.js";

// Minutes, because a machine may be busy with training; on an idle one it is seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const models = fileURLToPath(new URL("./golden/pipelines", import.meta.url));
const image = join(models, "picture.png");
const mask = join(models, "mask.png");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-sd-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = async (name: string, ...args: string[]) => {
  const model = name.startsWith("/") ? name : join(models, name);
  return runHere([...args, "--model", model, "--threads", "1"]);
};
const draw = (name: string, file: string, ...args: string[]) =>
  run(name, "the blue cat", "--seed", "3", "--steps", "3", "-o", join(folder, file), ...args);
const read = async (file: string) => decodePng(await readFile(join(folder, file)));

/** The one sentence of a refusal. */
async function complaint(name: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await draw(name, "never.png", ...args);
  expect({ code: code === 1 || code === 2, stdout }).toEqual({ code: true, stdout: "" });
  expect(stderr).toMatch(/^[^\n]+\.\n$/);
  return stderr.trimEnd();
}

describe("nishiki PROMPT --model FOLDER", () => {
  it("draws, tells how in the picture, and verifies it", async () => {
    const file = join(folder, "plain.png");
    expect(await draw("sd1", "plain.png", "--clip-skip", "1", "-n", "a red car")).toMatchObject({
      code: 0,
      lines: [file],
    });
    const { text, width, height } = await read("plain.png");
    expect([width, height]).toEqual([64, 64]);
    expect(text.parameters).toMatch(
      /^the blue cat\nNegative prompt: a red car\nSteps: 3, Sampler: PNDM, CFG scale: 7\.5, Seed: 3, Size: 64x64, Clip skip: 2, RNG: CPU, Model: sd1 published/,
    );
    expect(JSON.parse(text.nishiki!)).toMatchObject({
      request: { sampler: "pndm", rng: "torch-cpu", clipSkip: 1, guidance: 7.5 },
      model: {
        weights: { "unet/diffusion_pytorch_model.safetensors": expect.stringMatching(/^[0-9a-f]{64}$/) },
      },
    });
    expect(await run("sd1", "verify", file)).toMatchObject({ code: 0, stdout: `${file}: identical.\n` });
    expect(await runHere(["info", file])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("torch-cpu"),
    });
  });

  it("draws nearly the same with int8 weights, which are made once, and says so in the receipt", async () => {
    vi.stubEnv("NISHIKI_CACHE", join(folder, "cache"));
    await draw("sd1", "exact.png");
    for (const file of ["int8.png", "again.png"]) await draw("sd1", file, "--precision", "int8");
    vi.unstubAllEnvs();
    const [exact, rough, again] = [await read("exact.png"), await read("int8.png"), await read("again.png")];
    expect(again.data).toEqual(rough.data);
    const squares = Array.from(rough.data, (value, i) => (value - exact.data[i]!) ** 2);
    const noise = squares.reduce((a, b) => a + b) / squares.length;
    expect(noise).toBeGreaterThan(0);
    expect(noise).toBeLessThan(30); // more than 33 dB
    const { model, load } = JSON.parse(rough.text.nishiki!) as {
      model: { weights: Record<string, string> };
      load: object;
    };
    expect(load).toEqual({ precision: "int8" });
    expect(Object.keys(model.weights)).toContain("unet/diffusion_pytorch_model.safetensors");
  });

  it("draws with the deep features of the step before, says so, and verifies it", async () => {
    await draw("sd1", "all.png", "--sampler", "euler");
    await draw("sd1", "reused.png", "--sampler", "euler", "--reuse", "2");
    const [all, reused] = [await read("all.png"), await read("reused.png")];
    expect(reused.data).not.toEqual(all.data);
    expect(reused.text.parameters).toContain("Deep features every: 2");
    const file = join(folder, "reused.png");
    expect(await run("sd1", "verify", file)).toMatchObject({ code: 0, stdout: `${file}: identical.\n` });
    expect(await complaint("sd1", "--reuse", "1")).toContain(
      "--deep-cache: expected a whole number from 2 to 10",
    );
  });

  it("draws any size that the autoencoder has, the same with all networks in memory", async () => {
    await draw("xl", "wide.png", "--size", "120x72");
    await draw("xl", "small.png", "--size", "120x72", "--keep-loaded");
    const [a, b] = await Promise.all(["wide.png", "small.png"].map((name) => readFile(join(folder, name))));
    expect(decodePng(a!)).toMatchObject({ width: 120, height: 72 });
    expect(b!.equals(a!)).toBe(true);
    expect(await complaint("xl", "--keep-loaded", "--low-memory")).toContain("expected at most one of them");
  });

  it("draws from a picture, over a mask, and beyond its edges, and verifies with the picture beside it", async () => {
    await cp(image, join(folder, "picture.png"));
    await cp(mask, join(folder, "mask.png"));
    await draw("sd2-v", "from.png", "-i", image, "--strength", "0.7");
    await draw("inpaint", "over.png", "-i", image, "--mask", mask);
    await draw("sd1", "beyond.png", "-i", image, "--extend", "right=64,top=8");
    expect(await read("beyond.png")).toMatchObject({ width: 128, height: 72 });
    for (const [model, file] of [
      ["sd2-v", "from.png"],
      ["inpaint", "over.png"],
      ["sd1", "beyond.png"],
    ] as const) {
      const path = join(folder, file);
      expect(await run(model, "verify", path)).toMatchObject({ code: 0, stdout: `${path}: identical.\n` });
    }
  });

  it("says when a model for inpainting is given no mask", async () => {
    const notice =
      /^This is an inpainting model: its denoiser takes 9 channels, .* worse than a plain model\.$/m;
    expect((await draw("inpaint", "notice-whole.png")).stderr).toMatch(notice);
    expect((await draw("inpaint", "notice-from.png", "-i", image)).stderr).toMatch(notice);
    expect((await draw("inpaint", "notice-masked.png", "-i", image, "--mask", mask)).stderr).not.toMatch(
      notice,
    );
    expect((await draw("sd1", "notice-plain.png")).stderr).not.toMatch(notice);
  });

  it("says when a mask leaves nothing to draw", async () => {
    const black = join(folder, "black.png");
    await writeFile(
      black,
      encodePng({ width: 64, height: 64, channels: 3, data: new Uint8Array(64 * 64 * 3) }),
    );
    const { code, stderr } = await draw("sd1", "kept.png", "-i", image, "--mask", black);
    expect(code).toBe(0);
    expect(stderr).toContain(`The mask ${black} is entirely black: nothing is redrawn.\n`);
  });

  it("decodes with a tiny autoencoder in place of its own, and says which", async () => {
    const tiny = join(folder, "taesd");
    await mkdir(tiny);
    const sides = [8, 8, 8, 8];
    const config = {
      _class_name: "AutoencoderTiny",
      encoder_block_out_channels: sides,
      decoder_block_out_channels: sides,
    };
    const { traceDecoder, traceEncoder } = readAutoencoder(config);
    const parameters = [traceDecoder(), traceEncoder()].flatMap((program) => program.parameters);
    const tensors = parameters.map(({ name, shape }) => {
      const size = shape.reduce((product, side) => product * side, 1);
      const data = random(1, name)
        .normals(size)
        .map((value) => value / Math.sqrt(size / shape[0]!));
      return { name, dtype: "f32" as const, shape: [...shape], data };
    });
    await writeSafetensors(join(tiny, "diffusion_pytorch_model.safetensors"), tensors);
    await writeFile(join(tiny, "config.json"), JSON.stringify(config));
    const result = await draw("sd1", "tiny.png", "--vae", tiny, "-i", image);
    expect(result).toMatchObject({ code: 0, stderr: expect.stringMatching(/^Drawing/) });
    const receipt = JSON.parse((await read("tiny.png")).text.nishiki!);
    const own = JSON.parse((await read("plain.png")).text.nishiki!);
    const file = "vae/diffusion_pytorch_model.safetensors";
    expect(receipt.model.weights[file]).not.toBe(own.model.weights[file]);
    expect(await complaint("sd1", "--vae", join(models, "sd1/unet"))).toMatch(
      /unet holds a UNet2DConditionModel, expected an AutoencoderKL or AutoencoderTiny\.$/,
    );

    // For previews alone it changes nothing of the image.
    await draw("sd1", "plain-again.png");
    const shown = join(folder, "shown.png");
    await draw("sd1", "previewed.png", "--preview", shown, "--preview-vae", tiny);
    expect((await read("previewed.png")).data).toEqual((await read("plain-again.png")).data);
    const preview = await read("shown.png");
    const { width, height } = await read("previewed.png");
    expect(preview).toMatchObject({ width, height });
    expect(preview.data).not.toEqual((await read("previewed.png")).data);
    expect(await complaint("sd1", "--preview", "shown.jpg")).toContain("ends in .png");
    await writeFile(
      join(tiny, "config.json"),
      JSON.stringify({ ...config, decoder_block_out_channels: [8, 8] }),
    );
    expect(await complaint("sd1", "--preview-vae", tiny)).toMatch(/preview|config/);
  });

  it("takes another kind of prediction when told so", async () => {
    const hash = async (file: string, ...args: string[]) => {
      expect(await draw("sd1", file, ...args)).toMatchObject({ code: 0 });
      return JSON.parse((await read(file)).text.nishiki!).pixels;
    };
    const own = await hash("own.png");
    expect(await hash("epsilon.png", "--prediction", "epsilon")).toBe(own);
    expect(await hash("v.png", "--prediction", "v_prediction")).not.toBe(own);
  });

  it("takes few steps and no guidance for a model that was made for that", async () => {
    const turbo = join(folder, "turbo");
    await cp(join(models, "xl"), turbo, { recursive: true });
    const file = join(turbo, "scheduler/scheduler_config.json");
    const config = JSON.parse(await readFile(file, "utf8"));
    await writeFile(file, JSON.stringify({ ...config, timestep_spacing: "trailing" }));
    const asked = await run(turbo, "a cat", "-o", join(folder, "turbo.png"), "--json");
    expect(JSON.parse(asked.lines[1]!).request).toMatchObject({
      steps: 4,
      guidance: 0,
      sampler: "euler",
    });
    const lcm = await run("lcm", "a cat", "-o", join(folder, "lcm.png"), "--json");
    expect(JSON.parse(lcm.lines[1]!).request).toMatchObject({
      steps: 4,
      guidance: 8,
      sampler: "lcm",
    });
  });

  it("says how long a prompt is when it is read in parts", async () => {
    const { stderr } = await draw("sd1", "long.png", "--negative", "blue cat ".repeat(40));
    expect(stderr).toContain("The negative prompt has 80 tokens; it is encoded in 2 parts of up to 75.\n");
  });

  it("reads a prompt of 10,000 words as far as it goes, and says how far", async () => {
    const words = "blue cat ".repeat(5000);
    const args = [words, "--model", join(models, "sd1"), "--steps", "1", "-o", join(folder, "words.png")];
    const { code, stderr } = await runCli(args);
    expect(code).toBe(0);
    expect(stderr).toContain(
      "The prompt has 10000 tokens, over the limit of 1200 (16 parts of 75); the last 8800 are ignored.\n",
    );
  });
});

describe("wrong use is told in one sentence", () => {
  const seven = async () => {
    const file = join(folder, "seven.png");
    await writeFile(file, encodePng({ width: 7, height: 7, channels: 3, data: new Uint8Array(147) }));
    return file;
  };
  it.each<[string, string, readonly string[], RegExp]>([
    [
      "a size in between",
      "sd1",
      ["--size", "100x64"],
      /^size: this model draws sides of 64 to 4096 pixels that are multiples of 8, got 100x64\.$/,
    ],
    [
      "too strong",
      "sd1",
      ["-i", image, "--strength", "2"],
      /^--strength: expected a number from 0 to 1, got 2\.$/,
    ],
    [
      "too weak",
      "sd1",
      ["-i", image, "--strength", "0.1"],
      /^--strength: expected at least 0\.3\d*, which is one step of 3, got 0\.1\.$/,
    ],
    [
      "a mask alone",
      "inpaint",
      ["--mask", mask],
      /^--mask, --extend, .* or --only-masked: requires an --image, got none\.$/,
    ],
    [
      "an unknown generator",
      "sd1",
      ["--rng", "dice"],
      /^rng: expected one of nishiki, torch-cpu, torch-cuda/,
    ],
    [
      "an unknown schedule",
      "sd1",
      ["--schedule", "magic"],
      /^schedule: unknown step schedule "magic"\. Choose one of: /,
    ],
    [
      "too many layers",
      "sd1",
      ["--clip-skip", "3"],
      /^--clip-skip: expected at most 2, as this model's text encoder has 3 layers; got 3\.$/,
    ],
    [
      "too many steps",
      "lcm",
      ["--steps", "60"],
      /^steps: this model was distilled to at most 50 steps, got 60\.$/,
    ],
  ])("%s", async (_, model, args, sentence) => {
    expect(await complaint(model, ...args)).toMatch(sentence);
  });

  it("a part of a model, or none, whatever else is asked", async () => {
    expect(await complaint("sd1/unet")).toMatch(
      /sd1\/unet: it holds a UNet2DConditionModel, a single component; expected its parent folder/,
    );
    for (const more of [[], ["--vae", models]])
      expect(await complaint("/nowhere", ...more)).toMatch(
        /^There is no model at \/nowhere: expected a folder with/,
      );
    expect(await complaint("sd1", "--vae", image)).toMatch(
      /picture\.png is not an autoencoder: expected a folder or a \.safetensors file\.$/,
    );
    expect(await complaint("sd1", "--vae", "/nowhere")).toMatch(/^Cannot read \/nowhere: /);
  });

  it("as many steps as the model has times, which an offset moves beyond them", async () => {
    expect(await complaint("sd1", "--steps", "1000")).toBe(
      "steps: this model's noise schedule cannot distinguish 1000 levels; use fewer steps.",
    );
  });

  it("settings that another model does not take", async () => {
    const args = ["a cat", "-o", join(folder, "never.png")];
    for (const [option, value] of [
      ["--vae", models],
      ["--prediction", "epsilon"],
    ] as const) {
      const { code, stderr } = await runHere([...args, option, value]);
      expect(code).toBe(2);
      expect(stderr).toBe(
        `${option.slice(2)}: only Stable Diffusion models support this option; this is a Nishiki model.\n`,
      );
    }
  });

  it("a picture that is too small, and a mask of another size", async () => {
    const small = await seven();
    expect(await complaint("sd1", "-i", small)).toMatch(
      /^--image: expected an image of at least 64x64 pixels, got 7x7\. Set size to draw it larger\.$/,
    );
    expect(await complaint("sd1", "-i", image, "--mask", small)).toMatch(
      /^--mask: expected 64x64 pixels, the size of --image, got 7x7\.$/,
    );
  });
});

describe("broken models are refused before anything is drawn", () => {
  async function broken(
    name: string,
    change: (model: string) => Promise<void>,
    from = "sd1",
  ): Promise<string> {
    const model = join(folder, name);
    await cp(join(models, from), model, { recursive: true });
    await change(model);
    return (await complaint(model)).replaceAll(model, "{}");
  }
  const edit = (file: string, more: object) => async (model: string) => {
    const path = join(model, file);
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...more }));
  };
  /** Writes the U-Net's weights again, without some tensors or in other shapes. */
  const rewrite =
    (change: (name: string, shape: readonly number[]) => readonly number[] | undefined) =>
    async (model: string) => {
      const path = join(model, "unet/diffusion_pytorch_model.safetensors");
      const file = await openSafetensors(path);
      const tensors = [];
      for (const [name, entry] of file.tensors) {
        const shape = change(name, entry.shape);
        if (shape)
          tensors.push({
            name,
            dtype: "f32" as const,
            shape: [...shape],
            data: await file.readFloat32(name),
          });
      }
      await writeSafetensors(path, tensors);
    };

  it.each<[string, (model: string) => Promise<void>, RegExp]>([
    [
      "another pipeline",
      edit("model_index.json", { _class_name: "FluxPipeline" }),
      /^\{\} holds a FluxPipeline, which is not supported; supported: StableDiffusionPipeline, /,
    ],
    [
      "a missing part",
      (model) => rm(join(model, "vae"), { recursive: true }),
      /^\{\} is not a whole model: its model_index\.json names vae, which is missing\. Download it again\.$/,
    ],
    [
      "no JSON",
      (model) => writeFile(join(model, "unet/config.json"), "{"),
      /unet\/config\.json cannot be used: it is not valid JSON\.$/,
    ],
    [
      "an unsupported option",
      edit("unet/config.json", { class_embed_type: "simple_projection" }),
      /class_embed_type: expected one of timestep, .*, got "simple_projection"\.$/,
    ],
    [
      "an input that nothing gives",
      edit("unet/config.json", { class_embed_type: "timestep" }),
      /takes a class embedding \(timestep\), which no other part provides\.$/,
    ],
    [
      "layers without end",
      edit("unet/config.json", { layers_per_block: 1e9 }),
      /layers_per_block: expected a whole number from 1 to 200, or one for each level, got 1000000000\.$/,
    ],
    [
      "text layers without end",
      edit("text_encoder/config.json", { num_hidden_layers: 1e9 }),
      /num_hidden_layers: expected a whole number from 1 to 200, got 1000000000\.$/,
    ],
    [
      "a size below nothing",
      edit("unet/config.json", { sample_size: -5 }),
      /sample_size: expected a whole number from 8 to 512, got -5\.$/,
    ],
    [
      "no merges",
      (model) => writeFile(join(model, "tokenizer/merges.txt"), "#version: 0.2\n"),
      /merges\.txt cannot be used: it has no merges\.$/,
    ],
    [
      "an unknown scheduler",
      edit("model_index.json", { scheduler: ["diffusers", "MagicScheduler"] }),
      /^sampler: this model was published with "MagicScheduler", which is unknown; choose one of euler, /,
    ],
    [
      "parts of two models",
      edit("unet/config.json", { cross_attention_dim: 768 }),
      /^The model's parts do not fit together: the text encoders' states are 16 wide, but the denoiser takes 768\.$/,
    ],
    [
      "a missing tensor",
      rewrite((name, shape) => (name === "conv_in.weight" ? undefined : shape)),
      /^The weights of .* do not fit its configs: the unet has no "conv_in\.weight"\.$/,
    ],
    [
      "a tensor of another shape",
      rewrite((name, shape) => (name === "conv_in.bias" ? [2, shape[0]! / 2] : shape)),
      /"conv_in\.bias" of the unet is \[2, 4\] and should be \[8\]\.$/,
    ],
    [
      "pickles",
      async (model) => {
        const path = join(model, "unet/diffusion_pytorch_model");
        await cp(`${path}.safetensors`, `${path}.bin`);
        await rm(`${path}.safetensors`);
      },
      /pickled checkpoints \("diffusion_pytorch_model\.bin"\), which run code when loaded; use the \.safetensors version\.$/,
    ],
  ])("%s", async (name, change, sentence) => {
    expect(await broken(name.replaceAll(" ", "-"), change)).toMatch(sentence);
  });
});
