// What is written for each device: fused kernels where there are any, parts where gradients or the device want them,
// nothing that no output needs.
import { describe, expect, it } from "vitest";
import type { Program, Tensor, Tracer } from "../index.js";
import * as g from "../index.js";
import type { LoweringTarget } from "./capabilities.js";
import { lowerProgram } from "./lower.js";

/** Types of the nodes, read off the model's text: every node is named type_number. */
function typesOf(program: Program, target: LoweringTarget = "cpu", decompose = false): Set<string> {
  const { onnx } = lowerProgram(program, { target, decompose });
  const text = new TextDecoder("latin1").decode(onnx);
  return new Set([...text.matchAll(/([A-Z][A-Za-z]+)_\d+/g)].map((match) => match[1]!));
}

const attend = (t: Tracer): Tensor => {
  const [q, k, v] = ["q", "k", "v"].map((name) => t.input(name, [1, 4, 8])) as [Tensor, Tensor, Tensor];
  return g.attention(q, k, v, { heads: 2 });
};
const attention = g.trace((t) => ({ y: attend(t) }));
const differentiated = g.trace((t) => {
  const y = attend(t);
  return { y, d: g.gradients(g.sum(y), [y.node.inputs[0]!])[0]! };
});

const groupNorm = g.trace((t) => ({
  y: g.groupNorm(t.input("x", [1, 4, 3]), 2, t.input("w", [4]), t.input("b", [4])),
}));

describe("composites", () => {
  it("are one kernel where the device has it", () => {
    expect([...typesOf(attention)]).toEqual(["MultiHeadAttention"]);
    expect([...typesOf(attention, "webgpu")]).toEqual(["MultiHeadAttention"]);
    expect([...typesOf(groupNorm)]).toEqual(["GroupNormalization"]);
  });

  it("are written by their parts on request, for gradients, and where the device has no kernel", () => {
    for (const types of [
      typesOf(attention, "cpu", true),
      typesOf(differentiated),
      typesOf(attention, "coreml"),
    ]) {
      expect(types.has("MultiHeadAttention")).toBe(false);
      expect(types.has("Softmax")).toBe(true);
    }
    expect(typesOf(groupNorm, "webgpu").has("GroupNormalization")).toBe(false);
  });

  it("keep an operation with a gradient of its own whole in differentiated programs", () => {
    const table = g.trace((t) => {
      const x = t.input("x", [5, 2]);
      const rows = g.gather(x, t.input("ids", [3], "i64"));
      return { d: g.gradients(g.sum(g.square(rows)), [x])[0]! };
    });
    expect(typesOf(table).has("ScatterND")).toBe(true);
    const product = typesOf(table, "webgpu");
    expect(product.has("ScatterND")).toBe(false);
    expect(product.has("Equal")).toBe(true);
  });
});

describe("programs", () => {
  it("leave out what no output needs, and ask only for parameters that are used", () => {
    const program = g.trace((t) => {
      const scope = t.scope("net");
      const used = scope.parameter("used", [2]);
      g.exp(scope.parameter("unused", [2]));
      return { y: g.mul(t.input("x", [2]), used) };
    });
    const { fedParameters, nodeCount } = lowerProgram(program, { target: "cpu" });
    expect(fedParameters).toEqual(["net.used"]);
    expect(nodeCount).toBe(1);
    expect(program.parameters.map(({ name }) => name)).toEqual(["net.used", "net.unused"]);
  });

  it("record equal work once", () => {
    const program = g.trace((t) => {
      const x = t.input("x", [2]);
      return { y: g.add(g.exp(g.mul(x, 2)), g.exp(g.mul(x, 2))) };
    });
    expect(lowerProgram(program, { target: "cpu" }).nodeCount).toBe(3);
  });

  it("give one tensor under two names, and an input as it is", () => {
    const program = g.trace((t) => {
      const x = t.input("x", [2]);
      const y = g.exp(x);
      return { a: y, b: y, c: x };
    });
    expect(lowerProgram(program, { target: "cpu" }).nodeCount).toBe(3);
  });

  it("are the same bytes every time", () => {
    const once = lowerProgram(differentiated, { target: "cpu" }).onnx;
    expect(lowerProgram(differentiated, { target: "cpu" }).onnx).toEqual(once);
  });
});

describe("gradients", () => {
  it("are zeros for what the loss does not depend on", () => {
    const program = g.trace((t) => {
      const [x, other] = [t.input("x", [2]), t.input("other", [3])];
      const [dx, none] = g.gradients(g.sum(g.square(x)), [x, other]) as [Tensor, Tensor];
      expect(none.shape).toEqual([3]);
      expect(none.node.op.name).toBe("fill");
      return { dx, none };
    });
    expect(program.outputs.length).toBe(2);
  });

  it("reach intermediate tensors, and stop at them where nothing before is asked for", () => {
    g.trace((t) => {
      // argMax has no gradient; what comes after it has one.
      const picked = g.cast(g.argMax(t.input("x", [2, 3]), 1), "f32");
      const [d] = g.gradients(g.sum(g.square(picked)), [picked]) as [Tensor];
      expect(d.shape).toEqual([2]);
      return { d };
    });
  });

  it("can be taken of gradients", () => {
    g.trace((t) => {
      const x = t.input("x", [2]);
      const [first] = g.gradients(g.sum(g.sin(x)), [x]) as [Tensor];
      const [second] = g.gradients(g.sum(g.mul(first, first)), [x]) as [Tensor];
      expect(second.shape).toEqual([2]);
      return { second };
    });
  });
});
