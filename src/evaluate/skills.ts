// What a model is asked to be able to do, and when an image counts as right. Each skill looks at its own question alone, so that
// a fault counts once: whether the cat is blue does not ask whether it is a cat; "colour and thing" does.
import type { LabelClasses, Question, SceneContent } from "../data/index.js";
import { classOf, type Verdict } from "./judge.js";

/** How a verdict on an image agrees with what was asked for. */
export interface Mark {
  readonly right: boolean;
  /** The judge's probability of what was asked for, 0 to 1. */
  readonly confidence: number;
}

type Marking = (verdict: Verdict, content: SceneContent, classes: LabelClasses) => Mark;

/** The likeliest answer's place, of all or from a place on. */
export function argMax(values: Float32Array, from = 0): number {
  let best = from;
  for (let i = from; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

function mark(answers: Float32Array, wanted: number, from = 0): Mark {
  return { right: wanted >= 0 && argMax(answers, from) === wanted, confidence: answers[wanted] ?? 0 };
}

function both(...marks: readonly Mark[]): Mark {
  return {
    right: marks.every(({ right }) => right),
    confidence: marks.reduce((product, { confidence }) => product * confidence, 1),
  };
}

const simple =
  (question: Question, wanted: (content: SceneContent) => string): Marking =>
  ({ answers }, content, classes) =>
    mark(answers[question], classOf(classes, question, wanted(content)));

const thing = simple("thing", ({ things }) => things[0]!.name);

/** Among the named colours: "its own" is the first class, and no answer to "which colour was asked for". */
const colour: Marking = ({ answers: { colour } }, { things }, classes) => {
  const named = colour.slice();
  named[0] = 0;
  const sum = named.reduce((a, b) => a + b, 0) || 1;
  const wanted = classOf(classes, "colour", things[0]!.colour!);
  return mark(
    named.map((value) => value / sum),
    wanted,
    1,
  );
};

/** Both things, whichever stands where. */
const twoThings: Marking = ({ answers }, { things: [a, b] }, classes) => {
  const [first, second] = [a, b].map((each) => classOf(classes, "thing", each!.name)) as [number, number];
  const inOrder = both(mark(answers.thing, first), mark(answers.secondThing, second));
  const swapped = both(mark(answers.thing, second), mark(answers.secondThing, first));
  return inOrder.confidence >= swapped.confidence ? inOrder : swapped;
};

/** Beside or above each other, as was said, and the right one first; not whether each is well drawn. */
const place: Marking = ({ answers }, { things: [a, b], layout }, classes) => {
  const [first, second] = [a, b].map((each) => classOf(classes, "thing", each!.name)) as [number, number];
  const inOrder = answers.thing[first]! * answers.secondThing[second]!;
  const swapped = answers.thing[second]! * answers.secondThing[first]!;
  const wanted = classOf(classes, "layout", layout === "above" ? "above" : "beside");
  const order = { right: inOrder > swapped, confidence: inOrder / Math.max(1e-30, inOrder + swapped) };
  return both(mark(answers.layout, wanted), order);
};

const background: Marking = ({ answers }, { background: asked }, classes) => {
  const where = mark(answers.background, classOf(classes, "background", asked!.name));
  if (asked!.colour === null) return where;
  return both(where, mark(answers.backgroundColour, classOf(classes, "backgroundColour", asked!.colour)));
};

const numbers = ["one", "two", "three", "four"];

/** Each skill: what it is called in tables, and when an image has it. */
export const skills = {
  thing: { title: "single thing", mark: thing },
  colour: { title: "colour binding", mark: colour },
  colourAndThing: {
    title: "colour and thing together",
    mark: (verdict, content, classes) =>
      both(colour(verdict, content, classes), thing(verdict, content, classes)),
  },
  twoThings: { title: "two things", mark: twoThings },
  count: { title: "count, 1 to 4", mark: simple("count", ({ things }) => numbers[things[0]!.count - 1]!) },
  place: { title: "place of two things", mark: place },
  background: { title: "background", mark: background },
  style: { title: "style", mark: simple("style", ({ style }) => style) },
} as const satisfies Record<string, { readonly title: string; readonly mark: Marking }>;

export type SkillName = keyof typeof skills;
export const skillNames = Object.keys(skills) as readonly SkillName[];
