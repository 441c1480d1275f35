import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { denoiserConfigs } from "../../models/index.js";
import { random } from "../../random/index.js";
import { defaultDenoiserTraining, denoiserBatch, evenTimes, type TimesConfig } from "./denoiser.js";
import { EncodedScenes, writeShard } from "./encoded-scenes.js";

const config = denoiserConfigs.tiny;
const { latentSize, latentChannels, textWidth } = config;

let folder: string;
let scenes: EncodedScenes;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-batch-"));
  const count = 4;
  const latentShape = [count, latentSize, latentSize, latentChannels];
  await writeShard(folder, 0, {
    latents: random(1, "latents").normals(latentShape.reduce((a, b) => a * b)),
    latentShape,
    text: random(1, "text").normals(count * 3 * textWidth),
    textWidth,
    starts: Int32Array.from({ length: count + 1 }, (_, i) => i * 3),
    captions: ["a", "b", "c", "d"],
    places: Int32Array.from([...[0, 0, 0, 0, 0], ...[1, 0, 1, 2, 3], ...[2, 2, 3, 0, 1], ...[0, 0, 0, 0, 0]]),
  });
  scenes = new EncodedScenes(folder, count, textWidth);
  await scenes.open(1);
});

afterAll(() => rm(folder, { recursive: true }));

function logits(times: TimesConfig): number[] {
  const training = { ...defaultDenoiserTraining, times };
  const batch = denoiserBatch(scenes, 4, config, training, 512, 3, 0);
  const t = [...(batch.time!.data as Float32Array)];
  expect(Math.min(...t)).toBeGreaterThan(0);
  expect(Math.max(...t)).toBeLessThanOrEqual(1);
  return t.map((each) => Math.log(each / (1 - each)));
}

const meanOf = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;

describe("denoiserBatch", () => {
  it.each([
    ["even", evenTimes],
    ["the default", defaultDenoiserTraining.times],
    ["narrow and clean", { mean: -2, deviation: 0.5 }],
  ])("draws times as asked for: %s", (_, times) => {
    const z = logits(times);
    const mean = meanOf(z);
    const deviation = Math.sqrt(meanOf(z.map((each) => (each - mean) ** 2)));
    // Four standard errors of 512 draws.
    expect(Math.abs(mean - times.mean)).toBeLessThan((4 * times.deviation) / Math.sqrt(512));
    expect(Math.abs(deviation - times.deviation)).toBeLessThan((4 * times.deviation) / Math.sqrt(1024));
  });

  it("says which words name what lies elsewhere, of scenes with two things", () => {
    const marked = (scene: number) => {
      const marks = new Float32Array(16 * 3);
      scenes.markElsewhere(scene, 4, 3, marks);
      return Array.from({ length: 16 }, (_, cell) => marks.subarray(cell * 3, cell * 3 + 3).join(""));
    };
    const rows = (left: string, right: string) => [left, left, right, right];
    expect(marked(0)).toEqual(new Array(16).fill("000"));
    expect(marked(1)).toEqual([0, 1, 2, 3].flatMap(() => rows("001", "100")));
    expect(marked(2)).toEqual([...new Array(8).fill("100"), ...new Array(8).fill("001")]);
    const regions = { ...config, regions: { side: 4, width: 8 } };
    const training = { ...defaultDenoiserTraining, captionDropout: 0 };
    const { elsewhere } = denoiserBatch(scenes, 4, regions, training, 32, 3, 0);
    expect(elsewhere!.shape).toEqual([32, 16, 32]);
    expect((elsewhere!.data as Float32Array).reduce((a, b) => a + b)).toBeGreaterThan(0);
    const dropped = denoiserBatch(scenes, 4, regions, { ...training, captionDropout: 1 }, 32, 3, 0);
    expect((dropped.elsewhere!.data as Float32Array).some((mark) => mark !== 0)).toBe(false);
    expect(denoiserBatch(scenes, 4, config, training, 32, 3, 0).elsewhere).toBeUndefined();
  });

  it("trains one time alone where the deviation is 0", () => {
    for (const z of logits({ mean: 1, deviation: 0 })) expect(z).toBeCloseTo(1, 5);
  });
});
