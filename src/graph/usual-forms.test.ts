// Forms for usual sizes against the same programs as they are written.
import { afterAll, describe, expect, it } from "vitest";
import type { HostTensor, HostTensors } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { random } from "../random/index.js";
import {
  add,
  type Dim,
  gelu,
  linear,
  lowerProgram,
  mul,
  type Program,
  split,
  type Tensor,
  trace,
} from "./index.js";
import { toUsualForms } from "./usual-forms.js";

const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

const normals = (name: string, ...shape: number[]): HostTensor => ({
  dtype: "f32",
  shape,
  data: random(1, name).normals(shape.reduce((a, b) => a * b, 1)),
});

const [inner, width, out] = [5, 6, 7];

/** GEGLU: `x [batch, positions, in]`. */
function layer(positions: Dim, { swapped = false } = {}): Program {
  return trace((t) => {
    const parameter = (name: string, ...shape: number[]) => t.scope().parameter(name, shape);
    const x = t.input("x", ["batch", positions, inner]);
    const wide = linear(x, parameter("wide", 2 * width, inner), parameter("wide.bias", 2 * width));
    const [value, gate] = split(wide, 2, 2) as [Tensor, Tensor];
    const gated = swapped ? mul(gate, gelu(value)) : mul(value, gelu(gate));
    return { y: linear(gated, parameter("out", out, width), parameter("out.bias", out)) };
  });
}

const weights = {
  wide: normals("wide", 2 * width, inner),
  "wide.bias": normals("wide.bias", 2 * width),
  out: normals("out", out, width),
  "out.bias": normals("out.bias", out),
};

async function run(program: Program, inputs: HostTensors, usualSizes?: Record<string, number>) {
  await using session = await engine.load(program, usualSizes ? { usualSizes } : {});
  return session.run(inputs);
}

const opsOf = (program: Program) => new Set(program.graph.nodes.map(({ op }) => op.name));

/** Sums of at most 6 products of numbers up to about 4. */
function expectClose(actual: HostTensor, expected: HostTensor): void {
  expect(actual.shape).toEqual(expected.shape);
  expected.data.forEach((value, i) => {
    expect(Math.abs((actual.data[i] as number) - (value as number))).toBeLessThan(1e-4);
  });
}

describe("a gated feed-forward layer", () => {
  // 16 blocks: more than some of these sizes have rows, or can fill.
  const usualSizes = { batch: 2, positions: 1 << 20 };

  it.each([
    [2, 64],
    [1, 37],
    [3, 3],
    [1, 1],
  ])("in blocks of rows gives the same values, with %i × %i rows", async (batch, positions) => {
    const program = layer("positions");
    expect(opsOf(toUsualForms(program, usualSizes))).toContain("gatedLayer");
    const inputs = { x: normals("x", batch, positions, inner), ...weights };
    expectClose((await run(program, inputs, usualSizes)).y!, (await run(program, inputs)).y!);
  });

  it("takes them where what lies between the products is large, and rows are many", () => {
    const counts = (positions: number) => {
      const { onnx } = lowerProgram(layer("positions"), {
        target: "cpu",
        usualSizes: { batch: 2, positions },
      });
      return new TextDecoder("latin1").decode(onnx).match(/Gelu_\d+/g)!.length / 3;
    };
    expect(counts(1 << 10)).toBe(1);
    expect(counts(1 << 18)).toBeGreaterThanOrEqual(4);
    expect(counts(1 << 24)).toBe(16);
  });

  it("stays as it is with unknown sizes, and where the first half is the gate", () => {
    expect(opsOf(toUsualForms(layer("positions"), { batch: 2 }))).not.toContain("gatedLayer");
    const swapped = layer(1 << 20, { swapped: true });
    expect(opsOf(toUsualForms(swapped, { batch: 2 }))).not.toContain("gatedLayer");
  });
});

describe("a bias and a shift", () => {
  const program = trace((t) => {
    const image = t.input("image", ["batch", "height", 3, 4]);
    const biased = add(image, t.input("bias", [4]));
    return { y: add(biased, t.input("shift", ["batch", 1, 1, 4])) };
  });

  it("are added to the image as one", async () => {
    const forms = toUsualForms(program, {});
    const last = forms.outputs[0]!.tensor.node;
    expect(last.inputs.map(({ shape }) => shape.length)).toEqual([4, 4]);
    expect(last.inputs[1]!.shape).toEqual(["batch", 1, 1, 4]);
    const inputs = {
      image: normals("image", 2, 5, 3, 4),
      bias: normals("bias", 4),
      shift: normals("shift", 2, 1, 1, 4),
    };
    expectClose((await run(program, inputs, {})).y!, (await run(program, inputs)).y!);
  });
});
