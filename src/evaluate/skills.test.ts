import { describe, expect, it } from "vitest";
import { labelClasses, type Question, questionNames, questions, type SceneContent } from "../data/index.js";
import type { Verdict } from "./classifier.js";
import { type SkillName, skills } from "./skills.js";

/** A verdict that is sure of these answers, and undecided of all others. */
function seen(answers: Partial<Record<Question, string>>): Verdict {
  const all = questionNames.map((question) => {
    const names: readonly string[] = labelClasses[questions[question]];
    const said = answers[question];
    const rest = said === undefined ? 1 / names.length : 0.1 / (names.length - 1);
    return [question, Float32Array.from(names, (name) => (name === said ? 0.9 : rest))] as const;
  });
  return { answers: Object.fromEntries(all) as Verdict["answers"], features: new Float32Array(2) };
}

const cat = { name: "cat", colour: null, count: 1 };
const dog = { name: "dog", colour: null, count: 1 };
const scene: SceneContent = { things: [cat], layout: "single", background: null, style: "flat" };

function isRight(
  skill: SkillName,
  content: Partial<SceneContent>,
  answers: Partial<Record<Question, string>>,
): boolean {
  return skills[skill].mark(seen(answers), { ...scene, ...content }, labelClasses).right;
}

describe("a skill", () => {
  it("asks for the thing alone", () => {
    expect(isRight("thing", {}, { thing: "cat", style: "3d" })).toBe(true);
    expect(isRight("thing", {}, { thing: "dog", style: "flat" })).toBe(false);
  });

  it("asks for the colour alone, of those that have a name", () => {
    const blue = { things: [{ ...cat, colour: "blue" as const }] };
    expect(isRight("colour", blue, { colour: "blue", thing: "dog" })).toBe(true);
    expect(isRight("colour", blue, { colour: "red", thing: "cat" })).toBe(false);
    const verdict = seen({ colour: "its own" });
    verdict.answers.colour[labelClasses.colour.indexOf("blue")] = 0.2;
    expect(skills.colour.mark(verdict, { ...scene, ...blue }, labelClasses).right).toBe(true);
    expect(isRight("colourAndThing", blue, { colour: "blue", thing: "dog" })).toBe(false);
    expect(isRight("colourAndThing", blue, { colour: "blue", thing: "cat" })).toBe(true);
  });

  it("takes two things in either order", () => {
    const two = { things: [cat, dog], layout: "pair" as const };
    expect(isRight("twoThings", two, { thing: "cat", secondThing: "dog" })).toBe(true);
    expect(isRight("twoThings", two, { thing: "dog", secondThing: "cat" })).toBe(true);
    expect(isRight("twoThings", two, { thing: "cat", secondThing: "cat" })).toBe(false);
  });

  it("asks which of two things stands where", () => {
    const left = { things: [cat, dog], layout: "left" as const };
    expect(isRight("place", left, { thing: "cat", secondThing: "dog", layout: "beside" })).toBe(true);
    expect(isRight("place", left, { thing: "dog", secondThing: "cat", layout: "beside" })).toBe(false);
    expect(isRight("place", left, { thing: "cat", secondThing: "dog", layout: "above" })).toBe(false);
    const above = { ...left, layout: "above" as const };
    expect(isRight("place", above, { thing: "cat", secondThing: "dog", layout: "above" })).toBe(true);
  });

  it("counts", () => {
    const three = { things: [{ ...cat, count: 3 }], layout: "count" as const };
    expect(isRight("count", three, { count: "three" })).toBe(true);
    expect(isRight("count", three, { count: "two" })).toBe(false);
  });

  it("asks for a background, and for its colour where it has one", () => {
    const sea = { background: { name: "sea" as const, colour: null } };
    expect(isRight("background", sea, { background: "sea" })).toBe(true);
    expect(isRight("background", sea, { background: "snow" })).toBe(false);
    const dots = { background: { name: "dots" as const, colour: "red" as const } };
    expect(isRight("background", dots, { background: "dots", backgroundColour: "red" })).toBe(true);
    expect(isRight("background", dots, { background: "dots", backgroundColour: "blue" })).toBe(false);
  });

  it("asks for the style", () => {
    expect(isRight("style", {}, { style: "flat" })).toBe(true);
    expect(isRight("style", {}, { style: "3d" })).toBe(false);
  });
});
