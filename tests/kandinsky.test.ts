// Kandinsky 2.2 against diffusers: the same seed, words and images, and the embeddings, latents and pixels that come out.
// tests/golden/scripts/kandinsky.py made them; the file's metadata says with which versions.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSafetensors } from "../src/checkpoint/node.js";
import { chooseFiles } from "../src/hub/index.js";
import {
  type ImageEvent,
  type ImageRequest,
  loadPipeline,
  openModel,
  Pipeline,
  readInputImage,
} from "../src/index.js";
import { completeRequest } from "../src/pipeline/index.js";
import { describeModel, loadParts } from "../src/pipeline/node.js";
import { getError, listenToStages } from "./support/heard-model.js";

const golden = (name: string) => fileURLToPath(new URL(`./golden/pipelines/${name}`, import.meta.url));

/** A request with the names of the golden files. */
interface Case {
  readonly prompt: string;
  readonly negative: string;
  readonly image?: string;
  readonly strength?: number;
  readonly mask?: string;
  readonly images?: readonly string[];
  readonly weights?: readonly number[];
  readonly texts?: readonly string[];
  readonly textWeights?: readonly number[];
  readonly guidance: number;
}

const readImage = (name: string) => readInputImage(golden(name));

async function makeRequest({
  negative,
  image,
  strength,
  mask,
  images,
  weights,
  texts,
  textWeights,
  ...same
}: Case) {
  const blend = { ...(weights && { weights }), ...(texts && { texts }), ...(textWeights && { textWeights }) };
  return {
    ...same,
    negativePrompt: negative,
    ...(image && { init: { image: await readImage(image), ...(strength && { strength }) } }),
    ...(mask && { inpaint: { mask: await readImage(mask), pasteBack: false } }),
    ...(images && { imagePrompt: { images: await Promise.all(images.map(readImage)), ...blend } }),
  } as ImageRequest;
}

const dot = { width: 1, height: 1, channels: 3, data: new Uint8Array(3) } as const;

const file = await openSafetensors(golden("kandinsky.safetensors"));
const cases = Object.entries(JSON.parse(file.metadata.cases!) as Record<string, Case>);

/** diffusers' float32 divides by a signal of 5e-5 where the prior begins. */
const tolerance = 1e-4;

/** A model that is listened to. */
async function listenTo(model: string) {
  const parts = await loadParts({ model, prior: golden("kandinsky-2-2-prior"), threads: 1 });
  const { model: heard, results } = listenToStages(parts.model);
  return { pipeline: new Pipeline({ ...parts, model: heard }), results };
}

describe("Kandinsky 2.2 against diffusers", () => {
  let folder: string;
  let plain: Awaited<ReturnType<typeof listenTo>>;
  let inpaint: Awaited<ReturnType<typeof listenTo>>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nishiki-inpaint-"));
    await cp(golden("kandinsky-2-2-decoder-inpaint"), folder, { recursive: true });
    await cp(golden("kandinsky-2-2-decoder/movq"), join(folder, "movq"), { recursive: true });
    plain = await listenTo(golden("kandinsky-2-2-decoder"));
    inpaint = await listenTo(folder);
  });
  afterAll(async () => {
    await plain?.pipeline.dispose();
    await inpaint?.pipeline.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(cases)("%s", async (name, asked) => {
    const request = await makeRequest(asked);
    const { pipeline, results } = asked.mask ? inpaint : plain;
    let pixels: Uint8Array | undefined;
    for await (const event of pipeline.generate(request)) {
      expect(event.kind).not.toBe("warning");
      if (event.kind === "image") pixels = event.pixels;
    }
    const expected = (part: string) => file.readFloat32(`${name}.${part}`);
    if (!asked.images) {
      const drawn = results().get("prior")!;
      const embeddings = (await expected("embeddings")).slice(0, drawn.length);
      expect(getError(drawn, embeddings)).toBeLessThan(tolerance);
    }
    const error = getError(results().get("base")!, await expected("latents"));
    if (process.env.SHOW) console.log(name, error.toExponential(1));
    expect(error).toBeLessThan(tolerance);
    if (!file.tensors.has(`${name}.pixels`)) return;
    const planes = await expected("pixels");
    const size = planes.length / 3;
    planes.forEach((value, i) => {
      const byte = Math.min(255, Math.max(0, (value + 1) * 127.5));
      const drawn = pixels![(i % size) * 3 + Math.floor(i / size)]!;
      // Half a byte of rounding, and the tolerance of what is rounded.
      expect(Math.abs(drawn - byte)).toBeLessThan(0.5 + 255 * 4 * tolerance);
    });
  });
});

describe("Kandinsky 2.2 as published", () => {
  const decoder = golden("kandinsky-2-2-decoder");
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nishiki-kandinsky-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** A copy of a folder, changed. */
  const copy = async (name: string, from: string, change: (path: string) => Promise<unknown>) => {
    const path = join(folder, name);
    await cp(golden(from), path, { recursive: true });
    await change(path);
    return path;
  };
  const edit = async (file: string, more: object) =>
    writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, "utf8")), ...more }));

  it("encodes no image once, and not for each request", async () => {
    const pipeline = await loadPipeline({
      ...{ model: decoder, prior: golden("kandinsky-2-2-prior") },
      ...{ threads: 1, lowMemory: true },
    });
    const listLoads = async (seed: number) => {
      const loads: string[] = [];
      for await (const event of pipeline.generate({ prompt: "a cat", steps: 2, prior: { steps: 2 }, seed }))
        if (event.kind === "load") loads.push(event.stage);
      return loads;
    };
    expect(await listLoads(1)).toContain("image encoder");
    const again = await listLoads(2);
    expect(again).toContain("text encoder");
    expect(again).not.toContain("image encoder");
    await pipeline.dispose();
  });

  it("is described, whichever of its folders is named", async () => {
    const [one, other] = [await describeModel(decoder), await describeModel(golden("kandinsky-2-2-prior"))];
    expect(one).toMatchObject({ what: "Kandinsky 2.2", size: 32, maxTokens: 77 });
    expect(one.description.parts!.map(({ title }) => title)).toEqual([
      "Text encoder",
      "Image encoder",
      "Prior",
      "Denoiser",
      "Autoencoder",
    ]);
    expect(other.description.parts).toEqual(one.description.parts);
  });

  it("needs both folders, and says where it looks for the other", async () => {
    const alone = await copy("alone-decoder", "kandinsky-2-2-decoder", async () => {});
    await expect(openModel({ model: alone })).rejects.toThrow(
      /is the decoder of Kandinsky 2\.2; expected its prior too\. .* "prior" for "decoder", or name it with --prior/,
    );
    const opened = await openModel({ model: alone, prior: golden("kandinsky-2-2-prior") });
    expect(opened.context.defaults).toMatchObject({ sampler: "ddpm", steps: 50, guidance: 4 });
    expect(await opened.countTokens!("the cat")).toMatchObject({ tokens: 2, room: 75 });
    const wrong = openModel({ model: alone, prior: decoder });
    await expect(wrong).rejects.toThrow(/holds a KandinskyV22Pipeline.*expected KandinskyV22PriorPipeline/);
  });

  it.each([
    ["unet", "cross_attention_dim", 9, /weights of .* do not fit its configs: ".*" of the denoiser is/],
    ["unet", "encoder_hid_dim", 24, /the prior draws embeddings of 20 numbers, but the denoiser takes 24/],
    ["unet", "out_channels", 7, /the denoiser outputs 7 channels; expected 4, or 8 with variances/],
    ["unet", "sample_size", 17, /sample_size: expected a multiple of 2 up to 512, got 17/],
    ["movq", "norm_type", "group", /VQModel config: norm_type: expected "spatial", got "group"/],
    ["movq", "latent_channels", 3, /vq_embed_dim: expected latent_channels \(3\), got 4/],
  ])("refuses a %s whose %s is %j", async (part, field, value, message) => {
    const path = await copy(`${part}-${field}`, "kandinsky-2-2-decoder", (at) =>
      edit(join(at, part, "config.json"), { [field]: value }),
    );
    const load = async () =>
      (await (await openModel({ model: path, prior: golden("kandinsky-2-2-prior") })).load()).close();
    await expect(load()).rejects.toThrow(message);
  });

  it("refuses folders without a part, of other classes and of other schedulers", async () => {
    const prior = golden("kandinsky-2-2-prior");
    const lacking = await copy("lacking", "kandinsky-2-2-decoder", (at) =>
      rm(join(at, "movq"), { recursive: true }),
    );
    await expect(openModel({ model: lacking, prior })).rejects.toThrow(/names movq, which is missing/);
    const other = await copy("other", "kandinsky-2-2-decoder", (at) =>
      edit(join(at, "model_index.json"), { movq: ["diffusers", "AutoencoderKL"] }),
    );
    await expect(openModel({ model: other, prior })).rejects.toThrow(
      /its movq is a AutoencoderKL, expected VQModel/,
    );
    const flow = await copy("flow", "kandinsky-2-2-decoder", (at) =>
      edit(join(at, "model_index.json"), { scheduler: ["diffusers", "FlowMatchEulerDiscreteScheduler"] }),
    );
    await expect(openModel({ model: flow, prior })).rejects.toThrow(/another kind of diffusion/);
  });

  it.each([
    [
      "kandinsky-2-2-prior",
      ["image_encoder", "prior", "text_encoder"],
      ["image_processor/preprocessor_config.json", "scheduler/scheduler_config.json", "tokenizer/vocab.json"],
    ],
    ["kandinsky-2-2-decoder", ["movq", "unet"], ["scheduler/scheduler_config.json"]],
    [
      "karlo-v1-alpha",
      ["decoder", "prior", "super_res_first", "super_res_last", "text_encoder", "text_proj"],
      ["decoder_scheduler/scheduler_config.json", "prior_scheduler/scheduler_config.json"],
    ],
  ])("of %s, pull takes every part in one form", (name, networks, others) => {
    const forms = ["diffusion_pytorch_model.bin", "model.fp16.safetensors", "model.safetensors"];
    const paths = [
      ...["README.md", "model_index.json", "safety_checker/config.json", ...others],
      ...networks.flatMap((part) => ["config.json", ...forms].map((file) => `${part}/${file}`)),
    ];
    const chosen = chooseFiles(
      paths.map((path) => ({ path, size: 1 })),
      `org/${name}`,
    ).map(({ path }) => path);
    const parts = networks.flatMap((part) => [`${part}/config.json`, `${part}/model.fp16.safetensors`]);
    expect(chosen.sort()).toEqual(["model_index.json", ...others, ...parts].sort());
  });

  it("draws without an image encoder where nothing needs one", async () => {
    const blind = await copy("blind", "kandinsky-2-2-prior", (at) =>
      rm(join(at, "image_encoder"), { recursive: true }),
    );
    const pipeline = await loadPipeline({ model: decoder, prior: blind, threads: 1 });
    const draw = async (request: ImageRequest) => {
      for await (const event of pipeline.generate({ steps: 2, prior: { steps: 2 }, ...request }))
        if (event.kind === "image") return event;
      throw new Error("no image");
    };
    expect((await draw({ prompt: "a cat", negativePrompt: "red" })).width).toBe(32);
    await expect(draw({ prompt: "a cat" })).rejects.toThrow(/guidance needs the model's image encoder/);
    await pipeline.dispose();
  });

  it("draws stages with previews, and is verified", async () => {
    const pipeline = await loadPipeline({ model: decoder, threads: 1 });
    const request = {
      prompt: "a (red:1.2) cat",
      seed: 1,
      steps: 2,
      prior: { steps: 3, candidates: 2 },
      size: "20x24",
    };
    const stages: string[] = [];
    let image: ImageEvent | undefined;
    for await (const event of pipeline.generate(request as ImageRequest)) {
      if (event.kind === "step") stages.push(`${event.stage} ${event.step}/${event.steps}`);
      if (event.kind === "step" && event.stage === "base")
        expect(await event.preview()).toMatchObject({ width: 20, height: 24 });
      if (event.kind === "warning") expect(event.message).toMatch(/knows no weights/);
      if (event.kind === "image") image = event;
    }
    expect(stages).toEqual(["prior 1/3", "prior 2/3", "prior 3/3", "base 1/2", "base 2/2"]);
    expect(image!.receipt.request).toMatchObject({ prior: { steps: 3, candidates: 2 }, sampler: "ddpm" });
    await pipeline.dispose();
  });

  it("draws the same from one folder with both halves, as diffusers saves its combined pipeline", async () => {
    const path = await copy("combined", "kandinsky-2-2-decoder", async (at) => {
      const index = JSON.parse(
        await readFile(join(golden("kandinsky-2-2-prior"), "model_index.json"), "utf8"),
      );
      const names = Object.keys(index).filter((name) => !name.startsWith("_"));
      for (const name of names)
        await cp(join(golden("kandinsky-2-2-prior"), name), join(at, `prior_${name}`), { recursive: true });
      const parts = Object.fromEntries(names.map((name) => [`prior_${name}`, index[name]]));
      await edit(join(at, "model_index.json"), { _class_name: "KandinskyV22CombinedPipeline", ...parts });
    });
    const draw = async (where: string) => {
      const pipeline = await loadPipeline({ model: where, threads: 1 });
      const request = { prompt: "a cat", seed: 4, steps: 2, prior: { steps: 2 } };
      const images: ImageEvent[] = [];
      for await (const event of pipeline.generate(request)) if (event.kind === "image") images.push(event);
      await pipeline.dispose();
      return images[0]!;
    };
    const [one, two] = [await draw(path), await draw(decoder)];
    expect(one.pixels).toEqual(two.pixels);
    expect(Object.keys(one.receipt.model.weights)).toContain("prior_prior/config.json");
    expect(Object.keys(two.receipt.model.weights)).toContain("prior/prior/config.json");
  });

  it("finds its other half in the hub's cache, and says how to get it", async () => {
    const snapshot = (name: string) => join(folder, `models--org--${name}`, "snapshots", "abc");
    await cp(decoder, snapshot("kandinsky-2-2-decoder"), { recursive: true });
    const open = () => openModel({ model: snapshot("kandinsky-2-2-decoder") });
    await expect(open()).rejects.toThrow(/Download it with: nishiki pull org\/kandinsky-2-2-prior\.$/);
    await cp(golden("kandinsky-2-2-prior"), snapshot("kandinsky-2-2-prior"), { recursive: true });
    const refs = join(folder, "models--org--kandinsky-2-2-prior", "refs");
    await mkdir(refs);
    await writeFile(join(refs, "main"), "abc");
    expect((await open()).context.sizes.usual).toEqual({ width: 32, height: 32 });
  });

  it("turns an image by the difference of two texts, blends by slerp, and samples otherwise", async () => {
    const pipeline = await loadPipeline({ model: decoder, threads: 1 });
    const images = [await readImage("picture.png"), await readImage("mask.png")];
    const draw = async (more: Partial<ImageRequest>) => {
      const request = { prompt: "", seed: 1, steps: 2, guidance: 1, ...more };
      for await (const event of pipeline.generate(request)) if (event.kind === "image") return event.pixels;
      throw new Error("no image");
    };
    const change = (weight: number) => ({ difference: { from: "a cat", to: "the sea", weight } });
    const [image] = images as [(typeof images)[0]];
    const plain = await draw({ imagePrompt: { images: [image] } });
    expect(await draw({ imagePrompt: { images: [image], ...change(0) } })).toEqual(plain);
    expect(await draw({ imagePrompt: { images: [image], ...change(0.5) } })).not.toEqual(plain);
    const sum = await draw({ imagePrompt: { images } });
    expect(await draw({ imagePrompt: { images, blend: "slerp" } })).not.toEqual(sum);
    expect(await draw({ imagePrompt: { images: [image] }, sampler: "ddim" })).not.toEqual(plain);
    await pipeline.dispose();
  });

  it.each([
    [{ prior: { steps: 1 } }, /prior\.steps: expected a whole number from 2/],
    [{ size: "30x32" }, /size: this model draws sides of 4 to .*30x32/],
    [{ imagePrompt: { images: [], weights: [1] } }, /imagePrompt\.images/],
    [{ prompt: "", imagePrompt: { images: [dot], weights: [0] } }, /weights: expected one that is not 0/],
    [
      { imagePrompt: { images: [dot], weights: [-1], blend: "slerp" } },
      /weights from 0 to blend by slerp, got 0\.5, -1/,
    ],
    [{ imagePrompt: { images: [dot], noiseLevel: 3 } }, /noiseLevel: this model was trained without noise/],
    [{ deepCache: { interval: 2 } }, /deepCache/],
  ])("refuses %j", async (more, message) => {
    const { context } = await openModel({ model: decoder });
    expect(() => completeRequest({ prompt: "a cat", ...more } as ImageRequest, context)).toThrow(message);
  });
});
