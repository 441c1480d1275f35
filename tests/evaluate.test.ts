// The scorecard from end to end: trains a classifier on a few scenes and measures a tiny model from the command line.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildSprites, loadSprites, readCaption, SceneDrawer, sceneMix } from "../src/data/index.js";
import type { Engine } from "../src/engine/index.js";
import { makeEngine } from "../src/engine/node.js";
import { measureClipScores } from "../src/evaluate/clip-scores.js";
import {
  composeScenes,
  findNearestScenes,
  openClassifier,
  type Report,
  type Task,
  TrainingDrawings,
} from "../src/evaluate/index.js";
import { getClipScores } from "../src/inspect/index.js";
import { autoencoderConfigs } from "../src/models/index.js";
import { loadClip, readInputImage } from "../src/pipeline/node.js";
import { completeTrainingConfig, readMetrics, type SampleReport, train } from "../src/training/index.js";
import { runCli } from "./support/run-cli.js";
import { runHere } from "./support/run-here.js";
import { writeTinyModel } from "./support/tiny-model.js";

const golden = (name: string) => fileURLToPath(new URL(`./golden/${name}`, import.meta.url));
const things = ["cat", "comb", "apple", "star"];
let folder: string;
let engine: Engine;
let model: string;
const at = (...parts: readonly string[]) => join(folder, ...parts);

const scenes = () => ({
  sprites: at("sprites"),
  workers: 0,
  mix: {
    things,
    styles: { flat: 1, woodblock: 0.5 },
    colours: ["red", "blue", "green"],
    counts: 0.2,
    twoThings: 0.2,
  },
});

const classifierConfig = (given: Record<string, unknown> = {}) => ({
  kind: "classifier",
  folder: at("judge"),
  data: { scenes: scenes() },
  network: "tiny",
  autoencoder: { weights: at("model", "autoencoder.safetensors"), network: { ...autoencoderConfigs.tiny } },
  batchSize: 4,
  optimizer: { kind: "adamw" },
  schedule: { steps: 24, learningRate: 0.01, warmupSteps: 0, decaySteps: 0, emaDecay: 0.9 },
  sampleInterval: 1000,
  samples: 24,
  ...given,
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-evaluate-"));
  engine = makeEngine({ threads: 1 });
  model = await writeTinyModel(at("model"));
  await buildSprites({ output: at("sprites"), things, sets: ["flat", "3d"], size: 64 });
}, 120_000);
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

describe("a classifier", { timeout: 300_000 }, () => {
  it("learns, goes on bit for bit where it was stopped, and is written with what its answers mean", async () => {
    const samples: SampleReport[] = [];
    const onSample = (report: SampleReport) => samples.push(report);
    await train(completeTrainingConfig(classifierConfig()), { engine, onSample });
    const losses = (await readMetrics(at("judge"))).flatMap(({ loss }) => loss ?? []);
    const mean = (part: readonly number[]) => part.reduce((a, b) => a + b, 0) / part.length;
    expect(mean(losses.slice(-5))).toBeLessThan(mean(losses.slice(0, 5)) * 0.8);
    expect(samples[0]!.measured.layout).toBeGreaterThan(0.4);

    const other = (steps: number) => {
      const config = classifierConfig({ folder: at("other") });
      return completeTrainingConfig({ ...config, schedule: { ...config.schedule, steps } });
    };
    await train(other(11), { engine });
    await train(other(24), { engine, resume: true });
    const checkpoint = (run: string) => readFile(at(run, "checkpoint.safetensors"));
    expect((await checkpoint("other")).equals(await checkpoint("judge"))).toBe(true);

    const classifier = await openClassifier(engine, at("judge"));
    const sprites = await loadSprites(at("sprites"));
    const drawings = await TrainingDrawings.open(sprites, ["flat"], classifier, things);
    const drawer = new SceneDrawer(sprites);
    const draw = (x: number, size: number, colour: "green" | null) =>
      drawer.draw({
        content: {
          things: [{ name: "cat", colour, count: 1 }],
          layout: "single",
          background: null,
          style: "flat",
        },
        caption: "a cat",
        phrases: [],
        placements: [{ thing: "cat", colour, set: "flat", x, y: 0.5, size }],
        variant: 1,
      }).pixels;
    const nearest = async (pixels: Uint8Array) => {
      const [verdict] = await classifier.classify([pixels]);
      return drawings.nearest(pixels, verdict!.features);
    };
    const moved = await nearest(draw(0.53, 0.76, null));
    expect(moved).toMatchObject({ thing: "cat", set: "flat" });
    expect(moved.psnr).toBeGreaterThan(22);
    expect((await nearest(draw(0.53, 0.76, "green"))).psnr).toBeLessThan(20);

    // A picture that is a training scene, with noise, is found and called a near copy; one of another colour is not.
    const content = readCaption("a red cat, flat style")!;
    const composed = composeScenes(content, 6, { sprites, mix: sceneMix(), size: 256 });
    const noisy = composed[2]!.pixels.map(
      (value, i) => value + (((i * 7919) % 11) - 5) * (value > 20 && value < 235 ? 1 : 0),
    );
    const copy = await findNearestScenes(noisy, composed, classifier);
    expect(copy).toMatchObject({ isNearCopy: true, scenes: 6 });
    expect(copy.nearest[0]!.scene).toBe(composed[2]);
    expect(copy.among.length).toBe(6);
    const unlike = await findNearestScenes(draw(0.5, 0.76, "green"), composed, classifier);
    expect(unlike).toMatchObject({ isNearCopy: false });
    expect(unlike.distance).toBeGreaterThan(copy.distance);
    await classifier.close();
  });

  it("learns from scenes of its size alone", async () => {
    const small = classifierConfig({ folder: at("small"), data: { scenes: { ...scenes(), size: 128 } } });
    await expect(train(completeTrainingConfig(small), { engine })).rejects.toThrow(/scenes of 256×256/);
  });
});

describe("nishiki evaluate", { timeout: 300_000 }, () => {
  const args = (output: string, ...more: readonly string[]) => [
    ...["evaluate", model, "--judge", at("judge"), "--sprites", at("sprites"), "--config", at("config.json")],
    ...["--prompts", "12", "--steps", "1", "--guidance", "1", "--threads", "1", "--output", output, ...more],
  ];
  beforeAll(async () => {
    const { mix, ...rest } = scenes();
    const many = { scenes: { ...rest, mix: { ...mix, manyThings: 0.2 } } };
    await writeFile(at("config.json"), JSON.stringify(classifierConfig({ data: many })));
  });

  it("scores images of any size by a CLIP, with their own prompts and with those of others", async () => {
    const tasks = ["a red cat", "the blue sea", "the blue sea"].map((prompt, i) => ({ id: `${i}`, prompt }));
    for (const [i, name] of ["picture", "mask", "picture"].entries())
      await cp(golden(`pipelines/${name}.png`), at("clip-images", `${i}.png`));
    const options = { folder: at("clip-images"), clip: golden("clip"), threads: 1 };
    const scores = await measureClipScores(tasks as unknown as Task[], options);
    const clip = await loadClip(golden("clip"), { threads: 1 });
    const expected = async (image: string, text: string) =>
      (await getClipScores(clip, await readInputImage(golden(`pipelines/${image}.png`)), [text]))[0]!.score;
    const own = [
      await expected("picture", "a red cat"),
      await expected("mask", "the blue sea"),
      await expected("picture", "the blue sea"),
    ];
    const others = [own[2]!, await expected("mask", "a red cat"), own[0]!];
    await clip.close();
    const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
    expect(scores.own).toBeCloseTo(sum(own) / 3, 4);
    expect(scores.others).toBeCloseTo(sum(others) / 3, 4);
    expect(scores.preferred).toBeCloseTo(own.filter((score, i) => score > others[i]!).length / 3, 6);
  });

  it("writes numbers, a page and a table, and the same ones again", async () => {
    const first = await runCli(args(at("one")));
    expect(first.stderr).toContain("single thing");
    expect(first.code).toBe(0);
    expect(first.stdout.trim().split("\n")).toEqual([
      at("one", "report.json"),
      at("one", "report.html"),
      at("one", "card.md"),
    ]);
    const report = JSON.parse(await readFile(at("one", "report.json"), "utf8")) as Report;
    expect(report.model).toMatchObject({ name: "tiny", steps: 1, guidance: 1 });
    expect(report.skills.map(({ skill }) => skill)).toContain("background");
    for (const { asked, right, share } of report.skills)
      expect(share).toBeCloseTo(asked === 0 ? 0 : right / asked, 4);
    // A network with random weights draws no copies, and composed scenes are no further from each other than its noise.
    expect(report.copying.changed.share).toBe(0);
    expect(report.frechet.generated).toBeGreaterThan(report.frechet.scenes);
    expect(report.reconstruction!.psnr).toBeGreaterThan(0);
    const { things: each, images } = report.manyThings!;
    expect(images.drawn.asked).toBe(2);
    expect(each.drawn.asked).toBeGreaterThanOrEqual(4);
    expect(each.real.asked).toBe(each.drawn.asked);
    expect(await readFile(at("one", "report.html"), "utf8")).toContain("data:image/webp;base64,");
    expect(await readFile(at("one", "card.md"), "utf8")).toContain("| single thing |");
    expect(await readFile(at("one", "card.md"), "utf8")).toContain("| images with all things recognised |");

    // A folder that lacks some images goes on; another folder and number of threads give the same bytes.
    await rm(at("one", "pictures", "thing-0.png"));
    await runCli(args(at("one")));
    await runCli([...args(at("two")), "--threads", "2"]);
    const bytes = (output: string) => readFile(at(output, "report.json"), "utf8");
    expect(await bytes("one")).toBe(`${JSON.stringify(report, null, 1)}\n`);
    expect(await bytes("two")).toBe(await bytes("one"));
  });

  it("refuses a folder of another evaluation, a missing classifier and sprites that are not built", async () => {
    const other = await runHere(args(at("one"), "--evaluation-seed", "5"));
    expect(other.code).toBe(1);
    expect(other.stderr).toContain("another evaluation");
    // Whatever changes images, also what the report does not name.
    const spaced = await runHere(args(at("one"), "--schedule", "karras"));
    expect(spaced.stderr).toContain("another evaluation");
    const noClassifier = await runHere([...args(at("four")), "--judge", at("nowhere")]);
    expect(noClassifier.stderr).toMatch(/Cannot read the classifier .*nowhere/);
    const noSprites = await runHere([...args(at("five")), "--sprites", at("nowhere")]);
    expect(noSprites.stderr).toContain("nishiki data build");
    const noNumber = await runHere([...args(at("six")), "--prompts", "many"]);
    expect(noNumber.code).toBe(2);
    const noFast = await runHere([
      "evaluate",
      model,
      "--judge",
      at("judge"),
      "--sprites",
      at("sprites"),
      "--fast",
    ]);
    expect(noFast).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("fast: this model does not support"),
    });
  });
});
