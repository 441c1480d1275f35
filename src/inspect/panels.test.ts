import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { encodeWebp } from "../image/node.js";
import {
  type ImageRequest,
  type NetworkWork,
  type Pipeline,
  type Pixels,
  unknownSpeed,
} from "../pipeline/index.js";
import { loadPipeline } from "../pipeline/node.js";
import { explain } from "./explain.js";
import { type DrawingPipeline, type ExplainProgress, withSteps } from "./explain-progress.js";
import { emptyExplanation, joinExplanations, mergeParts } from "./explanation-parts.js";
import type { PanelName } from "./panel-names.js";
import { pricePanels } from "./panel-prices.js";
import { planPanels } from "./panels.js";
import { makeStepFilm } from "./step-film.js";

const model = fileURLToPath(new URL("../../tests/golden/pipelines/sd1", import.meta.url));
let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await loadPipeline({ model, device: "cpu", threads: 1 });
});
afterAll(() => pipeline.dispose());

const request = { prompt: "a blue cat", seed: 4, steps: 4 };
const amounts = { seeds: 2, seedSteps: 2, words: 2, scales: [1, 8] };

interface Drawn {
  readonly panel: PanelName;
  readonly request: ImageRequest;
  steps: number;
}

/** What an explanation really draws. */
async function watch(): Promise<{
  readonly drawn: readonly Drawn[];
  readonly told: readonly ExplainProgress[];
}> {
  const drawn: Drawn[] = [];
  const told: ExplainProgress[] = [];
  const steps = withSteps(pipeline, () => {
    drawn.at(-1)!.steps += 1;
  });
  const counting: DrawingPipeline = {
    ...steps,
    generate: (asked, options) => {
      drawn.push({ panel: told.at(-1)!.panel, request: asked, steps: 0 });
      return steps.generate(asked, options);
    },
  };
  const onProgress = (progress: ExplainProgress) => told.push(progress);
  for await (const _ of explain(counting, request, { ...amounts, onProgress }));
  return { drawn, told };
}

it("plans as many drawings, steps and evaluations as are then drawn", async () => {
  const { drawn, told } = await watch();
  const settings = pipeline.complete(request);
  const denoised = (of: ImageRequest) =>
    pipeline.getWork(of).find(({ network }) => network === "denoiser")!.evaluations;
  const own = denoised(request);
  const plans = planPanels(settings, amounts);
  expect(plans.map(({ panel }) => panel)).toEqual([...new Set(drawn.map(({ panel }) => panel))]);
  for (const plan of plans) {
    const of = drawn.filter(({ panel }) => panel === plan.panel);
    const steps = of.reduce((sum, one) => sum + one.steps, 0);
    expect([plan.panel, plan.drawings, plan.steps]).toEqual([plan.panel, of.length, steps]);
    if (!["leave-out", "word-pull", "switch", "scales"].includes(plan.panel)) continue;
    const evaluations = of.reduce((sum, one) => sum + denoised(one.request), 0);
    expect([plan.panel, plan.denoise]).toEqual([plan.panel, expect.closeTo(evaluations / own, 6)]);
  }
  // Progress never goes back, and ends at the end.
  const fractions = told.map(({ fraction }) => fraction);
  expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  expect(fractions.at(-1)).toBeCloseTo(1, 6);
});

it("decodes predictions at the end as they were when they were made", async () => {
  const asked = { ...request, sampler: "dpmpp-2m" };
  const probe = { onAttention: () => {} };
  const previews: Uint8Array[] = [];
  for await (const event of pipeline.generate(asked, { probe }))
    if (event.kind === "step") previews.push((await event.preview()).data as Uint8Array);
  for await (const finding of explain(pipeline, asked, { panels: [] }))
    if (finding.kind === "steps") expect(finding.images.map(({ data }) => data)).toEqual(previews);
  expect(previews.length).toBe(4);
});

it("draws every panel where only one network stays in memory", async () => {
  await using small = await loadPipeline({ model, device: "cpu", threads: 1, lowMemory: true });
  const kinds = new Set<string>();
  const asked = { ...request, steps: 2 };
  for await (const { kind } of explain(small, asked, { ...amounts, seeds: 1, words: 1 })) kinds.add(kind);
  expect([...kinds]).toEqual([
    ...["drawing", "work", "tokens", "steps", "words", "pull", "without"],
    ...["seeds", "word-pull", "arrow", "switch", "guidance"],
  ]);
});

it("leaves out panels that a request cannot have, and those that were not chosen", () => {
  const plan = (more: object, options: object = {}) =>
    planPanels({ ...pipeline.complete(request), ...more }, options).map(({ panel }) => panel);
  expect(plan({})).toEqual([
    ...["drawing", "pull", "leave-out", "seeds", "word-pull", "arrow", "switch", "scales"],
  ]);
  expect(plan({ fast: true, guidance: 1 })).toEqual(["drawing", "leave-out", "seeds"]);
  expect(plan({ guidance: 1 })).toEqual(["drawing", "pull", "leave-out", "seeds", "scales"]);
  expect(plan({}, { panels: ["seeds"] })).toEqual(["drawing", "seeds"]);
  expect(plan({}, { seeds: 0, words: 0, scales: [] })).toEqual(["drawing", "pull", "arrow"]);
});

it("prices panels by their evaluations", () => {
  const network = (name: string, group: NetworkWork["group"], multiplications: number): NetworkWork => ({
    ...{
      network: name,
      multiplications,
      evaluations: 1,
      rows: 1,
      parameters: 1,
      weightBytes: 0,
      valueBytes: 1e9,
    },
    ...(group && { group }),
  });
  const work = [
    network("text encoder", "text", 10),
    network("denoiser", "denoise", 100),
    network("decoder", "decode", 1),
  ];
  const kinds = ["text encoder 1", "denoiser 1", "decoder 1"];
  const networks = Object.fromEntries(kinds.map((kind) => [kind, { rate: 1, loadSeconds: 9, drawings: 1 }]));
  const speed = { ...unknownSpeed, networks, rest: { "denoiser 1": { load: 9, image: 0.5 } } };
  const plan = {
    panel: "word-pull" as const,
    drawings: 2,
    steps: 8,
    text: 3,
    denoise: 1.5,
    decode: 20,
    rows: 2,
  };
  const [price] = pricePanels([plan], work, { speed, budget: 1e9 });
  // 3 · 10 + 1.5 · 100 + 20 · 1 + 2 · 0.5, and nothing for loading.
  expect(price).toMatchObject({ panel: "word-pull", drawings: 2, isMeasured: true });
  expect(price!.seconds).toBeCloseTo(201, 6);
  // Networks that do not fit together are loaded again for each of the two drawings.
  const [large] = pricePanels([plan], work, { speed, budget: 11 });
  expect(large!.seconds - price!.seconds).toBeCloseTo(2 * (9 + 9 + 9), 6);
  const [plain] = pricePanels([{ ...plan, rows: 1 }], work, { speed, budget: 1e9 });
  expect(price!.bytes - plain!.bytes).toBeCloseTo(1e9, 0);
});

it("merges parts, and joins what two explanations of one drawing found", () => {
  const run = (panel: PanelName) => ({ panel, drawings: 1, seconds: 1 });
  const switched = { word: "cat", prompt: "a", steps: 4, images: [] };
  const first = mergeParts([
    { prompt: "a cat", panels: [run("drawing")] },
    { stepImages: ["a"], tokens: ["a", "cat"], panels: [run("drawing"), run("switch")], switched },
  ]);
  expect(first).toMatchObject({ prompt: "a cat", stepImages: ["a"], leftOut: [], switched });
  const scales = [{ scale: 1, image: "b" }];
  const second = mergeParts([{ prompt: "a cat", scales, panels: [run("drawing"), run("scales")] }]);
  const both = joinExplanations(first, second);
  expect(both).toEqual({ ...first, scales, panels: [run("switch"), run("drawing"), run("scales")] });
  expect(mergeParts([])).toEqual(emptyExplanation);
});

it("makes a film of the steps without touching their bytes", async () => {
  const image = (value: number): Pixels => ({
    ...{ width: 24, height: 16, channels: 3 },
    data: new Uint8Array(24 * 16 * 3).fill(value),
  });
  const values = [20, 120, 220];
  const stills = await Promise.all(values.map((value) => encodeWebp(image(value), { quality: 88 })));
  const urls = stills.map((bytes) => `data:image/webp;base64,${Buffer.from(bytes).toString("base64")}`);
  const film = makeStepFilm(urls, { milliseconds: 100, endMilliseconds: 900 });
  const metadata = await sharp(film, { pages: -1 }).metadata();
  expect(metadata).toMatchObject({ pages: 3, width: 24, pageHeight: 16, delay: [100, 100, 900], loop: 0 });
  for (const [page, still] of stills.entries()) {
    const pixels = (bytes: Uint8Array, at: number) =>
      sharp(bytes, { page: at }).removeAlpha().raw().toBuffer();
    expect(await pixels(film, page)).toEqual(await pixels(still, 0));
  }
  expect(() => makeStepFilm([])).toThrow(/at least one image/);
  expect(() => makeStepFilm([`data:image/png;base64,${btoa("no WebP at all")}`])).toThrow(/expected WebP/);
});
