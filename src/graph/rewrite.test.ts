// Every rule applies where it should, not where it must not, and changes no number.
import { afterAll, describe, expect, it } from "vitest";
import { makeEngine } from "../engine/node.js";
import { random } from "../random/index.js";
import type { GraphNode } from "./graph.js";
import * as g from "./index.js";
import { lowerProgram } from "./onnx/lower.js";
import { type RewriteRule, rewriteRules, simplify } from "./rewrite.js";

const engine = makeEngine({ threads: 1 });
afterAll(() => engine.close());

type Model = (t: g.Tracer) => g.Tensor;
const programOf = (model: Model) => g.trace((t) => ({ y: model(t) }));

/** The operations that the outputs are made of, composites as they stand. */
function operations(program: g.Program): string[] {
  const found = new Set<GraphNode>();
  const visit = (node: GraphNode) => {
    if (found.has(node)) return;
    found.add(node);
    for (const { node: source } of node.inputs) visit(source);
  };
  for (const { tensor } of program.outputs) visit(tensor.node);
  return [...found].map(({ op }) => op.name).sort();
}

async function run(program: g.Program): Promise<Float32Array> {
  const session = await engine.load(program);
  const values = program.inputs.map(({ name, tensor }) => {
    const shape = tensor.shape as readonly number[];
    return [name, { dtype: "f32", shape, data: random(3, name).normals(g.sizeOf(shape)) }] as const;
  });
  const { y } = await session.run(Object.fromEntries(values));
  await session.close();
  return y!.data as Float32Array;
}

interface Example {
  readonly rule: string;
  readonly applies: Model;
  readonly leaves: Model;
}

const examples: Example[] = [
  {
    rule: "reshape of a reshape",
    applies: (t) => g.exp(g.reshape(g.reshape(t.input("x", [2, 6]), [3, 4]), [12])),
    leaves: (t) => g.exp(g.reshape(g.neg(g.reshape(t.input("x", [2, 6]), [3, 4])), [12])),
  },
  {
    rule: "arithmetic of an expanded operand",
    applies: (t) => g.mul(g.expand(t.input("x", [1, 3]), [4, 3]), t.input("b", [4, 3])),
    leaves: (t) => g.mul(g.neg(g.expand(t.input("x", [1, 3]), [4, 3])), t.input("b", [4, 3])),
  },
  {
    rule: "mean of a weighted product with a norm",
    applies: (t) => {
      const n = g.layerNorm(t.input("x", [4, 8]));
      return g.mean(g.mul(g.mul(t.input("u", [4, 8]), t.input("w", [8])), n), -1, { keepAxes: true });
    },
    leaves: (t) => {
      const n = g.exp(t.input("x", [4, 8]));
      return g.mean(g.mul(g.mul(t.input("u", [4, 8]), t.input("w", [8])), n), -1, { keepAxes: true });
    },
  },
];

describe("rules", () => {
  it("have an example each", () => {
    expect(examples.map(({ rule }) => rule)).toEqual(rewriteRules.map(({ name }) => name));
  });

  it.each(examples)("$rule", async ({ rule, applies, leaves }) => {
    const only: RewriteRule[] = rewriteRules.filter(({ name }) => name === rule);
    const plain = programOf(applies);
    const cheaper = simplify(plain, only);
    expect(operations(cheaper)).not.toEqual(operations(simplify(plain, [])));
    expect(cheaper.outputs[0]!.tensor.shape).toEqual(plain.outputs[0]!.tensor.shape);
    const other = programOf(leaves);
    expect(operations(simplify(other, only))).toEqual(operations(other));
    const [expected, values] = [await run(simplify(plain, [])), await run(cheaper)];
    const largest = Math.max(...expected.map(Math.abs));
    // Another order of summation over at most 8 numbers.
    for (const [i, value] of values.entries()) {
      expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(16 * 2 ** -24 * largest);
    }
  });

  it("make one of what a broadcast repeated, and expand it at the end", () => {
    const program = programOf((t) => g.add(g.expand(t.input("x", [1, 3]), [4, 3]), 1));
    const { tensor } = simplify(program).outputs[0]!;
    expect(tensor.node.op.name).toBe("expand");
    expect(tensor.node.inputs[0]!.shape).toEqual([1, 3]);
  });

  it("leave the names and the order of inputs, parameters and outputs", () => {
    const program = g.trace((t) => {
      const [b, a] = [t.input("b", [2]), t.input("a", [2])];
      const scope = t.scope("net");
      scope.parameter("unused", [1]);
      return { z: g.mul(scope.parameter("w", [2]), a), y: b };
    });
    const names = ({ inputs, parameters, outputs }: g.Program) =>
      [inputs, parameters, outputs].map((list) => list.map(({ name }) => name));
    expect(names(simplify(program))).toEqual(names(program));
  });
});

describe("what is written", () => {
  const attend = (t: g.Tracer) => {
    const [q, k, v] = ["q", "k", "v"].map((name) => t.input(name, [1, 4, 8])) as [
      g.Tensor,
      g.Tensor,
      g.Tensor,
    ];
    return { q, y: g.attention(q, k, v, { heads: 2 }) };
  };

  it("does not depend on gradients that no output needs", () => {
    const plain = programOf((t) => attend(t).y);
    const asked = programOf((t) => {
      const { q, y } = attend(t);
      g.gradients(g.sum(y), [q]);
      return y;
    });
    const bytes = (program: g.Program) => lowerProgram(program, { target: "cpu" }).onnx;
    expect(bytes(asked)).toEqual(bytes(plain));
  });

  it("keeps a fused kernel beside another composite that gradients open", () => {
    const program = g.trace((t) => {
      const { q, y } = attend(t);
      const frozen = g.attention(t.input("other", [1, 4, 8]), g.stopGradient(q), g.stopGradient(q), {
        heads: 2,
      });
      return { frozen, d: g.gradients(g.sum(y), [q])[0]! };
    });
    const text = new TextDecoder("latin1").decode(lowerProgram(program, { target: "cpu" }).onnx);
    expect(text.match(/MultiHeadAttention_\d+/g)?.length).toBeGreaterThan(0);
    expect(text).toMatch(/Softmax_\d+/);
  });
});

it("tells operations apart by what they are, not by their names", () => {
  const twice = (factor: number): g.Operation => ({
    name: "scaled",
    infer: ([x]) => [x!],
    lower: (lowering, [x]) => [lowering.node("Mul", [x!, lowering.scalar("f32", factor)])],
  });
  const [two, three] = [twice(2), twice(3)];
  const program = programOf((t) => {
    const x = t.input("x", [2]);
    return g.sub(g.apply(three, [x]), g.apply(two, [x]));
  });
  expect(program.graph.nodes.filter(({ op }) => op.name === "scaled")).toHaveLength(2);
});
