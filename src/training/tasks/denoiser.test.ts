import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { denoiserConfigs, placementChannels } from "../../models/index.js";
import { random } from "../../random/index.js";
import {
  defaultDenoiserTraining,
  denoiserBatch,
  evenTimestepSampling,
  type TimestepSampling,
} from "./denoiser.js";
import {
  boxNumbers,
  EncodedScenes,
  mostBoxes,
  mostSpots,
  spotNumbers,
  writeShard,
} from "./encoded-scenes.js";

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
    boxes: Float32Array.from({ length: count * mostBoxes * boxNumbers }, (_, i) =>
      // Of the second scene alone: one thing in the upper left quarter.
      i >= 16 && i < 20 ? [0.25, 0.25, 0.5, 1][i - 16]! : 0,
    ),
  });
  scenes = new EncodedScenes(folder, count, textWidth);
  await scenes.open(1);
});

afterAll(() => rm(folder, { recursive: true }));

function logits(timestepSampling: TimestepSampling): number[] {
  const training = { ...defaultDenoiserTraining, timestepSampling };
  const batch = denoiserBatch(scenes, 4, config, training, { batchSize: 512, seed: 3, step: 0 });
  const t = [...(batch.time!.data as Float32Array)];
  expect(Math.min(...t)).toBeGreaterThan(0);
  expect(Math.max(...t)).toBeLessThanOrEqual(1);
  return t.map((each) => Math.log(each / (1 - each)));
}

const meanOf = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;

describe("denoiserBatch", () => {
  it.each([
    ["even", evenTimestepSampling],
    ["the default", defaultDenoiserTraining.timestepSampling],
    ["narrow and clean", { mean: -2, std: 0.5 }],
  ])("draws times as asked for: %s", (_, times) => {
    const z = logits(times);
    const mean = meanOf(z);
    const deviation = Math.sqrt(meanOf(z.map((each) => (each - mean) ** 2)));
    // Four standard errors of 512 draws.
    expect(Math.abs(mean - times.mean)).toBeLessThan((4 * times.std) / Math.sqrt(512));
    expect(Math.abs(deviation - times.std)).toBeLessThan((4 * times.std) / Math.sqrt(1024));
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
    const number = { batchSize: 32, seed: 3, step: 0 };
    const { elsewhere } = denoiserBatch(scenes, 4, regions, training, number);
    expect(elsewhere!.shape).toEqual([32, 16, 32]);
    expect((elsewhere!.data as Float32Array).reduce((a, b) => a + b)).toBeGreaterThan(0);
    const dropped = denoiserBatch(scenes, 4, regions, { ...training, captionDropout: 1 }, number);
    expect((dropped.elsewhere!.data as Float32Array).some((mark) => mark !== 0)).toBe(false);
    expect(denoiserBatch(scenes, 4, config, training, number).elsewhere).toBeUndefined();
  });

  it("says the same of many things, by their boxes", async () => {
    const one = new Float32Array(mostSpots * spotNumbers);
    // Token 0 names two things in the upper corners, token 2 one over the whole lower half.
    one.set([...[0, 1, 0.125, 0.125, 0.2], ...[0, 1, 0.875, 0.125, 0.2], ...[2, 3, 0.5, 0.95, 0.9]]);
    const [latentShape, other] = [[2, latentSize, latentSize, latentChannels], join(folder, "many")];
    await writeShard(other, 0, {
      latents: new Float32Array(latentShape.reduce((a, b) => a * b)),
      latentShape,
      text: new Float32Array(6 * textWidth),
      textWidth,
      starts: Int32Array.of(0, 3, 6),
      captions: ["a", "b"],
      places: new Int32Array(10),
      boxes: new Float32Array(2 * mostBoxes * boxNumbers),
      spots: Float32Array.of(...one, ...new Float32Array(one.length)),
    });
    const many = new EncodedScenes(other, 2, textWidth);
    await many.open(1);
    const marks = new Float32Array(16 * 3);
    many.markElsewhere(0, 4, 3, marks);
    const cells = Array.from({ length: 16 }, (_, cell) => marks.subarray(cell * 3, cell * 3 + 3).join(""));
    expect(cells.slice(0, 4)).toEqual(["001", "101", "101", "001"]);
    expect(cells.slice(4, 8)).toEqual(["101", "101", "101", "101"]);
    expect(cells.slice(12)).toEqual(["100", "100", "100", "100"]);
    marks.fill(0);
    many.markElsewhere(1, 4, 3, marks);
    expect(marks.some((mark) => mark !== 0)).toBe(false);
  });

  it("pairs noise with the images it is nearest to, or leaves it as it was drawn", () => {
    const number = { batchSize: 8, seed: 3, step: 5 };
    const batch = (pairedNoise: boolean) =>
      denoiserBatch(scenes, 4, config, { ...defaultDenoiserTraining, pairedNoise }, number);
    const [paired, drawn] = [batch(true), batch(false)];
    expect(drawn.latents).toEqual(paired.latents);
    expect(drawn.noise!.data).not.toEqual(paired.noise!.data);
    expect([...(drawn.noise!.data as Float32Array)].sort()).toEqual(
      [...(paired.noise!.data as Float32Array)].sort(),
    );
    expect(drawn.noise!.data).toEqual(random(3, "noise", 5).normals(drawn.noise!.data.length));
  });

  it("tells networks that see it where things lie, and now and then not", () => {
    const map = new Float32Array(16 * 16 * placementChannels);
    scenes.drawPlacement(1, 16, map);
    const cell = (row: number, column: number) => [
      ...map.subarray((row * 16 + column) * placementChannels, (row * 16 + column + 1) * placementChannels),
    ];
    expect(cell(0, 0)).toEqual([1, 1, -0.875, -0.875, 0, 1]);
    expect(cell(3, 4)).toEqual([1, 1, 0.125, -0.125, 0, 1]);
    expect(cell(12, 12)).toEqual([1, 0, 0, 0, 0, 0]);
    const unknown = new Float32Array(map.length);
    scenes.drawPlacement(0, 16, unknown);
    expect(unknown.every((value) => value === 0)).toBe(true);
    const number = { batchSize: 64, seed: 3, step: 0 };
    const { placement } = denoiserBatch(
      scenes,
      4,
      { ...config, placement: true },
      defaultDenoiserTraining,
      number,
    );
    const known = Array.from({ length: 64 }, (_, i) => placement!.data[i * map.length] === 1);
    const share = known.filter(Boolean).length / 64;
    // One scene in four has a placement, of which 85% are told: four standard errors of 64 draws.
    expect(Math.abs(share - 0.2125)).toBeLessThan(0.205);
    expect(share).toBeGreaterThan(0);
    expect(denoiserBatch(scenes, 4, config, defaultDenoiserTraining, number).placement).toBeUndefined();
  });

  it("trains one time alone where the deviation is 0", () => {
    for (const z of logits({ mean: 1, std: 0 })) expect(z).toBeCloseTo(1, 5);
  });
});
