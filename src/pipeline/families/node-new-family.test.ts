// The recipe "add a family", counted: what a further family needs is this file and a row in the table, and nothing of the
// pipeline changes. It draws as DALL-E 2 does: a prior over a vector, then pixels without any autoencoder.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getDenoiser, getFlowSchedule, getSampler, getStepSchedule } from "../../diffusion/index.js";
import type { ImageSettings } from "../image-request.js";
import { Pipeline } from "../pipeline.js";
import { toBytes } from "../pixels.js";
import type { Conditioning, DiffusionStage, Model, Plan } from "../plan.js";
import { getValues } from "../stage-results.js";
import { families, openWithFamily } from "./node-families.js";
import type { Family } from "./node-family.js";

const width = 12;
const side = 8;
const schedule = getFlowSchedule({ shift: 1 });

/** A plan's step schedule may depend on the size: here the prior takes twice the steps. */
const plan = ({ steps, sampler, guidance }: ImageSettings, count: number) => {
  const sigmas = getStepSchedule("simple").getSigmas(count * steps, schedule);
  const stepPlan = { sampler: getSampler(sampler).sample, sigmas, noiseScale: sigmas[0]! };
  return { steps: stepPlan, guidance: { scale: guidance } };
};

/** Expects the vector that stands for the prompt; there is no image to preview. */
const makePrior = (settings: ImageSettings): DiffusionStage => ({
  kind: "diffusion",
  name: "prior",
  shape: [width],
  ...plan(settings, 2),
  start: async () => ({
    denoiser: () =>
      getDenoiser<Conditioning>(
        "sample",
        async (noisy, _, conditions) =>
          noisy.map((__, i) => (conditions[Math.floor(i / width)] === "cond" ? 0.5 : 0)),
        schedule,
      ),
  }),
});

/** Expects pixels of the colour that the prior gave, [height, width, 3]. */
const makePixels = (settings: ImageSettings, onRun: () => void): DiffusionStage => ({
  kind: "diffusion",
  name: "pixels",
  shape: [side, side, 3],
  ...plan(settings, 1),
  start: async ({ results }) => {
    const colour = getValues(results.get("prior"));
    const toPixels = (data: Float32Array) => {
      return { width: side, height: side, channels: 3 as const, data: toBytes(data) };
    };
    const network = async (noisy: Float32Array) => {
      onRun();
      return noisy.map((value, i) => colour[i % 3]! + 0.01 * value);
    };
    return {
      denoiser: () => getDenoiser<Conditioning>("sample", network, schedule),
      preview: async (denoised) => toPixels(denoised),
      finish: (latents) => ({ kind: "pixels", pixels: toPixels(latents) }),
    };
  },
});

let runs = 0;
const model: Model = {
  identity: { name: "toy", version: "1" },
  context: {
    defaults: { steps: 3, guidance: 2, sampler: "euler" },
    sizes: { usual: { width: side, height: side } },
    takes: ["variation", "rng"],
  },
  prepare: async (settings): Promise<Plan> => ({
    warnings: [],
    stages: [makePrior(settings), makePixels(settings, () => runs++)],
  }),
};

const toyFamily: Family = {
  id: "toy",
  title: "Toy",
  loadOptions: [],
  detect: ({ entries }) => entries.has("toy.json"),
  open: async () => ({
    context: model.context,
    load: async () => {
      const environment = {
        version: "1",
        device: "none",
        runtime: "none",
        platform: "none",
        weights: {},
        load: {},
      };
      return { model, environment, close: async () => {} };
    },
  }),
  describe: async ({ path }) => ({ what: "toy", description: { title: path, values: {} } }),
};

const table = [...families, toyFamily];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-toy-"));
  await writeFile(join(folder, "toy.json"), "{}");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const open = async () =>
  new Pipeline(await (await openWithFamily(folder, { device: "cpu" }, {}, table)).load());

describe("a family of two diffusions", () => {
  it("draws through the table, with steps of each stage and previews where there is an image", async () => {
    const pipeline = await open();
    const steps: string[] = [];
    const previews: unknown[] = [];
    const shown = new Set<string>();
    for await (const event of pipeline.generate({ prompt: "a cat", seed: 1, count: 2 })) {
      if (event.kind === "step") {
        steps.push(`${event.index} ${event.stage} ${event.step}/${event.steps}`);
        expect(event.totalSecondsLeft).toBeGreaterThanOrEqual(event.secondsLeft);
        if (event.hasPreview) shown.add(event.stage);
        previews.push(await event.preview().catch((error: Error) => error.message));
      }
      if (event.kind === "image")
        expect([event.width, event.height, event.seed]).toEqual([8, 8, 1 + event.index]);
    }
    const each = (index: number) => [
      ...[1, 2, 3, 4, 5, 6].map((step) => `${index} prior ${step}/6`),
      ...[1, 2, 3].map((step) => `${index} pixels ${step}/3`),
    ];
    expect(steps).toEqual([...each(0), ...each(1)]);
    expect(previews[0]).toMatch(/^The stage "prior" has no preview/);
    expect(previews[6]).toMatchObject({ width: 8, height: 8 });
    expect([...shown]).toEqual(["pixels"]);
    await pipeline.dispose();
  });

  it("gives the same pixels for the same seed, and others for another or a variation", async () => {
    const pipeline = await open();
    const draw = async (more: object) => {
      for await (const event of pipeline.generate({ prompt: "a cat", seed: 1, ...more }))
        if (event.kind === "image") return Buffer.from(event.pixels).toString("hex");
      throw new Error("no image");
    };
    const first = await draw({});
    expect(await draw({})).toBe(first);
    expect(await draw({ seed: 2 })).not.toBe(first);
    expect(await draw({ variation: { seed: 3, strength: 0.5 } })).not.toBe(first);
    expect(await draw({ rng: "torch-cpu" })).not.toBe(first);
  });

  it("is cancelled between and within stages, and lets the next request work", async () => {
    const pipeline = await open();
    for (const [stage, step] of [
      ["prior", 6],
      ["pixels", 1],
    ] as const) {
      const controller = new AbortController();
      runs = 0;
      const work = async () => {
        for await (const event of pipeline.generate({ prompt: "a cat" }, { signal: controller.signal }))
          if (event.kind === "step" && event.stage === stage && event.step === step) controller.abort();
      };
      await expect(work()).rejects.toMatchObject({ code: "aborted" });
      expect(runs).toBe(stage === "prior" ? 0 : 1);
    }
    const kinds: string[] = [];
    for await (const event of pipeline.generate({ prompt: "a cat" })) kinds.push(event.kind);
    expect(kinds).not.toContain("wait");
    expect(kinds.at(-1)).toBe("image");
  });
});
