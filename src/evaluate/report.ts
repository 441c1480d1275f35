// Turns classified images into the numbers of a report.
import { commonThings, type LabelClasses } from "../data/index.js";
import { classOf, type Verdict } from "./classifier.js";
import type { ClipScores } from "./clip-scores.js";
import { copyLimit } from "./copies.js";
import type { EvaluatedImage } from "./evaluate.js";
import type { Looks } from "./looks.js";
import type { Recognised } from "./many-things.js";
import { type GroupName, groupNames, groups } from "./plan.js";
import type { Reconstruction } from "./reconstruction.js";
import { argMax, type SkillName, skills } from "./skills.js";
import { frechetDistance, mean, spread, wilson } from "./statistics.js";

/** The measured model and its settings. */
export interface MeasuredModel {
  readonly name: string;
  readonly version: string;
  /** SHA-256 of its files. */
  readonly weights: Readonly<Record<string, string>>;
  /** Whether it is a model folder of Nishiki, one with a `model.json`. */
  readonly own: boolean;
  readonly steps: number;
  readonly guidance: number;
  readonly sampler: string;
  /** Whether it draws with the settings for few steps. */
  readonly fast?: true;
}

/** The settings in words. */
export function describeSettings({ steps, sampler, guidance, fast }: MeasuredModel): string {
  return `${fast ? "fast: " : ""}${steps} steps of ${sampler}, guidance ${guidance}`;
}

/** How many images are right. */
export interface Score {
  /** Images scored. */
  readonly asked: number;
  readonly right: number;
  readonly share: number;
  /** 95% confidence interval of the share. */
  readonly interval: readonly [low: number, high: number];
}

export interface SkillScore extends Score {
  readonly skill: SkillName;
  readonly group: GroupName;
  readonly title: string;
  readonly heldOut: boolean;
  /** The classifier's accuracy on composed scenes of the same contents. */
  readonly ceiling: number;
  /** share / ceiling */
  readonly ofCeiling: number;
}

export interface PromptScore {
  readonly id: string;
  readonly prompt: string;
  readonly seed: number;
  readonly marks: Readonly<Record<string, { readonly right: boolean; readonly confidence: number }>>;
}

export interface CopyScore {
  readonly images: number;
  readonly nearCopies: number;
  readonly share: number;
  /** The same share among composed scenes. */
  readonly ofScenes: number;
  readonly medianPsnr: number;
}

export interface Report {
  readonly format: 1;
  readonly model: MeasuredModel;
  /** SHA-256 of the classifier's weights, under its former name. */
  readonly judge: string;
  readonly seed: number;
  readonly prompts: number;
  readonly skills: readonly SkillScore[];
  /** Single things, by frequency in the training data. */
  readonly things: Readonly<Record<"common" | "rarer", Score>>;
  readonly styles: Readonly<Record<string, Score>>;
  readonly synonyms: Readonly<Record<"things" | "colours" | "all", Score>>;
  readonly frechet: { readonly generated: number; readonly scenes: number; readonly images: number };
  readonly diversity: { readonly generated: number; readonly scenes: number; readonly prompts: number };
  readonly copying: { readonly limit: number; readonly plain: CopyScore; readonly changed: CopyScore };
  readonly reconstruction?: Reconstruction | undefined;
  /** Scenes of many things, if the model was trained on them: things that are recognised, and images with all of them. */
  readonly manyThings?: Readonly<Record<"things" | "images", Readonly<Record<"drawn" | "real", Score>>>>;
  /** How clean the images look; absent for few images. */
  readonly looks?: Looks | undefined;
  /** How like images are to their prompts, where a CLIP was named. */
  readonly clip?: ClipScores | undefined;
  readonly images: readonly PromptScore[];
}

interface Context {
  readonly classes: LabelClasses;
  /** SHA-256 of its weights. */
  readonly classifier: string;
  readonly model: MeasuredModel;
  readonly seed: number;
  readonly prompts: number;
  readonly reconstruction: Reconstruction | undefined;
  readonly looks?: Looks | undefined;
  readonly clip?: ClipScores | undefined;
}

export function scoreOf(results: readonly boolean[]): Score {
  const right = results.filter(Boolean).length;
  const asked = results.length;
  return {
    asked,
    right,
    share: asked === 0 ? 0 : round(right / asked),
    interval: roundAll(wilson(right, asked)),
  };
}

/** Drops digits that differ between machines: reports are compared as text. */
const round = (value: number) => Number(value.toFixed(4));
const roundAll = ([low, high]: readonly [number, number]) => [round(low), round(high)] as const;

export function makeReport(evaluated: readonly EvaluatedImage[], context: Context): Report {
  const { classes, model, classifier, seed, prompts, reconstruction, looks, clip } = context;
  const of = (group: GroupName) => evaluated.filter(({ task }) => task.group === group);
  const thingRight = (each: EvaluatedImage) =>
    skills.thing.mark(each.verdict, each.task.content, classes).right;
  const common = new Set(commonThings.map(({ name }) => name));
  const isCommon = ({ task }: EvaluatedImage) => common.has(task.content.things[0]!.name);
  return {
    format: 1,
    model,
    judge: classifier,
    seed,
    prompts,
    skills: groupNames.flatMap((group) =>
      groups[group].skills.map((skill) => scoreSkill(of(group), skill, group, classes)),
    ),
    things: {
      common: scoreOf(of("thing").filter(isCommon).map(thingRight)),
      rarer: scoreOf(
        of("thing")
          .filter((each) => !isCommon(each))
          .map(thingRight),
      ),
    },
    styles: scoreStyles(of("style"), classes),
    synonyms: scoreSynonyms(of("synonym"), classes),
    frechet: measureFrechet(evaluated),
    diversity: measureDiversity(evaluated),
    copying: {
      limit: copyLimit,
      plain: scoreCopies(of("thing")),
      changed: scoreCopies([...of("colour"), ...of("colourHeldOut"), ...of("background")]),
    },
    ...(reconstruction && { reconstruction: roundReconstruction(reconstruction) }),
    ...scoreManyThings(of("manyThings")),
    ...(looks && { looks }),
    ...(clip && { clip: roundClip(clip) }),
    images: evaluated.map((each) => scorePrompt(each, classes)),
  };
}

function scoreSkill(
  evaluated: readonly EvaluatedImage[],
  skill: SkillName,
  group: GroupName,
  classes: LabelClasses,
): SkillScore {
  const { mark, title } = skills[skill];
  const marks = evaluated.map(({ verdict, task }) => mark(verdict, task.content, classes).right);
  const real = evaluated.flatMap(({ real, task }) =>
    real.map((verdict) => mark(verdict, task.content, classes).right),
  );
  const score = scoreOf(marks);
  const ceiling = scoreOf(real).share;
  const heldOut = groups[group].heldOut === "always";
  return {
    skill,
    group,
    title,
    heldOut,
    ...score,
    ceiling,
    ofCeiling: ceiling === 0 ? 0 : round(score.share / ceiling),
  };
}

function scoreStyles(evaluated: readonly EvaluatedImage[], classes: LabelClasses): Record<string, Score> {
  const styles = [...new Set(evaluated.map(({ task }) => task.content.style))];
  const rightOf = (style: string) =>
    evaluated
      .filter(({ task }) => task.content.style === style)
      .map(({ verdict, task }) => skills.style.mark(verdict, task.content, classes).right);
  return Object.fromEntries(styles.map((style) => [style, scoreOf(rightOf(style))]));
}

/** Whether a synonym was understood: the thing or an accepted alternative, or the colour. */
export function synonymIsRight(
  { verdict, task }: Pick<EvaluatedImage, "verdict" | "task">,
  classes: LabelClasses,
): boolean {
  const { synonym, content } = task;
  if (!synonym) return false;
  if ("colour" in synonym) return skills.colour.mark(verdict, content, classes).right;
  const seen = argMax(verdict.answers.thing);
  return [synonym.thing, ...synonym.also].some((name) => classOf(classes, "thing", name) === seen);
}

function scoreSynonyms(evaluated: readonly EvaluatedImage[], classes: LabelClasses): Report["synonyms"] {
  const right = (part: readonly EvaluatedImage[]) =>
    scoreOf(part.map((each) => synonymIsRight(each, classes)));
  const isColour = ({ task: { synonym } }: EvaluatedImage) => synonym !== undefined && "colour" in synonym;
  return {
    things: right(evaluated.filter((each) => !isColour(each))),
    colours: right(evaluated.filter(isColour)),
    all: right(evaluated),
  };
}

/** Between images and composed counterparts; and, as a baseline, between two sets of counterparts. */
function scoreManyThings(evaluated: readonly EvaluatedImage[]): Pick<Report, "manyThings"> {
  const all = evaluated.flatMap(({ recognised }) => recognised ?? []);
  if (all.length === 0) return {};
  const score = (of: (each: Recognised) => readonly boolean[]) => {
    const [drawn, real] = (["drawn", "real"] as const).map((which) =>
      scoreOf(all.flatMap((each) => of(each[which]))),
    ) as [Score, Score];
    return { drawn, real };
  };
  const things = score(({ things, right }) => Array.from({ length: things }, (_, i) => i < right));
  return { manyThings: { things, images: score(({ things, right }) => [right === things]) } };
}

function measureFrechet(evaluated: readonly EvaluatedImage[]): Report["frechet"] {
  const compared = evaluated.filter(({ task, real }) => task.group !== "diversity" && real.length >= 2);
  if (compared.length < 2) return { generated: 0, scenes: 0, images: compared.length };
  const features = (pick: (each: EvaluatedImage) => Verdict) => compared.map((each) => pick(each).features);
  const [drawn, first, second] = [
    features(({ verdict }) => verdict),
    features(({ real }) => real[0]!),
    features(({ real }) => real[1]!),
  ];
  return {
    generated: round(frechetDistance(drawn, first)),
    scenes: round(frechetDistance(second, first)),
    images: compared.length,
  };
}

function measureDiversity(evaluated: readonly EvaluatedImage[]): Report["diversity"] {
  const further = evaluated.filter(({ task }) => task.group === "diversity");
  const prompts = [...new Set(further.map(({ task }) => task.prompt))];
  const sets = prompts.map((prompt) => evaluated.filter(({ task }) => task.prompt === prompt));
  const generated = sets.map((set) => spread(set.map(({ verdict }) => verdict.features)));
  const scenes = sets.map((set) => spread(set.map(({ real }) => real[0]!.features)));
  return { generated: round(mean(generated)), scenes: round(mean(scenes)), prompts: prompts.length };
}

function scoreCopies(evaluated: readonly EvaluatedImage[]): CopyScore {
  const psnrs = evaluated.flatMap(({ nearest }) => nearest?.psnr ?? []);
  const controls = evaluated.flatMap(({ realNearest }) => realNearest?.psnr ?? []);
  const near = (values: readonly number[]) => values.filter((psnr) => psnr >= copyLimit).length;
  const sorted = [...psnrs].sort((a, b) => a - b);
  return {
    images: psnrs.length,
    nearCopies: near(psnrs),
    share: psnrs.length === 0 ? 0 : round(near(psnrs) / psnrs.length),
    ofScenes: controls.length === 0 ? 0 : round(near(controls) / controls.length),
    medianPsnr: round(sorted[Math.floor(sorted.length / 2)] ?? 0),
  };
}

function roundReconstruction({ scenes, psnr, byStyle }: Reconstruction): Reconstruction {
  const styles = Object.entries(byStyle).map(([style, value]) => [style, round(value)] as const);
  return { scenes, psnr: round(psnr), byStyle: Object.fromEntries(styles) };
}

function roundClip({ images, own, others, preferred }: ClipScores): ClipScores {
  return { images, own: round(own), others: round(others), preferred: round(preferred) };
}

function scorePrompt({ task, verdict }: EvaluatedImage, classes: LabelClasses): PromptScore {
  const { id, prompt, seed, group, content } = task;
  const marks = groups[group].skills.map((skill) => {
    const { right, confidence } = skills[skill].mark(verdict, content, classes);
    return [skill, { right, confidence: round(confidence) }] as const;
  });
  const synonym =
    group === "synonym" ? [["synonym", markOfSynonym({ verdict, task }, classes)] as const] : [];
  return { id, prompt, seed, marks: Object.fromEntries([...marks, ...synonym]) };
}

function markOfSynonym(each: Pick<EvaluatedImage, "verdict" | "task">, classes: LabelClasses) {
  const skill = each.task.content.things[0]!.colour === null ? skills.thing : skills.colour;
  const { confidence } = skill.mark(each.verdict, each.task.content, classes);
  return { right: synonymIsRight(each, classes), confidence: round(confidence) };
}
