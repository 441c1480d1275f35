// DeepFloyd IF against diffusers: the same seed, the same words, and the pixels of every stage before they become bytes.
// tests/golden/scripts/deepfloyd_if.py made them; the file's metadata says with which versions.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSafetensors } from "../src/checkpoint/node.js";
import { chooseFiles } from "../src/hub/index.js";
import { decodePng } from "../src/image/index.js";
import { type ImageRequest, Pipeline, readInputImage, readMask } from "../src/index.js";
import type { LoadOptions, Model, StageInput, TransformStage } from "../src/pipeline/index.js";
import { loadParts, openModel } from "../src/pipeline/node.js";
import { runHere } from "./support/run-here.js";

const golden = (name: string) => fileURLToPath(new URL(`./golden/pipelines/${name}`, import.meta.url));

/** A request with the names of the golden file. */
interface Case {
  readonly prompt: string;
  readonly negative: string;
  readonly seed: number;
  readonly steps: number;
  readonly guidance: number;
  readonly stages: number;
  readonly steps2: number;
  readonly guidance2: number;
  readonly noise: number;
  readonly width?: number;
  readonly height?: number;
  readonly timesteps?: "fast27";
  readonly timesteps2?: "super27";
  readonly strength?: number;
  /** Of stage 2; the picture and the mask then have its size. */
  readonly strength2?: number;
  readonly mask?: boolean;
  /** Order of DPM-Solver++. */
  readonly solver?: 2 | 3;
  readonly from?: boolean;
}

const file = await openSafetensors(golden("if.safetensors"));
const cases = Object.entries(JSON.parse(file.metadata.cases!) as Record<string, Case>);
const folders = { first: golden("if-1"), second: golden("if-2"), third: golden("x4") };

/** A pipeline, and the results of the stages that it drew last. */
async function listen(options: LoadOptions) {
  const parts = await loadParts({ threads: 1, device: "cpu", ...options });
  let results: StageInput["results"] = new Map();
  const { identity, context } = parts.model;
  const prepare: Model["prepare"] = async (settings, runtime) => {
    const plan = await parts.model.prepare(settings, runtime);
    const last = plan.stages.at(-1) as TransformStage;
    const run: TransformStage["run"] = (input, inner) => {
      results = input.results;
      return last.run(input, inner);
    };
    return { ...plan, stages: [...plan.stages.slice(0, -1), { ...last, run }] };
  };
  const getWork = parts.model.getWork?.bind(parts.model);
  const model: Model = { identity, context, prepare, ...(getWork && { getWork }) };
  return { pipeline: new Pipeline({ ...parts, model }), results: () => results };
}

/** The largest difference from what diffusers drew, as part of its largest number. */
async function compare(name: string, stage: 1 | 2 | 3, results: StageInput["results"]): Promise<number> {
  const found = results.get(["base", "super-resolution", "upscaler"][stage - 1]!);
  const expected = await file.readFloat32(`${name}.${stage}`);
  if (found?.kind !== "values" || found.data.length !== expected.length) return Number.POSITIVE_INFINITY;
  const most = Math.max(...expected.map(Math.abs));
  const error = Math.max(...found.data.map((value, i) => Math.abs(value - expected[i]!))) / most;
  if (process.env.SHOW) console.log(name, stage, error.toExponential(1));
  return error;
}

type Heard = Awaited<ReturnType<typeof listen>>;

async function draw({ pipeline }: Heard, request: ImageRequest) {
  const warnings: string[] = [];
  for await (const event of pipeline.generate(request)) {
    if (event.kind === "warning") warnings.push(event.message);
    if (event.kind === "image") return { image: event, warnings };
  }
  throw new Error("no picture");
}

describe("DeepFloyd IF against diffusers", () => {
  let whole: Heard;
  let second: Heard;
  beforeAll(async () => {
    whole = await listen({ model: folders.first, superResolution: [folders.second, folders.third] });
    second = await listen({ model: folders.second, superResolution: folders.third });
  });
  afterAll(async () => {
    await whole?.pipeline.dispose();
    await second?.pipeline.dispose();
  });

  it.each(cases.filter(([, { from }]) => !from))("%s", async (name, one) => {
    const { prompt, negative, seed, steps, guidance, stages, timesteps, strength } = one;
    const factor = 4 ** (stages - 1);
    const large = one.strength2 ? "-large" : "";
    const last = stages === 3 ? { steps: [3], guidance: [9], noiseLevel: [100] } : undefined;
    const request: ImageRequest = {
      ...{ prompt, negativePrompt: negative, seed, guidance, stages },
      ...(one.solver && { sampler: `dpmpp-${one.solver}m` }),
      ...(timesteps ? { timesteps } : { steps }),
      size: { width: factor * (one.width ?? 8), height: factor * (one.height ?? 8) },
      ...(stages > 1 && {
        superResolution: {
          ...(one.timesteps2
            ? { timesteps: one.timesteps2 }
            : { steps: [one.steps2, ...(last?.steps ?? [])] }),
          guidance: [one.guidance2, ...(last?.guidance ?? [])],
          noiseLevel: [one.noise, ...(last?.noiseLevel ?? [])],
          ...(one.strength2 && { strength: [one.strength2] }),
        },
      }),
      ...(strength && { init: { image: await readInputImage(golden(`if-picture${large}.png`)), strength } }),
      ...(one.mask && { inpaint: { mask: (await readMask(golden(`if-mask${large}.png`))).mask } }),
    };
    const { warnings } = await draw(whole, request);
    for (const stage of ([1, 2, 3] as const).slice(0, stages))
      expect(await compare(name, stage, whole.results())).toBeLessThan(1e-4);
    expect(warnings.filter((warning) => !/tokens, over the limit of 76/.test(warning))).toEqual([]);
    expect(warnings).toHaveLength(name === "long" ? 1 : 0);
  });

  it.each(cases.filter(([, { from }]) => from))("%s", async (name, one) => {
    const { prompt, negative, seed, steps2: steps, guidance2: guidance, noise, stages } = one;
    const image = await readInputImage(golden(one.width === 12 ? "if-picture-wide.png" : "if-picture.png"));
    const asked = { prompt, negativePrompt: negative, seed, steps, guidance, init: { image } };
    // Stage 2 counts as the first here, and stage 3 as its super-resolution.
    const later = stages === 3 ? { steps: [3] } : {};
    await draw(second, { ...asked, stages: stages - 1, superResolution: { noiseLevel: [noise], ...later } });
    for (const stage of ([2, 3] as const).slice(0, stages - 1))
      expect(await compare(name, stage, second.results())).toBeLessThan(1e-4);
  });
});

describe("a cascade", () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "nishiki-if-"));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  const cascade = ["--model", folders.first, "--super-resolution", folders.second];
  const few = [
    "--steps",
    "2",
    "--super-resolution-steps",
    "2",
    "--seed",
    "5",
    "--threads",
    "1",
    "--device",
    "cpu",
  ];

  it("keeps the image of its first stage, which verifies, and goes on from it", async () => {
    const output = join(root, "cat.png");
    const drawn = await runHere(["a cat", ...cascade, ...few, "--keep-stages", "--output", output]);
    expect(drawn.stderr).not.toMatch(/error/i);
    const small = join(root, "cat-stage-1.png");
    expect(drawn.stdout.trim().split("\n")).toEqual([small, output]);
    const [first, last] = await Promise.all(
      [small, output].map(async (path) => decodePng(await readFile(path))),
    );
    expect([first!.width, last!.width]).toEqual([8, 32]);
    for (const path of [small, output]) {
      const { code, stdout } = await runHere([
        "verify",
        path,
        ...cascade,
        "--threads",
        "1",
        "--device",
        "cpu",
      ]);
      expect([code, stdout]).toEqual([0, expect.stringMatching(/identical/i)]);
    }
    const alone = join(root, "alone.png");
    await runHere([
      "a cat",
      "--model",
      folders.first,
      ...few.filter((_, i) => i < 2 || i > 3),
      "--output",
      alone,
    ]);
    expect(decodePng(await readFile(alone)).data).toEqual(first!.data);
    const larger = join(root, "larger.png");
    const later = [
      "--model",
      folders.second,
      "--image",
      small,
      "--steps",
      "2",
      "--seed",
      "5",
      "--output",
      larger,
    ];
    expect((await runHere(["a cat", ...later])).code).toBe(0);
    expect(decodePng(await readFile(larger)).width).toBe(32);
  });

  it("reports its stages, and what it costs", async () => {
    const { context, getWork } = await openModel({ model: folders.first, superResolution: [folders.second] });
    expect(context.stageSizes?.map(({ usual }) => usual.width)).toEqual([8, 32]);
    const pipeline = new Pipeline(
      await loadParts({ model: folders.first, superResolution: folders.second, threads: 1 }),
    );
    const settings = pipeline.complete({ prompt: "a cat", steps: 3, superResolution: { steps: [2] } });
    const work = pipeline.getWork({ prompt: "a cat", steps: 3, superResolution: { steps: [2] } });
    expect(work.map(({ network, evaluations }) => [network, evaluations])).toEqual([
      ["text encoder", 2],
      ["stage 1 denoiser", 6],
      ["stage 2 denoiser", 4],
    ]);
    expect((await getWork!(settings)).map(({ network }) => network)).toEqual(
      work.map(({ network }) => network),
    );
    const seen: string[] = [];
    const request = { prompt: "a cat", steps: 3, superResolution: { steps: [2] } };
    for await (const event of pipeline.generate(request)) {
      if (event.kind === "step") {
        seen.push(`${event.stage} ${event.step}/${event.steps}`);
        expect((await event.preview()).width).toBe(event.stage === "base" ? 8 : 32);
      } else if (event.kind !== "load" && event.kind !== "encode") seen.push(event.kind);
    }
    await pipeline.dispose();
    const steps = [
      "base 1/3",
      "base 2/3",
      "base 3/3",
      "stage-image",
      "super-resolution 1/2",
      "super-resolution 2/2",
    ];
    expect(seen).toEqual([...steps, "decode", "image"]);
  });

  it("draws with weights in 8 bits, close to those of 32", async () => {
    const cache = process.env.NISHIKI_CACHE;
    process.env.NISHIKI_CACHE = join(root, "cache");
    try {
      const request = { prompt: "a cat", seed: 3, steps: 1, guidance: 1, timesteps: [300] };
      const [wide, narrow] = [
        await listen({ model: folders.first }),
        await listen({ model: folders.first, precision: "int8" }),
      ];
      const draws = [wide, narrow].map(async (heard) => {
        await draw(heard, request);
        const result = heard.results().get("base");
        await heard.pipeline.dispose();
        return result?.kind === "values" ? result.data : new Float32Array();
      });
      const [exact, rounded] = (await Promise.all(draws)) as [Float32Array, Float32Array];
      const error = Math.max(...exact.map((value, i) => Math.abs(value - rounded[i]!)));
      expect(error).toBeLessThan(0.05);
    } finally {
      if (cache === undefined) delete process.env.NISHIKI_CACHE;
      else process.env.NISHIKI_CACHE = cache;
    }
  });

  it("is described by info, with its licence", async () => {
    const { stdout } = await runHere(["info", folders.first]);
    expect(stdout).toMatch(/DeepFloyd IF/);
    expect(stdout).toMatch(/research only/);
    expect((await runHere(["info", folders.second])).stdout).toMatch(/four times as large/);
  });

  it("is downloaded with its shards and its vocabulary, and without a part that another folder has", async () => {
    const names = (await readdir(folders.first, { recursive: true })).map((name) =>
      name.replaceAll("\\", "/"),
    );
    const whole = names.filter((name) => /\.\w+$/.test(name));
    const others = ["safety_checker/model.safetensors", "text_encoder/pytorch_model.bin", "README.md"];
    const files = [...whole, ...others].map((path) => ({ path, size: 1 }));
    const choose = (choice: object) => chooseFiles(files, "org/if", choice).map(({ path }) => path);
    expect(choose({}).sort()).toEqual(whole.sort());
    const rest = choose({ without: ["text_encoder"] });
    expect(rest).toEqual(expect.arrayContaining(["unet/config.json", "tokenizer/spiece.model"]));
    expect(rest.some((path) => path.startsWith("text_encoder/"))).toBe(false);
    expect(() => choose({ without: ["t5"] })).toThrow('--without: org/if has no part "t5"');
  });
});

describe("a DeepFloyd IF folder", () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "nishiki-if-broken-"));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  let count = 0;
  async function damage(from: string, change: (folder: string) => Promise<unknown>): Promise<string> {
    const folder = join(root, String(count++));
    await cp(from, folder, { recursive: true });
    await change(folder);
    return folder;
  }
  async function editJson(path: string, change: object): Promise<void> {
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...change }));
  }
  const opening = (options: LoadOptions) => loadParts({ device: "cpu", threads: 1, ...options });

  it.each([
    [
      "lacks a shard",
      (at: string) => rm(join(at, "text_encoder/model-00002-of-00003.safetensors")),
      /model-00002-of-00003\.safetensors/,
    ],
    [
      "lacks its tokenizer",
      (at: string) => rm(join(at, "tokenizer/spiece.model")),
      /holds no T5 tokenizer: expected/,
    ],
    [
      "has the tokenizer of another model",
      (at: string) =>
        cp("tests/golden/pipelines/sd1/tokenizer", join(at, "tokenizer"), { recursive: true }).then(() =>
          rm(join(at, "tokenizer/spiece.model")),
        ),
      /holds no T5 tokenizer: expected tokenizer.json or spiece.model/,
    ],
    [
      "has a text encoder that knows fewer tokens",
      (at: string) => editJson(join(at, "text_encoder/config.json"), { vocab_size: 40 }),
      /shared\.weight|not the tokenizer of this model/,
    ],
    [
      "has a text encoder of another width",
      (at: string) => editJson(join(at, "text_encoder/config.json"), { d_model: 24 }),
      /states are 24 wide, but the denoiser of stage 1 takes 16/,
    ],
    [
      "has a denoiser of other sizes",
      (at: string) => editJson(join(at, "unet/config.json"), { block_out_channels: [8, 24] }),
      /The weights of \d+ do not fit its configs: "/,
    ],
    [
      "has an odd size",
      (at: string) => editJson(join(at, "unet/config.json"), { sample_size: 9 }),
      /sample_size: expected a multiple of 2 up to 1024, got 9/,
    ],
    [
      "lacks a part",
      (at: string) => rm(join(at, "unet"), { recursive: true }),
      /names unet, which is missing/,
    ],
    [
      "has a CLIP text encoder",
      (at: string) =>
        editJson(join(at, "model_index.json"), { text_encoder: ["transformers", "CLIPTextModel"] }),
      /its text_encoder is a CLIPTextModel, expected T5EncoderModel/,
    ],
  ] as const)("that %s is refused with the reason", async (_, change, message) => {
    const folder = await damage(folders.first, change);
    await expect(opening({ model: folder })).rejects.toMatchObject({
      code: expect.stringMatching(/^(checkpoint|file)$/),
      message: expect.stringMatching(message),
    });
  });

  it("draws in a mask and around a picture, which stays as it is elsewhere", async () => {
    const load = { model: folders.first, superResolution: [folders.second], threads: 1 };
    const heard = await listen(load);
    const image = await readInputImage(golden("if-picture-large.png"));
    const { mask } = await readMask(golden("if-mask-large.png"));
    const few = { prompt: "a cat", seed: 1, steps: 3, superResolution: { steps: [3] } };
    const masked = await draw(heard, { ...few, init: { image }, inpaint: { mask } });
    const changed = masked.image.pixels.map((value, i) => Number(value !== image.data[i]));
    expect(changed.some(Boolean)).toBe(true);
    changed.forEach((value, i) => {
      if (mask.data[i] === 0) expect(value).toBe(0);
    });
    const extended = await draw(heard, { ...few, init: { image }, inpaint: { extend: { right: 16 } } });
    expect([extended.image.width, extended.image.height]).toEqual([48, 32]);
    expect(extended.image.pixels.subarray(0, 3 * 32)).toEqual(image.data.subarray(0, 3 * 32));
    const complete = (request: object) => () =>
      heard.pipeline.complete({ ...few, ...request } as ImageRequest);
    const small = await readInputImage(golden("if-picture.png"));
    const sized = { init: { image: small }, size: "32x32" };
    expect(complete(sized)).not.toThrow();
    expect(complete({ ...sized, superResolution: { strength: [0.5] } })).toThrow(/image of 32x32 pixels/);
    expect(complete({ superResolution: { strength: [0.5] } })).toThrow(/requires an init.image/);
    expect(complete({ init: { image }, superResolution: { steps: [2], strength: [0.4] } })).toThrow(
      /superResolution.strength: expected at least 0.5/,
    );
    await heard.pipeline.dispose();
    const second = await openModel({ model: folders.second });
    expect(second.context.takes).not.toContain("inpaint");
  });

  it("must be followed by the stage that fits it", async () => {
    const other = await damage(folders.second, (at) =>
      editJson(join(at, "unet/config.json"), { sample_size: 64 }),
    );
    await expect(opening({ model: folders.first, superResolution: other })).rejects.toThrow(
      "stage 1 draws 8 pixels, so stage 2 should draw 32, not 64",
    );
    await expect(opening({ model: folders.first, superResolution: folders.first })).rejects.toThrow(
      "holds a IFPipeline, which is not supported here; expected IFSuperResolutionPipeline",
    );
    await expect(opening({ model: folders.second, superResolution: folders.second })).rejects.toThrow(
      "superResolution: this model is stage 2 itself",
    );
    await expect(
      opening({ model: folders.first, superResolution: [folders.third, folders.second] }),
    ).rejects.toThrow("the x4 upscaler draws the last stage; name it last");
    await expect(
      opening({ model: "tests/golden/pipelines/sd1", superResolution: folders.second }),
    ).rejects.toThrow("superResolution: only DeepFloyd IF models support this option");
  });

  it("of stage 2 says what it needs", async () => {
    const { context } = await openModel({ model: folders.second });
    const pipeline = new Pipeline(await opening({ model: folders.second }));
    expect(context.needsInit).toBe(true);
    expect(() => pipeline.complete({ prompt: "a" })).toThrow("init.image: this model enlarges an image");
    await pipeline.dispose();
  });
});
