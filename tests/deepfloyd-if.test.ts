// DeepFloyd IF against diffusers: the same seed, the same words, and the pixels of every stage before they become bytes.
// tests/golden/scripts/deepfloyd_if.py made them; the file's metadata says with which versions.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSafetensors } from "../src/checkpoint/node.js";
import { type ImageRequest, Pipeline, readInputImage } from "../src/index.js";
import type { LoadOptions, Model, StageInput, TransformStage } from "../src/pipeline/index.js";
import { loadParts } from "../src/pipeline/node.js";

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
  readonly strength?: number;
  readonly from?: boolean;
}

const file = await openSafetensors(golden("if.safetensors"));
const cases = Object.entries(JSON.parse(file.metadata.cases!) as Record<string, Case>);
const folders = { first: golden("if-1"), second: golden("if-2") };

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
async function compare(name: string, stage: 1 | 2, results: StageInput["results"]): Promise<number> {
  const found = results.get(stage === 1 ? "base" : "super-resolution");
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
    whole = await listen({ model: folders.first, superResolution: folders.second });
    second = await listen({ model: folders.second });
  });
  afterAll(async () => {
    await whole?.pipeline.dispose();
    await second?.pipeline.dispose();
  });

  it.each(cases.filter(([, { from }]) => !from))("%s", async (name, one) => {
    const { prompt, negative, seed, steps, guidance, stages, timesteps, strength } = one;
    const factor = stages === 2 ? 4 : 1;
    const request: ImageRequest = {
      ...{ prompt, negativePrompt: negative, seed, guidance, stages },
      ...(timesteps ? { timesteps } : { steps }),
      size: { width: factor * (one.width ?? 8), height: factor * (one.height ?? 8) },
      ...(stages === 2 && {
        superResolution: { steps: [one.steps2], guidance: [one.guidance2], noiseLevel: [one.noise] },
      }),
      ...(strength && { init: { image: await readInputImage(golden("if-picture.png")), strength } }),
    };
    const { warnings } = await draw(whole, request);
    for (const stage of stages === 2 ? ([1, 2] as const) : ([1] as const))
      expect(await compare(name, stage, whole.results())).toBeLessThan(1e-4);
    expect(warnings.filter((warning) => !/tokens, over the limit of 76/.test(warning))).toEqual([]);
    expect(warnings).toHaveLength(name === "long" ? 1 : 0);
  });

  it.each(cases.filter(([, { from }]) => from))("%s", async (name, one) => {
    const { prompt, negative, seed, steps2: steps, guidance2: guidance, noise } = one;
    const image = await readInputImage(golden(one.width === 12 ? "if-picture-wide.png" : "if-picture.png"));
    const asked = { prompt, negativePrompt: negative, seed, steps, guidance, init: { image } };
    await draw(second, { ...asked, superResolution: { noiseLevel: [noise] } });
    expect(await compare(name, 2, second.results())).toBeLessThan(1e-4);
  });
});
