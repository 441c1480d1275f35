// The scorecard: draws a plan's images, classifies them, and compares the answers with those for composed
// scenes of the same contents, which are the highest scores the classifier can give.
import { existsSync } from "node:fs";
import { freemem } from "node:os";
import { join } from "node:path";
import {
  describeContent,
  type LabelClasses,
  loadSprites,
  type Scene,
  SceneDrawer,
  type SceneMix,
  type SetName,
  type Sprites,
  type StyleName,
  sceneMix,
  setsOf,
  spriteSets,
  styleNamed,
} from "../data/index.js";
import type { Engine } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { NishikiError } from "../errors.js";
import {
  type CompleteLoadOptions,
  checkAborted,
  completeLoadOptions,
  type ImageRequest,
  type LoadOptions,
  type Pipeline,
} from "../pipeline/index.js";
import { embeddedModel, loadPipeline } from "../pipeline/node.js";
import { random } from "../random/index.js";
import { parse } from "../schema/index.js";
import { SceneAligner } from "./align-scene.js";
import { type Classifier, openClassifier, type Verdict } from "./classifier.js";
import { measureClipScores } from "./clip-scores.js";
import { type Nearest, TrainingDrawings } from "./copies.js";
import { drawTasks, planWorkers, readDrawn } from "./draw-tasks.js";
import { measureFidelity } from "./fidelity.js";
import { claimFolder, picturesFolder } from "./folder.js";
import { type Looks, measureLooks } from "./looks.js";
import { type Recognised, recogniseThings } from "./many-things.js";
import { embeddedMix, makePlan, type Task } from "./plan.js";
import { measureReconstruction, openModelRoundTrip } from "./reconstruction.js";
import { type MeasuredModel, makeReport, type Report } from "./report.js";
import { type EvaluationSettings, evaluationSettingsSchema } from "./settings.js";

export interface EvaluateOptions extends EvaluationSettings {
  readonly machine?: LoadOptions;
  /** Settings that replace the model's defaults, such as steps and guidance. */
  readonly request?: Omit<Partial<ImageRequest>, "prompt" | "seed" | "count">;
  /** The model's training data. Default: the embedded model's. */
  readonly mix?: SceneMix;
  readonly signal?: AbortSignal;
  readonly onProgress?: (stage: string, done: number, of: number) => void;
}

/** A task with the generated image, its verdict and those of composed scenes. */
export interface EvaluatedImage {
  readonly task: Task;
  readonly pixels: Uint8Array;
  readonly verdict: Verdict;
  /** Verdicts on composed scenes of the same content; none for synonyms. */
  readonly real: readonly Verdict[];
  /** In scenes of many things: what is recognised in it, and in a composed scene of the same content. */
  readonly recognised?: Readonly<Record<"drawn" | "real", Recognised>>;
  /** Nearest training drawing, in the groups checked for copies. */
  readonly nearest?: Nearest;
  /** The same for a composed scene of the same content, as a control. */
  readonly realNearest?: Nearest;
}

export interface Evaluation {
  readonly report: Report;
  readonly evaluated: readonly EvaluatedImage[];
  /** Names of the classifier's answers. */
  readonly classes: LabelClasses;
}

/** Composed scenes per content. */
const realPerTask = 2;
/** Groups whose images are checked for copies of training drawings. */
const copyGroups = ["thing", "colour", "colourHeldOut", "background"];
/** Composed scenes per group that are checked too, as controls. */
const controls = 60;

/** The settings among the options, checked. @throws NishikiError "usage" */
function completeSettings({ machine, request, mix, signal, onProgress, ...settings }: EvaluateOptions) {
  return parse(evaluationSettingsSchema, settings, { name: "the evaluation", noun: "setting" });
}

/**
 * Measures what a model can do. Images stay in the output folder, so a second call with the same settings
 * continues where the first stopped. Equal options give equal reports.
 * @throws NishikiError "file", "usage", "data", "checkpoint", "device", "aborted"
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { output, prompts, seed, ...settings } = completeSettings(options);
  const { mix = embeddedMix } = options;
  const machine = completeLoadOptions(options.machine ?? {});
  const sprites = await openSprites(settings.sprites, mix);
  const tasks = makePlan({ seed, prompts, mix, catalogue: sprites });
  const engine = makeEngine({ device: machine.device, threads: machine.threads });
  try {
    const classifier = await openClassifier(engine, settings.classifier);
    const folder = picturesFolder(output);
    const model = await drawAll(tasks, machine, engine.threads, { ...options, seed, prompts, mix });
    const bench = { classifier, sprites, mix, seed, folder, options };
    const evaluated = await classifyAll(tasks, bench);
    const reconstruction = model.own
      ? await measureReconstruction(engine, machine.model, someScenes(tasks, bench), options)
      : undefined;
    const looks =
      (settings.looks ?? prompts >= 60) ? await lookAt(evaluated, engine, bench, model) : undefined;
    const { clip, ...scoring } = { clip: settings.clip, threads: machine.threads, signal: options.signal };
    const clipScores =
      clip === undefined
        ? undefined
        : await measureClipScores(tasks, {
            ...{ ...scoring, clip, folder },
            onImage: (done, of) => options.onProgress?.("Scoring with CLIP", done, of),
          });
    const report = makeReport(evaluated, {
      classes: classifier.classes,
      classifier: classifier.sha256,
      model,
      seed,
      prompts,
      reconstruction,
      looks,
      clip: clipScores,
    });
    return { report, evaluated, classes: classifier.classes };
  } finally {
    await engine.close();
  }
}

interface Bench {
  readonly classifier: Classifier;
  readonly sprites: Sprites;
  readonly mix: SceneMix;
  readonly seed: number;
  readonly folder: string;
  readonly options: EvaluateOptions;
}

async function openSprites(folder: string, mix: SceneMix): Promise<Sprites> {
  const sets = [...new Set(getStyles(mix).flatMap((style) => setsOf(style, mix)))];
  const sprites = await loadSprites(folder, []);
  const built = sprites.shared.index.sets.map(({ name }) => name).filter((name) => sets.includes(name));
  return loadSprites(folder, built);
}

function getStyles({ styles }: SceneMix): StyleName[] {
  return (Object.keys(styles) as StyleName[]).filter((name) => (styles[name] ?? 0) > 0);
}

/** Draws all tasks. @returns the model, with its settings */
async function drawAll(
  tasks: readonly Task[],
  load: CompleteLoadOptions,
  threads: number,
  { output, seed, prompts, mix, request = {}, signal, onProgress }: EvaluateOptions,
): Promise<MeasuredModel> {
  const isSmall = existsSync(join(load.model ?? embeddedModel, "model.json"));
  // A small model draws more images per second with one image per thread than with all threads on one image.
  const workers = isSmall ? planWorkers(threads, availableMemory()) : { parallel: 1, threads: load.threads };
  const machine = { ...load, threads: workers.threads };
  const pipeline = await loadPipeline(machine, signal ? { signal } : {});
  try {
    const model = await describeModel(pipeline, request);
    await claimFolder(output, { seed, prompts, mix, model, request });
    await drawTasks(tasks, {
      ...{ machine, request, pipeline, parallel: workers.parallel },
      folder: picturesFolder(output),
      ...(signal && { signal }),
      onImage: (done, of) => onProgress?.("Drawing", done, of),
    });
    return model;
  } finally {
    await pipeline.dispose();
  }
}

const availableMemory = () => process.availableMemory?.() ?? freemem();

async function describeModel(
  pipeline: Pipeline,
  request: NonNullable<EvaluateOptions["request"]>,
): Promise<MeasuredModel> {
  const { steps, guidance, sampler, fast } = pipeline.complete({ ...request, prompt: "a cat" });
  const { name, version } = pipeline.model;
  const { weights } = await pipeline.environment();
  const drawing = { steps, guidance, sampler, ...(fast && { fast }) };
  return { name, version, weights, own: "model.json" in weights, ...drawing };
}

async function classifyAll(tasks: readonly Task[], bench: Bench): Promise<EvaluatedImage[]> {
  const { classifier, sprites, mix, folder, options } = bench;
  const { onProgress } = options;
  const onDrawing = (done: number, of: number) => {
    checkAborted(options.signal);
    onProgress?.("Classifying training drawings", done, of);
  };
  const sets = getSpriteSets(mix);
  const drawings = await TrainingDrawings.open(sprites, sets, classifier, mix.things, onDrawing);
  const drawer = new SceneDrawer(sprites, classifier.pictureSize);
  const evaluated: EvaluatedImage[] = [];
  const controlled = new Map<string, number>();
  for (const [index, task] of tasks.entries()) {
    if (options.signal?.aborted) throw new NishikiError("aborted", "Stopped while classifying images.");
    const pixels = await readDrawn(folder, task, classifier.pictureSize);
    const [verdict] = (await classifier.classify([pixels])) as [Verdict];
    const composed = task.group === "synonym" ? [] : composeScenes(task, index, drawer, bench, realPerTask);
    const real = await classifier.classify(composed.map((scene) => scene.pixels));
    const canCopy = copyGroups.includes(task.group);
    const control = canCopy && (controlled.get(task.group) ?? 0) < controls;
    if (control) controlled.set(task.group, (controlled.get(task.group) ?? 0) + 1);
    const [scene] = task.group === "manyThings" ? composed : [];
    const recognise = (image: Uint8Array) => recogniseThings(image, scene!.placements, classifier);
    evaluated.push({
      task,
      pixels,
      verdict,
      real,
      ...(scene && {
        recognised: { drawn: await recognise(pixels), real: await recognise(scene.pixels) },
      }),
      ...(canCopy && { nearest: drawings.nearest(pixels, verdict.features) }),
      ...(control && { realNearest: drawings.nearest(composed[0]!.pixels, real[0]!.features) }),
    });
    onProgress?.("Classifying images", evaluated.length, tasks.length);
  }
  return evaluated;
}

/** Measures how clean images look: all that have composed counterparts, one per prompt. */
async function lookAt(
  evaluated: readonly EvaluatedImage[],
  engine: Engine,
  bench: Bench,
  { own }: MeasuredModel,
): Promise<Looks> {
  const { classifier, sprites, mix, seed, options } = bench;
  const { signal, onProgress, request = {} } = options;
  const size = classifier.pictureSize;
  const drawer = new SceneDrawer(sprites, size);
  const drawn = evaluated.flatMap(({ task, pixels }, index) => {
    if (["synonym", "diversity", "manyThings"].includes(task.group)) return [];
    return composeScenes(task, index, drawer, bench, 1).map((scene) => ({ task, pixels, scene }));
  });
  const machine = completeLoadOptions(options.machine ?? {});
  const common = { size, seed, ...(signal && { signal }) };
  const trip = own ? await openModelRoundTrip(engine, machine.model) : undefined;
  try {
    const looks = await measureLooks(inTurn(drawn), {
      ...common,
      engine,
      aligner: new SceneAligner(sprites, mix, size),
      onProgress: (done, of) => onProgress?.("Comparing with composed scenes", done, of),
      ...(trip && { roundTrip: (pixels) => trip.run(pixels, { std: 0, seed: 0, index: 0 }) }),
    });
    if (!own) return looks;
    const scenes = inTurn(drawn).slice(0, fidelityScenes);
    const onImage = (done: number, of: number) => onProgress?.("Running image-to-image", done, of);
    const fidelity = await measureFidelity(
      scenes.map(({ scene }) => scene),
      { ...common, machine, request, onProgress: onImage },
    );
    return { ...looks, fidelity };
  } finally {
    await trip?.close();
  }
}

/** Composed scenes that measure image-to-image. */
const fidelityScenes = 48;

/** Interleaves the groups, so that the first few images come from all of them. */
function inTurn<T extends { readonly task: Task }>(all: readonly T[]): T[] {
  const counts = new Map<string, number>();
  const ranked = all.map((each) => {
    const rank = counts.get(each.task.group) ?? 0;
    counts.set(each.task.group, rank + 1);
    return { each, rank };
  });
  return ranked.sort((a, b) => a.rank - b.rank).map(({ each }) => each);
}

/** The sprite sets that styles without a filter draw from. */
function getSpriteSets(mix: SceneMix): SetName[] {
  const unfiltered = getStyles(mix).filter((style) => styleNamed(style).filter === null);
  const sets = new Set(unfiltered.flatMap((style) => setsOf(style, mix)));
  return spriteSets.map(({ name }) => name).filter((name) => sets.has(name));
}

/** Scenes with a task's content that no training run drew: their seeds lie above every run's. */
function composeScenes(
  { content }: Task,
  index: number,
  drawer: SceneDrawer,
  { sprites, mix, seed }: Bench,
  count: number,
): Scene[] {
  return Array.from({ length: count }, (_, i) => {
    const sceneSeed = 2 ** 52 + random(seed, "real scene", index, i).uint32();
    return drawer.draw(describeContent(content, sceneSeed, sceneMix(mix), sprites));
  });
}

/** Composed scenes of every style, for the autoencoder. */
function* someScenes(tasks: readonly Task[], bench: Bench): Generator<Scene> {
  const drawer = new SceneDrawer(bench.sprites, bench.classifier.pictureSize);
  for (const [index, task] of tasks.entries()) {
    if (["style", "background", "twoThings", "colour"].includes(task.group))
      yield* composeScenes(task, index, drawer, bench, 1);
  }
}
