// Every operation on the WebGPU device: results against plain loops, gradients against finite differences and against the
// CPU's, with the runtime's graph optimisation off and on. Skipped where there is neither a GPU nor a software driver.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeEngine } from "../../src/engine/node.js";
import { add, trace } from "../../src/graph/index.js";
import { prepareWebgpu } from "../setup/software-gpu.js";
import { cases } from "./cases.js";
import { checkCase, relativeError } from "./check.js";

const missing = await prepareWebgpu();
const engine = makeEngine({ device: "webgpu" });
const reference = makeEngine({ device: "cpu", threads: 1 });
// The device goes with its last session, and its compiled shaders with it: one session stays open.
beforeAll(async () => {
  if (!missing) await engine.load(trace((t) => ({ y: add(t.input("x", [1]), 1) })));
});
afterAll(() => Promise.all([engine.close(), reference.close()]));

// The device's sin, exp and tanh are good to about 1e-5, which a difference divides by its step.
const options = { differences: "direction", tolerance: 5e-3, step: 0.02 } as const;

// The software driver has no 16-bit floats.
const able = cases.filter(({ name }) => name !== "cast through float16");

describe.skipIf(missing).each([false, true])("webgpu, optimize %s", (optimize) => {
  it.each(able)("$name", async (item) => {
    const found = await checkCase(engine, item, { ...options, optimize });
    const wanted = await checkCase(reference, item, { ...options, optimize, differences: "none" });
    for (const [i, row] of wanted.entries()) {
      for (const [name, values] of Object.entries(row)) {
        expect(relativeError(found[i]![name]!, values), `${name} against the CPU`).toBeLessThan(2e-4);
      }
    }
  });
});
