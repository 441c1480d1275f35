import { afterAll, expect, it } from "vitest";
import { makeEngine } from "../engine/node.js";
import { groupNormLast, trace } from "../graph/index.js";
import { random } from "../random/index.js";

const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

const [tokens, channels, groups, epsilon] = [77, 64, 32, 1e-5];

/** In double precision. `x [tokens, channels]` */
function normalize(x: Float32Array): Float64Array {
  const size = channels / groups;
  const result = new Float64Array(x.length);
  for (let group = 0; group < groups; group++) {
    const places = Array.from({ length: tokens * size }, (_, i) => {
      return Math.floor(i / size) * channels + group * size + (i % size);
    });
    const mean = places.reduce((sum, at) => sum + x[at]!, 0) / places.length;
    const variance = places.reduce((sum, at) => sum + (x[at]! - mean) ** 2, 0) / places.length;
    for (const at of places) result[at] = (x[at]! - mean) / Math.sqrt(variance + epsilon);
  }
  return result;
}

it("normalises what is nearly the same, as the tokens of an empty text are", async () => {
  const normals = random(1, "tokens").normals(tokens * channels);
  const x = Float32Array.from({ length: tokens * channels }, (_, i) => 3 + 0.01 * normals[i]!);
  const program = trace((tracer) => {
    const input = tracer.input("x", ["batch", "tokens", 1, channels]);
    const [weight, bias] = [tracer.input("weight", [channels]), tracer.input("bias", [channels])];
    return { y: groupNormLast(input, groups, weight, bias, epsilon) };
  });
  await using session = await engine.load(program);
  const { y } = await session.run({
    x: { dtype: "f32", shape: [1, tokens, 1, channels], data: x },
    weight: { dtype: "f32", shape: [channels], data: new Float32Array(channels).fill(1) },
    bias: { dtype: "f32", shape: [channels], data: new Float32Array(channels) },
  });
  // The rounding of a mean of 3 is about 2e-7, and what is left of these numbers has a deviation of 0.01.
  const worst = normalize(x).map((value, i) => Math.abs((y!.data as Float32Array)[i]! - value));
  expect(Math.max(...worst)).toBeLessThan(1e-4);
});
