// Questions about scenes with one right answer each. The classifier learns them; they score generated images.

import { backgroundNames } from "./backgrounds.js";
import { colourNames } from "./colours.js";
import type { SceneContent, SceneLayout } from "./scene-types.js";
import { styleNames } from "./styles.js";
import { vocabulary } from "./vocabulary.js";

/** The answers to each kind of question, in an order that never changes: published weights depend on it. */
export const labelClasses = {
  thing: vocabulary.map(({ name }) => name),
  colour: ["its own", ...colourNames],
  style: styleNames,
  background: ["none", ...backgroundNames],
  backgroundColour: colourNames,
  count: ["one", "two", "three", "four"],
  layout: ["alone", "beside", "above"],
} as const satisfies Record<string, readonly string[]>;

export type LabelClasses = Readonly<Record<keyof typeof labelClasses, readonly string[]>>;

/** The questions, and the classes that answer each. The second thing is the right or lower one of two. */
export const questions = {
  thing: "thing",
  colour: "colour",
  secondThing: "thing",
  secondColour: "colour",
  style: "style",
  background: "background",
  backgroundColour: "backgroundColour",
  count: "count",
  layout: "layout",
} as const satisfies Record<string, keyof typeof labelClasses>;

/** What each question is about: the first thing, the second, or the whole image. */
export const questionViews = {
  thing: "first",
  colour: "first",
  secondThing: "second",
  secondColour: "second",
  style: "whole",
  background: "whole",
  backgroundColour: "whole",
  count: "whole",
  layout: "whole",
} as const satisfies Record<keyof typeof questions, string>;

export type Question = keyof typeof questions;
export const questionNames = Object.keys(questions) as readonly Question[];

/** The answers on layouts that the classes have a word for. */
const layouts: Readonly<Partial<Record<SceneLayout, string>>> = {
  single: "alone",
  small: "alone",
  count: "alone",
  pair: "beside",
  left: "beside",
  above: "above",
  on: "above",
};

/** The right answers by name; null if a question has none, such as the second thing of a scene with one. */
export function labelsOf({
  things,
  layout,
  background,
  style,
}: SceneContent): Readonly<Record<Question, string | null>> {
  const layoutName = layouts[layout] ?? null;
  // Of a crowd there is no first and second: crops of the image show one thing each.
  const [first, second] = layoutName === null ? [] : things;
  const colourOf = (thing: typeof first) => (thing ? (thing.colour ?? labelClasses.colour[0]!) : null);
  return {
    thing: first?.name ?? null,
    colour: colourOf(first),
    secondThing: second?.name ?? null,
    secondColour: colourOf(second),
    style,
    background: background?.name ?? labelClasses.background[0]!,
    backgroundColour: background?.colour ?? null,
    count: second === undefined && first ? labelClasses.count[first.count - 1]! : null,
    layout: layoutName,
  };
}
