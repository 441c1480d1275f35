// Values that a model records on its way: they are outputs where they are asked for, and may be put in place.
import { expect, it } from "vitest";
import * as g from "./index.js";
import { lowerProgram } from "./onnx/lower.js";

/** exp(2x), with 2x on record. */
const model = (t: g.Tracer) => {
  const half = t
    .scope("net")
    .child(0)
    .record("double", g.mul(t.input("x", [2]), 2));
  return { y: g.exp(half) };
};
const names = ({ outputs }: g.Program) => outputs.map(({ name }) => name);
const nodeCount = (program: g.Program) => lowerProgram(program, { target: "cpu" }).nodeCount;

it("writes recorded values where they are asked for, and nothing that is not", () => {
  expect(names(g.trace(model))).toEqual(["y"]);
  expect(names(g.trace(model, { outputs: ["y", "net.0.double"] }))).toEqual(["y", "net.0.double"]);
  const alone = g.trace(model, { outputs: ["net.0.double"] });
  expect(names(alone)).toEqual(["net.0.double"]);
  expect([nodeCount(g.trace(model)), nodeCount(alone)]).toEqual([2, 1]);
});

it("shows the model itself what was recorded", () => {
  const program = g.trace((t) => {
    model(t);
    return { again: g.neg(t.recorded.get("net.0.double")!) };
  });
  expect(names(program)).toEqual(["again"]);
});

it("takes what the caller puts in a value's place, and computes nothing that came before it", () => {
  const program = g.trace(model, {
    substitute: (name, tensor, t) => (name === "net.0.double" ? t.input(name, tensor.shape) : tensor),
  });
  expect(program.inputs.map(({ name }) => name)).toEqual(["x", "net.0.double"]);
  expect(nodeCount(program)).toBe(1);
  const misfit = () => g.trace(model, { substitute: (_, tensor) => g.reshape(tensor, [1, 2]) });
  expect(misfit).toThrow('"net.0.double": [1, 2] stands in the place of [2].');
});

it("refuses outputs that there are not, and two records of one name", () => {
  expect(() => g.trace(model, { outputs: ["net.0.doubel"] })).toThrow(
    'Unknown output "net.0.doubel". Did you mean "net.0.double"? Choose one of: y, net.0.double.',
  );
  const twice = (t: g.Tracer) => {
    const scope = t.scope();
    const x = scope.record("x", t.input("in", [1]));
    return { y: scope.record("x", g.neg(x)) };
  };
  expect(() => g.trace(twice)).toThrow('"x" is recorded twice.');
});

it.each([
  [[2, undefined], "undefined among them"],
  [[-1], "-1 among them"],
  [[1.5, 2], "1.5 among them"],
  [[Number.NaN], "NaN among them"],
  [3, "3"],
  [undefined, "undefined"],
])("refuses the shape %j", (shape, came) => {
  const declare = (where: "input" | "parameter") => () =>
    g.trace((t) => ({
      y: where === "input" ? t.input("x", shape as never) : t.scope().parameter("x", shape as never),
    }));
  for (const where of ["input", "parameter"] as const) {
    expect(declare(where)).toThrow(
      `${where} "x": expected a shape as an array of whole numbers and symbols such as "batch", got ${came}.`,
    );
  }
});
