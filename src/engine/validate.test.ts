// What a session says of inputs that are no tensors: callers without a type checker give whatever they have.
import { afterAll, describe, expect, it } from "vitest";
import { exp, trace } from "../graph/index.js";
import { makeEngine } from "./node.js";

const engine = makeEngine({ threads: 1 });
afterAll(() => engine.close());
const program = trace((t) => ({ y: exp(t.input("x", ["batch", 2])) }));
const form = 'Input "x": expected f32 [batch, 2] as { dtype: "f32", shape: [...], data: Float32Array }';

describe("inputs that are no tensors", () => {
  it.each([
    [{ x: [1, 2] }, `${form}, got an array.`],
    [{ x: [[1, 2]] }, `${form}, got an array.`],
    [{ x: new Float32Array(2) }, `${form}, got a Float32Array.`],
    [{ x: 3 }, `${form}, got the number 3.`],
    [{ x: "1, 2" }, `${form}, got the string 1, 2.`],
    [{ x: null }, `${form}, got null.`],
    [{ x: {} }, `${form}, got undefined as its shape.`],
    [{ x: { dtype: "f32", shape: 2, data: new Float32Array(2) } }, `${form}, got the number 2 as its shape.`],
    [
      { x: { dtype: "f32", shape: [1, -2], data: new Float32Array(2) } },
      `${form}, got [1, -2] as its shape.`,
    ],
    [{ x: { dtype: "f32", shape: [1, 2], data: [1, 2] } }, `${form}, got an array as its data.`],
    [{ x: { dtype: "f32", shape: [1, 2] } }, `${form}, got undefined as its data.`],
    [[1, 2], "Expected inputs by name, as { name: tensor }, got an array."],
    [undefined, "Expected inputs by name, as { name: tensor }, got undefined."],
    [{ x: undefined }, 'Missing input: expected "x" f32 [batch, 2].'],
  ])("%j", async (inputs, message) => {
    const session = await engine.load(program);
    await expect(session.run(inputs as never)).rejects.toMatchObject({ code: "shape", message });
    await session.close();
  });

  it("does not take what every object has for an input", async () => {
    const odd = trace((t) => ({ y: exp(t.input("constructor", [1])) }));
    const session = await engine.load(odd);
    await expect(session.run({})).rejects.toMatchObject({
      message: 'Missing input: expected "constructor" f32 [1].',
    });
    expect(session.inputs.map(({ name }) => name)).toEqual(["constructor"]);
    await session.close();
  });
});

it("ends with the block that it was opened in", async () => {
  let kept: { run(inputs: object): Promise<unknown> };
  {
    await using own = makeEngine({ threads: 1 });
    await using session = await own.load(program);
    kept = session;
  }
  await expect(kept.run({})).rejects.toMatchObject({ code: "closed" });
});
