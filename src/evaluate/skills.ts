// The skills that are scored, and when an image counts as right. Each skill looks at one question, so that a
// mistake counts once: colour binding does not check whether the blue thing is a cat; "colour and thing"
// does.
import type { LabelClasses, Question, SceneContent } from "../data/index.js";
import { classOf, type Verdict } from "./classifier.js";

/** Whether a verdict agrees with the prompt. */
export interface Mark {
  readonly right: boolean;
  /** The classifier's probability of the prompt's content, 0 to 1. */
  readonly confidence: number;
}

type Marking = (verdict: Verdict, content: SceneContent, classes: LabelClasses) => Mark;

/** Index of the likeliest answer, counting from index `from`. */
export function argMax(values: Float32Array, from = 0): number {
  let best = from;
  for (let i = from; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

function mark(answers: Float32Array, expected: number, from = 0): Mark {
  return { right: expected >= 0 && argMax(answers, from) === expected, confidence: answers[expected] ?? 0 };
}

function both(...marks: readonly Mark[]): Mark {
  return {
    right: marks.every(({ right }) => right),
    confidence: marks.reduce((product, { confidence }) => product * confidence, 1),
  };
}

const simple =
  (question: Question, expected: (content: SceneContent) => string): Marking =>
  ({ answers }, content, classes) =>
    mark(answers[question], classOf(classes, question, expected(content)));

const thing = simple("thing", ({ things }) => things[0]!.name);

/**
 * Among the named colours. The first class, "original colour", cannot answer which colour the prompt names.
 */
const colour: Marking = ({ answers: { colour } }, { things }, classes) => {
  const named = colour.slice();
  named[0] = 0;
  const sum = named.reduce((a, b) => a + b, 0) || 1;
  const expected = classOf(classes, "colour", things[0]!.colour!);
  return mark(
    named.map((value) => value / sum),
    expected,
    1,
  );
};

/** Both things, in any order. */
const twoThings: Marking = ({ answers }, { things: [a, b] }, classes) => {
  const [first, second] = [a, b].map((each) => classOf(classes, "thing", each!.name)) as [number, number];
  const inOrder = both(mark(answers.thing, first), mark(answers.secondThing, second));
  const swapped = both(mark(answers.thing, second), mark(answers.secondThing, first));
  return inOrder.confidence >= swapped.confidence ? inOrder : swapped;
};

/** The layout of the prompt with the right thing first; not whether each thing is well drawn. */
const place: Marking = ({ answers }, { things: [a, b], layout }, classes) => {
  const [first, second] = [a, b].map((each) => classOf(classes, "thing", each!.name)) as [number, number];
  const inOrder = answers.thing[first]! * answers.secondThing[second]!;
  const swapped = answers.thing[second]! * answers.secondThing[first]!;
  const expected = classOf(classes, "layout", layout === "above" ? "above" : "beside");
  const order = { right: inOrder > swapped, confidence: inOrder / Math.max(1e-30, inOrder + swapped) };
  return both(mark(answers.layout, expected), order);
};

const background: Marking = ({ answers }, { background }, classes) => {
  const { name, colour } = background!;
  const kind = mark(answers.background, classOf(classes, "background", name));
  if (colour === null) return kind;
  return both(kind, mark(answers.backgroundColour, classOf(classes, "backgroundColour", colour)));
};

const numbers = ["one", "two", "three", "four"];

/** Each skill's title in tables, and the rule that scores it. */
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
