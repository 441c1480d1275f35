// Every operation on the CPU: results against plain loops, gradients against finite differences, with the runtime's
// graph optimisation off and on.
import { afterAll, describe, expect, it } from "vitest";
import { makeEngine } from "../../src/engine/node.js";
import { cases, uncovered } from "./cases.js";
import { checkCase } from "./check.js";

const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

it("has a case for every operation, under a name of its own", () => {
  expect(uncovered()).toEqual([]);
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
});

describe.each([false, true])("optimize %s", (optimize) => {
  it.each(cases)("$name", async (item) => {
    await checkCase(engine, item, { optimize, differences: "elements", tolerance: 5e-4, step: 0.01 });
  });
});
