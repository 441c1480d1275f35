// Image prompts against diffusers: the same seed, the same words, the same images, and the latents that come out.
// tests/golden/scripts/image_prompts.py made them; the files' metadata says with which versions.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSafetensors } from "../src/checkpoint/node.js";
import { findReceiptImages, pickImagePaths, readReceiptFile } from "../src/cli/receipt-file.js";
import { chooseFiles } from "../src/hub/index.js";
import { decodePng } from "../src/image/index.js";
import { type ImageRequest, Pipeline, parseReceipt, readInputImage } from "../src/index.js";
import { loadParts } from "../src/pipeline/node.js";
import { getError, listen } from "./support/heard-model.js";
import { runHere } from "./support/run-here.js";

const golden = (name: string) => fileURLToPath(new URL(`./golden/pipelines/${name}`, import.meta.url));

/** A request with the names of the golden files. */
interface Case {
  readonly prompt: string;
  readonly negative: string;
  readonly image: string;
  readonly noiseLevel?: number;
}

/** A blend with the names of the golden file. */
interface BlendCase
  extends Omit<Case, "image" | "noiseLevel">,
    Omit<NonNullable<ImageRequest["imagePrompt"]>, "images"> {
  readonly images: readonly string[];
}

const { metadata } = await openSafetensors(golden("unclip.safetensors"));
const cases = Object.entries(JSON.parse(metadata.cases!) as Record<string, Case>);

describe("Stable unCLIP against diffusers", () => {
  let pipeline: Pipeline;
  let latents: () => Float32Array;

  beforeAll(async () => {
    const parts = await loadParts({ model: golden("unclip"), threads: 1 });
    const heard = listen(parts.model);
    latents = heard.latents;
    pipeline = new Pipeline({ ...parts, model: heard.model });
  });
  afterAll(() => pipeline?.dispose());

  it.each(cases)("%s", async (key, { image, negative, noiseLevel, ...same }) => {
    const request: ImageRequest = {
      ...same,
      negativePrompt: negative,
      imagePrompt: { images: [await readInputImage(golden(image))], ...(noiseLevel && { noiseLevel }) },
    };
    for await (const event of pipeline.generate(request)) expect(event.kind).not.toBe("warning");
    const expected = await (await openSafetensors(golden("unclip.safetensors"))).readFloat32(key);
    const error = getError(latents(), expected);
    if (process.env.SHOW) console.log(key, error.toExponential(1));
    expect(error).toBeLessThan(1e-4);
  });

  it("is deep-cached, begun from an image, of two passes, and the same alone as among several", async () => {
    const image = await readInputImage(golden("picture.png"));
    const request: ImageRequest = {
      prompt: "a cat",
      imagePrompt: { images: [image, await readInputImage(golden("mask.png"))], blend: "sum" },
      init: { image, strength: 0.6 },
      deepCache: { interval: 2 },
      steps: 4,
    };
    const draw = async (more: Partial<ImageRequest>) => {
      const images: Uint8Array[] = [];
      for await (const event of pipeline.generate({ ...request, ...more }))
        if (event.kind === "image") images.push(event.pixels);
      return images;
    };
    const [both, alone] = [await draw({ seed: 1, count: 2 }), await draw({ seed: 2 })];
    expect(both[1]).toEqual(alone[0]);
    expect(both[0]).not.toEqual(alone[0]);
    const { init: _, ...plain } = request;
    const hires = { size: "96x96", hires: { from: "64x64" } };
    expect(await draw({ ...plain, init: undefined, ...hires, seed: 3 })).toHaveLength(1);
  });
});

describe("blends of images and texts against the papers' formulas", async () => {
  const file = await openSafetensors(golden("unclip-blends.safetensors"));
  let pipeline: Pipeline;
  let latents: () => Float32Array;

  beforeAll(async () => {
    const clip = fileURLToPath(new URL("./golden/clip", import.meta.url));
    const parts = await loadParts({ model: golden("unclip"), clip, threads: 1 });
    const heard = listen(parts.model);
    latents = heard.latents;
    pipeline = new Pipeline({ ...parts, model: heard.model });
  });
  afterAll(() => pipeline?.dispose());

  it.each(Object.entries(JSON.parse(file.metadata.cases!) as Record<string, BlendCase>))(
    "%s",
    async (key, {
      images,
      weights,
      texts,
      textWeights,
      blend,
      difference,
      noiseLevel,
      negative,
      ...same
    }) => {
      const imagePrompt = {
        images: await Promise.all(images.map((name) => readInputImage(golden(name)))),
        ...{ weights, texts, textWeights, blend, difference, noiseLevel },
      };
      const request = { ...same, negativePrompt: negative, imagePrompt };
      for await (const event of pipeline.generate(request)) expect(event.kind).not.toBe("warning");
      const error = getError(latents(), await file.readFloat32(key));
      if (process.env.SHOW) console.log(key, error.toExponential(1));
      expect(error).toBeLessThan(1e-4);
    },
  );

  it("are in the receipt with the hash of the CLIP", async () => {
    expect((await pipeline.environment()).load.clip).toMatchObject({ file: "clip" });
  });
});

describe("a picture drawn from image prompts", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nishiki-image-prompts-"));
    await cp(golden("picture.png"), join(folder, "first.png"));
    await cp(golden("mask.png"), join(folder, "second.png"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const draw = (name: string, ...args: string[]) =>
    runHere([
      "draw",
      "",
      "--model",
      golden("unclip"),
      "--steps",
      "2",
      "-q",
      "-o",
      join(folder, name),
      ...args,
    ]);
  const [first, second] = ["first.png", "second.png"].map((name) => () => join(folder, name)) as [
    () => string,
    () => string,
  ];

  it("needs no words, says in its receipt what it was drawn from, and is verified", async () => {
    const blend = ["--image-prompt-weight", "1", "--image-prompt-weight", "3", "--image-prompt-noise", "50"];
    const images = ["--image-prompt", first(), "--image-prompt", second()];
    expect(await draw("blend.png", "--seed", "4", ...images, ...blend)).toMatchObject({
      code: 0,
      stderr: "",
    });
    const file = join(folder, "blend.png");
    const { imagePrompt } = parseReceipt(decodePng(await readFile(file)).text.nishiki!).request;
    expect(imagePrompt).toMatchObject({
      images: [{ name: "first.png" }, { name: "second.png" }],
      weights: [1, 3],
      noiseLevel: 50,
    });
    const verify = ["verify", file, "--model", golden("unclip")];
    expect(await runHere(verify)).toMatchObject({ code: 0, stdout: `${file}: identical.\n` });
    const others = [second(), first()];
    const { receipt } = await readReceiptFile(file, "verified");
    const paths = pickImagePaths({ imagePrompt: others });
    const swapped = await findReceiptImages(file, receipt, paths);
    expect(Object.values(swapped).map(({ name }) => name)).toEqual(["second.png", "first.png"]);
  });

  it.each([
    [[], "prompt: expected text that is not empty"],
    [["a", "cat"], "--image-prompt: expected an image to draw variations of, got none."],
    [["--image-prompt", "missing.png"], "missing.png"],
    [["--image-prompt", "first.png", "--blend-text", "a dog"], "--blend-text: the model has no text encoder"],
    [["--image-prompt", "first.png", "--clip", golden("sd1/text_encoder")], "expected a CLIPModel"],
    [["--model", golden("sd1"), "--clip", golden("../clip")], "only Stable unCLIP has"],
    [["--image-prompt", "first.png", "--image-prompt-weight", "-1"], "expected weights from 0, not all 0"],
    [
      ["--image-prompt", "first.png", "--style-image", "first.png"],
      "this model does not support this setting",
    ],
  ])("is refused: %j", async (args, message) => {
    const paths = args.map((arg) => (arg === "first.png" ? first() : arg));
    const { code, stderr } = await draw("no.png", ...paths);
    expect(stderr).toContain(message);
    expect(code).toBeGreaterThan(0);
  });

  it("comes from no model whose parts do not fit", async () => {
    const broken = join(folder, "broken");
    await cp(golden("unclip"), broken, { recursive: true });
    const config = join(broken, "image_encoder", "config.json");
    const json = JSON.parse(await readFile(config, "utf8"));
    await writeFile(config, JSON.stringify({ ...json, projection_dim: 24 }));
    const info = () => runHere(["draw", "", "--model", broken, "--image-prompt", first()]);
    expect((await info()).stderr).toContain(
      "has 24 numbers, 48 with those of its noise level, but the denoiser takes",
    );
    await writeFile(config, JSON.stringify({ ...json, num_hidden_layers: 2, hidden_size: 20 }));
    expect((await info()).stderr).toMatch(/image encoder is \[.*\] and should be \[/);
    await rm(join(broken, "image_normalizer"), { recursive: true });
    expect((await info()).stderr).toContain("image_normalizer");
  });

  it("comes from a model that is downloaded whole", async () => {
    const names = (await readdir(golden("unclip"), { recursive: true })).filter((name) => name.includes("."));
    const files = [...names, "image_encoder/model.fp16.safetensors", "safety_checker/model.safetensors"];
    const chosen = chooseFiles(
      files.map((path) => ({ path: path.replaceAll("\\", "/"), size: 1 })),
      "org/unclip",
      { variant: "full" },
    );
    expect(chosen.map(({ path }) => path).sort()).toEqual(
      names.map((name) => name.replaceAll("\\", "/")).sort(),
    );
  });

  it("is offered by the model's description", async () => {
    const { stdout } = await runHere(["info", golden("unclip")]);
    expect(stdout).toMatch(/Stable unCLIP 2\.1/);
    expect(stdout).toMatch(/Image encoder/);
  });
});
