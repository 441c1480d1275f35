// The scorecard: draws the images of a plan, asks the judge what they show, and compares with composed scenes of the same
// contents, which are the most that the judge grants anybody.
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
import { SceneAligner } from "./align-scene.js";
import { type Nearest, TrainingDrawings } from "./copies.js";
import { drawTasks, planWorkers, readDrawn } from "./draw-tasks.js";
import { measureFidelity } from "./fidelity.js";
import { claimFolder, picturesFolder } from "./folder.js";
import { type Judge, openJudge, type Verdict } from "./judge.js";
import { type Looks, measureLooks } from "./looks.js";
import { embeddedMix, makePlan, type Task } from "./plan.js";
import { measureReconstruction, openModelRoundTrip } from "./reconstruction.js";
import { type MeasuredModel, makeReport, type Report } from "./report.js";

export interface EvaluateOptions {
  readonly machine?: LoadOptions;
  /** Steps, guidance and whatever else shall not be the model's own. */
  readonly request?: Omit<Partial<ImageRequest>, "prompt" | "seed" | "count">;
  /** Where the images and the report go. */
  readonly output: string;
  /** About how many prompts, synonyms and further seeds not counted. Default 1104. */
  readonly prompts?: number;
  /** Decides which prompts, and the seeds of images. Default 0. */
  readonly seed?: number;
  /** Folder that "nishiki data build" wrote. Default ".data/sprites". */
  readonly sprites?: string;
  /** Folder of the judge. Default: the one that comes with the package. */
  readonly judge?: string;
  /** What the model was trained on. Default: what the embedded one was. */
  readonly mix?: SceneMix;
  /** Measures how clean images look too, which trains two small networks. Default: from 60 prompts on. */
  readonly looks?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (stage: string, done: number, of: number) => void;
}

export const defaultPrompts = 1104;

/** A task with what was drawn and what could have been. */
export interface Judged {
  readonly task: Task;
  readonly pixels: Uint8Array;
  readonly verdict: Verdict;
  /** Of composed scenes of the same content; none for synonyms. */
  readonly real: readonly Verdict[];
  /** Of images that could be copies. */
  readonly nearest?: Nearest;
  /** The same of a composed scene of the same content: what the measure says of what is known. */
  readonly realNearest?: Nearest;
}

export interface Evaluation {
  readonly report: Report;
  readonly judged: readonly Judged[];
  /** What the judge's answers mean. */
  readonly classes: LabelClasses;
}

/** Composed scenes for each content. */
const realPerTask = 2;
/** Groups whose images are compared with the training drawings. */
const copyGroups = ["thing", "colour", "colourHeldOut", "background"];
/** Composed scenes of a group that are, to know the measure itself. */
const controls = 60;

/**
 * Measures what a model can do. Images are kept in the output folder, so that a second call with the same settings goes on
 * where the first was stopped. Equal options give equal reports.
 * @throws NishikiError "file", "usage", "data", "checkpoint", "device", "aborted"
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { output, prompts = defaultPrompts, seed = 0, mix = embeddedMix } = options;
  const machine = completeLoadOptions(options.machine ?? {});
  const sprites = await openSprites(options.sprites ?? ".data/sprites", mix);
  const tasks = makePlan({ seed, prompts, mix, catalogue: sprites });
  const engine = makeEngine({ device: machine.device, threads: machine.threads });
  try {
    const judge = await openJudge(engine, options.judge);
    const folder = picturesFolder(output);
    const model = await drawAll(tasks, machine, engine.threads, { ...options, seed, prompts, mix });
    const bench = { judge, sprites, mix, seed, folder, options };
    const judged = await judgeAll(tasks, bench);
    const reconstruction = model.own
      ? await measureReconstruction(engine, machine.model, someScenes(tasks, bench), options)
      : undefined;
    const looks = (options.looks ?? prompts >= 60) ? await lookAt(judged, engine, bench, model) : undefined;
    const report = makeReport(judged, {
      classes: judge.classes,
      judge: judge.sha256,
      model,
      seed,
      prompts,
      reconstruction,
      looks,
    });
    return { report, judged, classes: judge.classes };
  } finally {
    await engine.close();
  }
}

interface Bench {
  readonly judge: Judge;
  readonly sprites: Sprites;
  readonly mix: SceneMix;
  readonly seed: number;
  readonly folder: string;
  readonly options: EvaluateOptions;
}

async function openSprites(folder: string, mix: SceneMix): Promise<Sprites> {
  const sets = [...new Set(stylesOf(mix).flatMap((style) => styleNamed(style).sets))];
  const sprites = await loadSprites(folder, []);
  const built = sprites.shared.index.sets.map(({ name }) => name).filter((name) => sets.includes(name));
  return loadSprites(folder, built);
}

function stylesOf({ styles }: SceneMix): StyleName[] {
  return (Object.keys(styles) as StyleName[]).filter((name) => (styles[name] ?? 0) > 0);
}

/** Draws all tasks. @returns What is measured: the model as receipts name it, and how it draws */
async function drawAll(
  tasks: readonly Task[],
  load: CompleteLoadOptions,
  threads: number,
  { output, seed, prompts, mix, request = {}, signal, onProgress }: EvaluateOptions,
): Promise<MeasuredModel> {
  const isSmall = existsSync(join(load.model ?? embeddedModel, "model.json"));
  // A small model draws more in a given time by one image on each thread than by one on all.
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

async function judgeAll(tasks: readonly Task[], bench: Bench): Promise<Judged[]> {
  const { judge, sprites, mix, folder, options } = bench;
  const { onProgress } = options;
  const drawings = await TrainingDrawings.open(sprites, spriteSetsOf(mix), judge, mix.things, (done, of) => {
    checkAborted(options.signal);
    onProgress?.("Looking at training drawings", done, of);
  });
  const drawer = new SceneDrawer(sprites, judge.pictureSize);
  const judged: Judged[] = [];
  const controlled = new Map<string, number>();
  for (const [index, task] of tasks.entries()) {
    if (options.signal?.aborted) throw new NishikiError("aborted", "Stopped while the pictures were judged.");
    const pixels = await readDrawn(folder, task, judge.pictureSize);
    const [verdict] = (await judge.judge([pixels])) as [Verdict];
    const composed = task.group === "synonym" ? [] : composeScenes(task, index, drawer, bench, realPerTask);
    const real = await judge.judge(composed.map((scene) => scene.pixels));
    const may = copyGroups.includes(task.group);
    const control = may && (controlled.get(task.group) ?? 0) < controls;
    if (control) controlled.set(task.group, (controlled.get(task.group) ?? 0) + 1);
    judged.push({
      task,
      pixels,
      verdict,
      real,
      ...(may && { nearest: drawings.nearest(pixels, verdict.features) }),
      ...(control && { realNearest: drawings.nearest(composed[0]!.pixels, real[0]!.features) }),
    });
    onProgress?.("Judging", judged.length, tasks.length);
  }
  return judged;
}

/** How clean the images look: all that have composed counterparts, one for each prompt. */
async function lookAt(
  judged: readonly Judged[],
  engine: Engine,
  bench: Bench,
  { own }: MeasuredModel,
): Promise<Looks> {
  const { judge, sprites, mix, seed, options } = bench;
  const { signal, onProgress, request = {} } = options;
  const size = judge.pictureSize;
  const drawer = new SceneDrawer(sprites, size);
  const drawn = judged.flatMap(({ task, pixels }, index) => {
    if (task.group === "synonym" || task.group === "diversity") return [];
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
      onProgress: (done, of) => onProgress?.("Telling real from drawn", done, of),
      ...(trip && { roundTrip: (pixels) => trip.run(pixels, { std: 0, seed: 0, index: 0 }) }),
    });
    if (!own) return looks;
    const scenes = inTurn(drawn).slice(0, fidelityScenes);
    const onImage = (done: number, of: number) => onProgress?.("Drawing on scenes", done, of);
    const again = { ...common, machine, request, onProgress: onImage };
    const fidelity = await measureFidelity(
      scenes.map(({ scene }) => scene),
      again,
    );
    return { ...looks, fidelity };
  } finally {
    await trip?.close();
  }
}

/** Composed scenes that image-to-image is measured with. */
const fidelityScenes = 48;

/** One of each group after the other, so that the first few are of all groups. */
function inTurn<T extends { readonly task: Task }>(all: readonly T[]): T[] {
  const counts = new Map<string, number>();
  const ranked = all.map((each) => {
    const rank = counts.get(each.task.group) ?? 0;
    counts.set(each.task.group, rank + 1);
    return { each, rank };
  });
  return ranked.sort((a, b) => a.rank - b.rank).map(({ each }) => each);
}

/** The sets that things are drawn from where no filter hides them. */
function spriteSetsOf(mix: SceneMix): SetName[] {
  const styles = stylesOf(mix);
  return spriteSets.map(({ name }) => name).filter((name) => styles.includes(name));
}

/** Scenes that show what a task asks for, which no training ever drew: their seeds are above every run's. */
function composeScenes(
  { content }: Task,
  index: number,
  drawer: SceneDrawer,
  { sprites, mix, seed }: Bench,
  count: number,
): Scene[] {
  return Array.from({ length: count }, (_, i) => {
    const own = 2 ** 52 + random(seed, "real scene", index, i).uint32();
    return drawer.draw(describeContent(content, own, sceneMix(mix), sprites));
  });
}

/** Composed scenes for the autoencoder, of every style. */
function* someScenes(tasks: readonly Task[], bench: Bench): Generator<Scene> {
  const drawer = new SceneDrawer(bench.sprites, bench.judge.pictureSize);
  for (const [index, task] of tasks.entries()) {
    if (["style", "background", "twoThings", "colour"].includes(task.group))
      yield* composeScenes(task, index, drawer, bench, 1);
  }
}
