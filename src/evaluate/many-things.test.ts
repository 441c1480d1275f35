import { expect, it } from "vitest";
import { sceneMix, vocabulary, wholeCatalogue } from "../data/index.js";
import { getPlace } from "./many-things.js";
import { embeddedMix, makePlan } from "./plan.js";

it("cuts squares out that lie inside of the image", () => {
  expect(getPlace({ x: 0.5, y: 0.5, size: 0.4 }, 256)).toEqual({
    left: 62,
    top: 62,
    width: 133,
    height: 133,
  });
  expect(getPlace({ x: 0.05, y: 0.95, size: 0.2 }, 256)).toEqual({
    left: 0,
    top: 189,
    width: 67,
    height: 67,
  });
  expect(getPlace({ x: 0.5, y: 0.5, size: 0.9 }, 256)).toEqual({ left: 0, top: 0, width: 256, height: 256 });
});

it("asks for many things where the mix has them, and changes no other prompt", () => {
  const options = { seed: 0, prompts: 60, catalogue: wholeCatalogue };
  const before = makePlan({ ...options, mix: embeddedMix });
  const things = vocabulary.map(({ name }) => name);
  const mix = sceneMix({ ...embeddedMix, things, manyThings: 0.3 });
  const tasks = makePlan({ ...options, mix });
  const many = tasks.filter(({ group }) => group === "manyThings");
  expect(many).toHaveLength(6);
  expect(tasks.filter(({ group }) => group !== "manyThings")).toEqual(before);
  for (const { content } of many) expect(content.things.length).toBeGreaterThan(1);
});
