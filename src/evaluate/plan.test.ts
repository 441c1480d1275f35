import { describe, expect, it } from "vitest";
import { isHeldOut, vocabulary, wholeCatalogue } from "../data/index.js";
import { embeddedMix, type GroupName, groups, makePlan } from "./plan.js";
import { synonyms } from "./synonyms.js";

const options = { seed: 0, prompts: 1104, mix: embeddedMix, catalogue: wholeCatalogue };
const plan = makePlan(options);
const of = (group: GroupName) => plan.filter((task) => task.group === group);

describe("the plan of an evaluation", () => {
  it("asks more than a thousand prompts, each of its own name", () => {
    expect(plan.filter(({ group }) => group !== "diversity").length).toBeGreaterThan(1150);
    expect(new Set(plan.map(({ id }) => id)).size).toBe(plan.length);
  });

  it("is the same for the same seed and another for another", () => {
    expect(makePlan(options)).toEqual(plan);
    expect(makePlan({ ...options, seed: 1 }).map(({ prompt }) => prompt)).not.toEqual(
      plan.map(({ prompt }) => prompt),
    );
  });

  it("asks for pairs that training never shows where it says so, and nowhere else", () => {
    for (const { group, content } of plan)
      expect(isHeldOut(content), group).toBe(groups[group].heldOut === "always");
    for (const group of ["colourHeldOut", "twoThingsHeldOut", "styleHeldOut"] as const)
      expect(of(group).length, group).toBe(groups[group].share);
  });

  it("asks for every count, layout, background and style", () => {
    const counts = new Set(of("count").map(({ content }) => content.things[0]!.count));
    expect([...counts].sort()).toEqual([1, 2, 3, 4]);
    expect(new Set(of("place").map(({ content }) => content.layout))).toEqual(new Set(["left", "above"]));
    expect(new Set(of("background").map(({ content }) => content.background?.name)).size).toBe(
      embeddedMix.backgrounds.length,
    );
    expect(new Set(of("style").map(({ content }) => content.style)).size).toBe(8);
  });

  it("draws some prompts again with other seeds", () => {
    const again = of("diversity");
    expect(again.length).toBe(24 * 3);
    for (const task of again) {
      const first = of("thing").find(({ prompt }) => prompt === task.prompt)!;
      expect(task.content).toEqual(first.content);
      expect(task.seed).not.toBe(first.seed);
    }
  });

  it("leaves out what cannot be composed, and says when nothing is left", () => {
    const catalogue = { things: ["cat"], has: (thing: string) => thing === "cat" };
    const mix = { ...embeddedMix, things: ["cat", "dog"] };
    const tasks = makePlan({ ...options, prompts: 50, mix, catalogue });
    expect(
      tasks.filter(({ group }) => group === "thing").every(({ prompt }) => !prompt.includes("dog")),
    ).toBe(true);
    const none = { things: [], has: () => false };
    expect(() => makePlan({ ...options, mix, catalogue: none })).toThrow(/No prompt fits/);
  });
});

describe("the words that training never shows", () => {
  const known = new Set(
    vocabulary.flatMap(({ name, plural, synonyms }) => [name, plural ?? name, ...synonyms]),
  );

  it("are a hundred, and none is in the vocabulary", () => {
    expect(new Set(synonyms.map(({ word }) => word)).size).toBe(100);
    for (const { word } of synonyms) expect(known.has(word), word).toBe(false);
  });

  it("mean things and colours that there are", () => {
    const names = new Set(vocabulary.map(({ name }) => name));
    for (const synonym of synonyms) {
      const things = "thing" in synonym ? [synonym.thing, ...synonym.also] : [synonym.with];
      for (const thing of things) expect(names.has(thing), thing).toBe(true);
    }
  });
});
