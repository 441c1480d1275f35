// IP-Adapters against diffusers: the same seed, the same words, the same images, and the latents that come out.
// tests/golden/scripts/image_prompts.py made them; the file's metadata says with which versions.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSafetensors } from "../src/checkpoint/node.js";
import { resolveFile } from "../src/hub/index.js";
import { decodePng } from "../src/image/index.js";
import { type ImageRequest, Pipeline, parseReceipt, readInputImage } from "../src/index.js";
import { loadParts } from "../src/pipeline/node.js";
import { getError, listen } from "./support/heard-model.js";
import { runHere } from "./support/run-here.js";

const golden = (name: string) => fileURLToPath(new URL(`./golden/pipelines/${name}`, import.meta.url));

/** A request with the names of the golden file. */
interface Case {
  readonly adapter: string;
  readonly model: string;
  readonly prompt: string;
  readonly negative: string;
  readonly images: readonly {
    readonly file: string;
    readonly weight?: number;
    readonly aspect?: "style" | "layout";
  }[];
  readonly image?: boolean;
  readonly strength?: number;
}

const { metadata } = await openSafetensors(golden("ip-adapter.safetensors"));
const cases = Object.entries(JSON.parse(metadata.cases!) as Record<string, Case>);
const adapters = [...new Set(cases.map(([, { adapter }]) => adapter))];

/** The settings of images with one aspect, or none. */
async function pick(images: Case["images"], aspect: "style" | "layout" | undefined) {
  const own = images.filter((image) => image.aspect === aspect);
  if (own.length === 0) return undefined;
  const weights = own.map(({ weight = 1 }) => weight);
  return { images: await Promise.all(own.map(({ file }) => readInputImage(golden(file)))), weights };
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-ip-adapter-"));
  await cp(golden("xl"), join(folder, "xl3"), { recursive: true });
  await cp(golden("ip-adapter/xl3"), join(folder, "xl3", "unet"), { recursive: true, force: true });
  await mkdir(join(folder, "models"));
  await cp(golden("unclip/image_encoder"), join(folder, "models", "image_encoder"), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const getModel = (name: string) => (name === "xl3" ? join(folder, name) : golden(name));

describe.each(adapters)("the IP-Adapter %s against diffusers", (adapter) => {
  const own = cases.filter(([, one]) => one.adapter === adapter);
  let pipeline: Pipeline;
  let latents: () => Float32Array;

  beforeAll(async () => {
    const options = {
      model: getModel(own[0]![1].model),
      ipAdapter: golden(`ip-adapter/${adapter}.safetensors`),
      imageEncoder: join(folder, "models", "image_encoder"),
    };
    const parts = await loadParts({ ...options, threads: 1 });
    const heard = listen(parts.model);
    latents = heard.latents;
    pipeline = new Pipeline({ ...parts, model: heard.model });
  });
  afterAll(() => pipeline?.dispose());

  it.each(own)(
    "%s",
    async (key, { adapter: _, model: _model, images, negative, image, strength, ...same }) => {
      const request: ImageRequest = {
        ...same,
        negativePrompt: negative,
        imagePrompt: await pick(images, undefined),
        styleReference: await pick(images, "style"),
        layoutReference: await pick(images, "layout"),
        ...(image && { init: { image: await readInputImage(golden("picture.png")), strength } }),
      };
      for await (const event of pipeline.generate(request)) expect(event.kind).not.toBe("warning");
      const expected = await (await openSafetensors(golden("ip-adapter.safetensors"))).readFloat32(key);
      const error = getError(latents(), expected);
      if (process.env.SHOW) console.log(key, error.toExponential(1));
      expect(error).toBeLessThan(1e-4);
    },
  );
});

describe("a picture drawn with an IP-Adapter", () => {
  const picture = golden("picture.png");
  const inModels = (name: string) => join(folder, "models", name);
  beforeAll(async () => {
    for (const name of ["sd1.safetensors", "sd1-plus.safetensors"])
      await cp(golden(`ip-adapter/${name}`), inModels(name));
    await cp(picture, join(folder, "picture.png"));
  });

  const draw = (...args: string[]) =>
    runHere([
      "draw",
      "a cat",
      "--model",
      golden("sd1"),
      "--steps",
      "2",
      "-q",
      "-o",
      join(folder, "cat.png"),
      ...args,
    ]);

  it("takes LoRAs, int8, masks and DeepCache, says what it was drawn from, and is verified", async () => {
    const lora = fileURLToPath(new URL("./golden/lora/kohya.safetensors", import.meta.url));
    await cp(lora, join(folder, "kohya.safetensors"));
    const begin = ["--image", join(folder, "picture.png"), "--strength", "0.9", "--seed", "3"];
    const more = ["--lora", `${lora}:0.7`, "--precision", "int8", "--deep-cache", "2", ...begin];
    const images = [
      "--ip-adapter",
      inModels("sd1.safetensors"),
      "--image-prompt",
      join(folder, "picture.png"),
    ];
    const both = [...images, "--image-prompt-weight", "0.8", "--style-image", join(folder, "picture.png")];
    expect(await draw(...more, ...both)).toMatchObject({ code: 0, stderr: "" });
    const file = join(folder, "cat.png");
    const { request, load } = parseReceipt(decodePng(await readFile(file)).text.nishiki!);
    expect(request.imagePrompt).toMatchObject({ images: [{ name: "picture.png" }], weights: [0.8] });
    expect(load).toMatchObject({
      ipAdapter: { file: "sd1.safetensors" },
      imageEncoder: { file: "image_encoder" },
    });
    const info = await runHere(["info", file]);
    expect(info.stdout).toMatch(/imagePrompt.images +picture.png, 64x64\n/);
    expect(info.stdout).toMatch(/imagePrompt.weights +0.8\n[\s\S]*ipAdapter +sd1.safetensors\n/);
    // The encoder is found where the adapter's publisher put it.
    const verify = ["verify", file, "--model", golden("sd1"), "--ip-adapter", inModels("sd1.safetensors")];
    expect(await runHere(verify)).toMatchObject({
      code: 0,
      stderr: "",
      stdout: `${file}: identical.\n`,
    });
  });

  it.each<[readonly string[], string]>([
    [["--style-image", picture], "load an IP-Adapter of its family with --ip-adapter"],
    [["--image-encoder", golden("unclip/image_encoder")], "--image-encoder: requires --ip-adapter"],
    [["--ip-adapter", golden("ip-adapter/xl.safetensors")], "is for another model"],
    [["--ip-adapter", golden("sd1/unet/diffusion_pytorch_model.safetensors")], "expected an IP-Adapter"],
    [["--ip-adapter", "x.bin"], "it is a pickle"],
    [["--ip-adapter", golden("ip-adapter/sd1.safetensors")], "which was not found"],
    [
      ["--ip-adapter", golden("ip-adapter/sd1.safetensors"), "--image-encoder", golden("sd1/text_encoder")],
      "expected a CLIPVisionModelWithProjection",
    ],
    [
      ["--ip-adapter", golden("ip-adapter/sd1.safetensors"), "--image-encoder", "narrow"],
      "sd1.safetensors takes an image encoder with embeddings of 20, got one with states 16 wide and embeddings of 24",
    ],
    [
      ["--model", golden("unclip"), "--ip-adapter", golden("ip-adapter/sd1.safetensors")],
      "unclip is conditioned on images already",
    ],
  ])("is refused: %j", async (args, message) => {
    const narrow = join(folder, "narrow");
    if (args.includes("narrow")) {
      await cp(golden("unclip/image_encoder"), narrow, { recursive: true });
      const config = join(narrow, "config.json");
      await writeFile(
        config,
        (await readFile(config, "utf8")).replace('"projection_dim": 20', '"projection_dim": 24'),
      );
    }
    const { code, stderr } = await draw(...args.map((arg) => (arg === "narrow" ? narrow : arg)));
    expect(stderr).toContain(message);
    expect(code).toBeGreaterThan(0);
  });

  it("is found in the hub's cache, with its encoder's weights alone", async () => {
    const cache = join(folder, "hub");
    const snapshot = join(cache, "models--org--adapters", "snapshots", "abc");
    await mkdir(join(cache, "models--org--adapters", "refs"), { recursive: true });
    await writeFile(join(cache, "models--org--adapters", "refs", "main"), "abc");
    await mkdir(join(snapshot, "models", "image_encoder"), { recursive: true });
    await cp(inModels("sd1.safetensors"), join(snapshot, "models", "sd1.safetensors"));
    const weights = join("models", "image_encoder", "model.safetensors");
    await cp(golden("unclip/image_encoder/model.safetensors"), join(snapshot, weights));
    expect(await resolveFile("org/adapters/models/sd1.safetensors", cache)).toBe(
      join(snapshot, "models", "sd1.safetensors"),
    );
    expect(await resolveFile("org/adapters/../x", cache)).toBe("org/adapters/../x");
    expect(await resolveFile("org/other/x.safetensors", cache)).toBe("org/other/x.safetensors");
    // The tiny encoder is of no published size, which shows that its weights were found.
    const { stderr } = await draw(
      ...["--image-prompt", picture, "--ip-adapter", join(snapshot, "models", "sd1.safetensors")],
    );
    expect(stderr).toContain("got one of 16. Name the folder that has its config.json");
  });

  it("is described by its file", async () => {
    const { stdout } = await runHere(["info", golden("ip-adapter/sd1-plus.safetensors")]);
    expect(stdout).toMatch(/IP-Adapter\n/);
    expect(stdout).toMatch(/kind +Plus/);
    expect(stdout).toMatch(/image encoder +one with states of width 16/);
  });

  it("has no aspects that its denoiser lacks, and no embedding to change", async () => {
    const adapter = ["--ip-adapter", inModels("sd1.safetensors")];
    const layout = await draw(...adapter, "--layout-image", picture);
    expect(layout.stderr).toContain("--layout-image: this denoiser has no cross-attention in down_blocks.2");
    const noisy = await draw(...adapter, "--image-prompt", picture, "--image-prompt-noise", "3");
    expect(noisy.stderr).toContain("--image-prompt-noise: an IP-Adapter attends to each image by itself");
  });
});
