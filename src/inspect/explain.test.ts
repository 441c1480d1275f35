import { expect, it } from "vitest";
import { embeddedModel, loadPipeline, readModelFolder } from "../pipeline/node.js";
import { ComposedAttribution, joinTokens } from "./composed-prompt.js";
import { explain } from "./explain.js";
import type { Finding } from "./findings.js";
import { GuidanceMagnitude } from "./guidance-magnitude.js";
import { correlate, differ, meanImage, meanPairDistance, psnr } from "./image-statistics.js";
import { withoutWord } from "./prompt-words.js";
import { measureSettling } from "./settling.js";
import { measureWordPull } from "./word-pull.js";

const image = (...data: number[]) => ({
  width: data.length / 3,
  height: 1,
  channels: 3 as const,
  data: Uint8Array.from(data),
});

it("measures images by hand", () => {
  const [black, white] = [image(0, 0, 0), image(255, 255, 255)];
  expect(psnr(black, black)).toBe(99);
  expect(psnr(black, white)).toBe(0);
  expect([...differ(image(0, 0, 0, 30, 60, 90), image(255, 255, 255, 30, 60, 0))]).toEqual([
    1,
    Math.fround(90 / 3 / 255),
  ]);
  expect([...meanImage([black, white]).data]).toEqual([128, 128, 128]);
  expect(meanPairDistance([black, white, black])).toBeCloseTo(170, 6);
  expect(() => psnr(black, image(1, 2, 3, 4, 5, 6))).toThrow(/one size/);
  expect(correlate([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 10);
  expect(correlate([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 10);
  expect(correlate([1, 1], [1, 2])).toBe(0);
});

it("leaves out the words that say something, and closes the gap", () => {
  const words = ["a", "blue", "cat", "in", "the", "sea", "woodblock"].map((text) => ({
    text,
    positions: [0],
  }));
  const prompt = "a blue cat in the sea, woodblock";
  const variants = withoutWord(prompt, { text: prompt, tokens: [], words }, [], 10);
  expect(variants.map((variant) => variant.prompt)).toEqual([
    "a cat in the sea, woodblock",
    "a blue in the sea, woodblock",
    "a blue cat in the, woodblock",
    "a blue cat in the sea,",
  ]);
  expect(
    withoutWord("cat", { text: "cat", tokens: [], words: [{ text: "cat", positions: [1] }] }, [], 3),
  ).toEqual([]);
});

it("takes the repeated word that stands at its place", () => {
  const words = ["red", "cat", "red", "house"].map((text) => ({ text, positions: [0] }));
  const prompt = "red cat red house";
  const variants = withoutWord(prompt, { text: prompt, tokens: [], words }, [], 10);
  expect(variants.map((variant) => variant.prompt)).toEqual([
    "cat red house",
    "red red house",
    "red cat house",
    "red cat red",
  ]);
});

it("measures a word's pull as nothing where nothing is left out", async () => {
  await using pipeline = await loadPipeline({ device: "cpu", threads: 1 });
  const request = { prompt: "a blue cat, on a red background", seed: 4, steps: 4 };
  const [same, cat] = await measureWordPull(pipeline, request, [
    { word: "same", index: 0, prompt: request.prompt },
    { word: "cat", index: 2, prompt: "a blue, on a red background" },
  ]);
  expect(Math.max(...same!.values)).toBeLessThan(1e-4);
  expect(Math.min(...cat!.values)).toBeGreaterThan(1e-3);
  expect(cat!.values.length).toBe(4);
});

it("finds when structure and detail came", () => {
  const side = 64;
  const make = (structure: boolean, detail: boolean) => ({
    width: side,
    height: side,
    channels: 3 as const,
    data: Uint8Array.from({ length: side * side * 3 }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side)];
      return 128 + (structure && x < side / 2 ? 60 : 0) + (detail ? ((x + y) % 2 === 0 ? 20 : -20) : 0);
    }),
  });
  const settled = measureSettling([make(false, false), make(true, false), make(true, true)]);
  expect(settled.map(({ structure }) => structure > 0.95)).toEqual([false, true, true]);
  expect(settled.map(({ detail }) => detail > 0.95)).toEqual([false, false, true]);
  expect(settled[0]).toEqual({ structure: 0, detail: 0 });
});

it("explains a drawing of the embedded model", async () => {
  await using pipeline = await loadPipeline({ device: "cpu", threads: 1 });
  const request = { prompt: "a blue cat beside a red house", seed: 4, steps: 10 };
  const options = {
    seeds: 3,
    words: 4,
    scales: [1],
    ordinary: [0.1, 9].map((pull) => ({ prompt: "", pull })),
  };
  const found = new Map<Finding["kind"], Finding[]>();
  for await (const finding of explain(pipeline, request, options))
    found.set(finding.kind, [...(found.get(finding.kind) ?? []), finding]);
  const get = <K extends Finding["kind"]>(kind: K) => found.get(kind) as Extract<Finding, { kind: K }>[];
  const [drawing] = get("drawing");
  // It is the picture that `generate` draws, apart from the last bits of attention.
  for await (const event of pipeline.generate(request))
    if (event.kind === "image")
      expect(psnr(drawing!.image, { ...drawing!.image, data: event.pixels })).toBeGreaterThan(45);
  expect(get("steps")[0]!.images.length).toBe(10);
  expect(get("words")[0]!.maps.map(({ word }) => word)).toEqual([
    "a",
    "blue",
    "cat",
    "beside",
    "a",
    "red",
    "house",
  ]);
  // The regions on the left read of the cat, those on the right of the house.
  const { regions } = get("words")[0]!;
  expect(regions[0]).toMatchObject({ height: 4, width: 4 });
  const left = ({ data }: { data: Float32Array }) =>
    data.reduce((sum, value, cell) => sum + (cell % 4 < 2 ? value : -value), 0);
  const wordOf = (word: string) => regions.find((map) => map.word === word)!;
  expect(left(wordOf("cat"))).toBeGreaterThan(left(wordOf("house")));
  // The first prediction is an average: the mean of all seeds is nearer to it than to any one drawing.
  const [seeds] = get("seeds");
  expect(seeds!.images.length).toBe(4);
  expect(seeds!.meanToFirstStep).toBeGreaterThan(0);
  expect(seeds!.distance).toBeGreaterThan(10);
  const without = get("without");
  expect(without.map(({ word }) => word).sort()).toEqual(["blue", "cat", "house", "red"]);
  for (const { change, agreement } of without) {
    expect(Math.max(...change)).toBeGreaterThan(0.1);
    expect(Math.abs(agreement)).toBeLessThanOrEqual(1);
  }
  // The words for things changed the picture most where they were attended to.
  for (const word of ["cat", "house"])
    expect(without.find((one) => one.word === word)!.agreement).toBeGreaterThan(0);
  const [pull] = get("pull");
  expect(pull!.values.length).toBe(10);
  expect(pull!.percentile).toBe(0.5);
  expect(pull!.first).toBeGreaterThan(0.1);
  expect(pull!.first).toBeLessThan(9);
  // Words for colours and things pull; the lines have a value for every step.
  const [pulls] = get("word-pull");
  expect(pulls!.words.map(({ word }) => word).sort()).toEqual(["blue", "cat", "house", "red"]);
  for (const { values } of pulls!.words) {
    expect(values.length).toBe(10);
    expect(values[0]!).toBeGreaterThan(0.05);
  }
  // The arrow starts from one noisy picture: without the prompt, with it, and beyond.
  const arrows = get("arrow");
  const { guidance } = (await readModelFolder(embeddedModel)).defaults;
  expect(arrows.map(({ step, images }) => [step, images.map(({ scale }) => scale)])).toEqual([
    [0, [0, 1, guidance, 2 * guidance]],
    [3, [0, 1, guidance, 2 * guidance]],
  ]);
  const [without0, with0, beyond0] = arrows[0]!.images.map(({ image }) => image);
  expect(psnr(without0!, with0!)).toBeGreaterThan(psnr(without0!, beyond0!));
  // A word that joins later is farther from the drawing.
  const [joined] = get("switch");
  const near = joined!.images.map(({ image }) => psnr(image, drawing!.image));
  expect(joined!.images.map(({ step }) => step)).toEqual([2, 4, 6, 8]);
  expect(near[0]!).toBeGreaterThan(near[3]!);
  const { settled } = get("steps")[0]!;
  expect(settled[9]).toEqual({ structure: 1, detail: 1 });
  expect(settled[4]!.structure).toBeGreaterThan(settled[4]!.detail);
  expect(get("guidance")[0]!.images.map(({ scale }) => scale)).toEqual([1, guidance]);
  expect(get("work")[0]!.networks.map(({ network }) => network)).toEqual([
    "text encoder",
    "denoiser",
    "decoder",
  ]);
});

it("joins the parts of a composed prompt: their words, and where each went", () => {
  const part = (text: string) => ({
    text,
    tokens: ["", ...text.split(" "), ""],
    words: text.split(" ").map((word, i) => ({ text: word, positions: [i + 1] })),
  });
  const tokens = { cond: part("red cat"), "cond 2": part("house"), uncond: part("fog") };
  const prompt = "red cat AND house :0.5";
  const joined = joinTokens(prompt, tokens);
  expect(joined.text).toBe(prompt);
  expect(joined.words.map(({ text, positions }) => [text, joined.tokens[positions[0]!]])).toEqual([
    ["red", "red"],
    ["cat", "cat"],
    ["house", "house"],
  ]);
  const attribution = new ComposedAttribution(prompt);
  const map = (data: number[]) => ({
    kind: "attention" as const,
    layer: "one",
    height: 1,
    width: 1,
    tokens: data.length,
    data: Float32Array.from(data),
  });
  attribution.add({ time: 0, conditioning: "cond", maps: [map([0.1, 0.6, 0.2, 0.1])] });
  attribution.add({ time: 0, conditioning: "cond 2", maps: [map([0.2, 0.5, 0.3])] });
  const maps = attribution.wordMaps(tokens);
  expect(maps.map(({ word, index }) => [word, index])).toEqual([
    ["red", 0],
    ["cat", 1],
    ["house", 2],
  ]);
  expect(maps.map(({ share }) => share)).toEqual(
    [0.375, 0.125, 0.5].map((value) => expect.closeTo(value, 6)),
  );
  expect(withoutWord(prompt, joined, maps, 9).map((variant) => variant.prompt)).toEqual([
    "red cat AND:0.5",
    "cat AND house:0.5",
    "red AND house:0.5",
  ]);
});

it("measures the pull of a composed prompt as guidance adds it up", () => {
  const pull = new GuidanceMagnitude("base", [1, -0.5]);
  const [cond, other, uncond] = [
    [3, 1],
    [1, 1],
    [1, 0],
  ].map((values) => Float32Array.from(values));
  pull.add({
    stage: "base",
    sigma: 2,
    x: uncond!,
    denoised: { cond: cond!, "cond 2": other!, uncond: uncond! },
  });
  expect(pull.values).toEqual([Math.sqrt((2 ** 2 + 0.5 ** 2) / 2) / 2]);
  pull.add({ stage: "base", sigma: 2, x: uncond!, denoised: { cond: cond!, uncond: uncond! } });
  expect(pull.values).toHaveLength(1);
});
