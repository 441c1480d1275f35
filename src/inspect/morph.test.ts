import { expect, it } from "vitest";
import type { ImageRequest } from "../pipeline/index.js";
import { loadPipeline } from "../pipeline/node.js";
import { psnr } from "./image-statistics.js";
import { type MorphFrame, makeFrameRequest, morph } from "./morph.js";

it("asks for both prompts and both seeds, by their shares, and for the plain ends", () => {
  const way = { from: { prompt: "a cat", seed: 1 }, to: { prompt: "a dog", seed: 9 } };
  expect(makeFrameRequest(way, 0)).toEqual({ prompt: "a cat", seed: 1, count: 1 });
  expect(makeFrameRequest(way, 1)).toEqual({ prompt: "a dog", seed: 9, count: 1 });
  expect(makeFrameRequest(way, 0.25)).toEqual({
    prompt: "a cat :0.750000 AND a dog :0.250000",
    seed: 1,
    count: 1,
    variation: { seed: 9, strength: 0.25 },
  });
  const still = { ...way, to: { ...way.from, seed: 9 } };
  expect(makeFrameRequest(still, 0.5)).toMatchObject({ prompt: "a cat" });
});

it("leads from one drawing to the other", async () => {
  await using pipeline = await loadPipeline({ device: "cpu", threads: 1 });
  const draw = async (request: ImageRequest) => {
    for await (const event of pipeline.generate(request))
      if (event.kind === "image") return { ...event, channels: 3 as const, data: event.pixels };
    throw new Error("no image");
  };
  const request = { steps: 4 };
  const way = { from: { prompt: "a cat", seed: 1 }, to: { prompt: "a red house", seed: 2 } };
  const frames: MorphFrame[] = [];
  for await (const frame of morph(pipeline, { ...way, frames: 5, request })) frames.push(frame);
  const [first, last] = [await draw({ ...request, ...way.from }), await draw({ ...request, ...way.to })];
  expect(frames.map(({ at }) => at)).toEqual([0, 0.25, 0.5, 0.75, 1]);
  expect(frames[0]!.image.data).toEqual(first.data);
  expect(frames[4]!.image.data).toEqual(last.data);
  // Every step leads away from the one and towards the other.
  const away = frames.map(({ image }) => psnr(image, first));
  const towards = frames.map(({ image }) => psnr(image, last));
  expect(away).toEqual([...away].sort((a, b) => b - a));
  expect(towards).toEqual([...towards].sort((a, b) => a - b));
});

it("refuses ends that cannot be joined, with what helps", async () => {
  await using pipeline = await loadPipeline({ device: "cpu", threads: 1 });
  const ends = (prompt: string) => ({ from: { prompt: "a cat", seed: 1 }, to: { prompt, seed: 1 } });
  const start = (options: Parameters<typeof morph>[1]) => morph(pipeline, options).next();
  await expect(start({ ...ends("a dog"), frames: 1 })).rejects.toThrow(/frames: expected .* from 2/);
  await expect(start({ ...ends("a dog AND a house") })).rejects.toThrow(/without AND/);
  await expect(start({ ...ends("a dog"), request: { guidance: 1 } })).rejects.toThrow(/needs guidance/);
});
