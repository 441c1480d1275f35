import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { openStableDiffusion } from "../../../checkpoint/node.js";
import type { HostTensor } from "../../../engine/index.js";
import { makeEngine } from "../../../engine/node.js";
import { readConditionalUnetConfig } from "../../../models/conditional-unet-config.js";
import { random } from "../../../random/index.js";
import { f32, floats } from "../../tensors.js";
import { DeepFeatures } from "./deep-features.js";
import { traceUnet } from "./programs.js";

const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

describe("deep features", () => {
  it("are taken between whole evaluations, and only for the same conditions", () => {
    const features = new DeepFeatures(3);
    const deep = f32(new Float32Array(1), 1);
    const taken = (...conditions: ("cond" | "uncond")[]) => {
      const found = features.take(conditions);
      if (!found) features.keep(conditions, deep);
      return found === deep;
    };
    const both = ["cond", "uncond"] as const;
    expect([taken(...both), taken(...both), taken(...both), taken(...both)]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect([taken("cond"), taken("cond"), taken(...both)]).toEqual([false, true, false]);
  });

  it.each(["sd1", "xl"])("give the same prediction where nothing has changed since (%s)", async (name) => {
    const model = fileURLToPath(new URL(`../../../../tests/golden/pipelines/${name}`, import.meta.url));
    const { unet } = await openStableDiffusion(model);
    const config = readConditionalUnetConfig(unet.config);
    const load = (form: "whole" | "deep" | "shallow") =>
      engine.load(traceUnet(config, { form }), { weights: unet.weights });
    const [whole, giving, shallow] = await Promise.all([load("whole"), load("deep"), load("shallow")]);
    const inputs: Record<string, HostTensor> = {};
    for (const { name: input, shape } of whole.inputs) {
      const sizes: Record<string, number> = { batch: 2, height: 9, width: 16, tokens: 5 };
      const dims = shape.map((dim) => (typeof dim === "number" ? dim : sizes[dim]!));
      inputs[input] = f32(random(1, input).normals(dims.reduce((a, b) => a * b, 1)), ...dims);
    }
    const expected = floats(await whole.run(inputs), "prediction");
    const { deep, prediction } = await giving.run(inputs);
    const found = floats(await shallow.run({ ...inputs, deep: deep! }), "prediction");
    const most = expected.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    expected.forEach((value, i) => {
      expect(Math.abs((prediction!.data as Float32Array)[i]! - value)).toBeLessThan(1e-5 * most);
      expect(Math.abs(found[i]! - value)).toBeLessThan(1e-5 * most);
    });
    expect(shallow.inputs.length).toBe(whole.inputs.length + 1);
    await Promise.all([whole, giving, shallow].map((session) => session.close()));
  });
});
