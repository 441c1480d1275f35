import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSafetensors } from "../checkpoint/node.js";
import type { HostTensor, HostTensors } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { gradients, mean, type Program, square, sub, trace } from "../graph/index.js";
import { type DitConfig, type DitInputs, dit, ditConfigs } from "./dit.js";

// Golden velocity and gradients by PyTorch; versions are in the file's metadata, the command in tests/golden/scripts/dit.py.
const config = ditConfigs.tiny;
const [batch, words] = [2, 3];
const engine = makeEngine({ device: "cpu", threads: 1 });
const golden: Record<string, HostTensor> = {};

beforeAll(async () => {
  const file = await openSafetensors("tests/golden/dit-tiny.safetensors");
  for (const [name, { shape }] of file.tensors) {
    golden[name] = { dtype: "f32", shape: [...shape], data: await file.readFloat32(name) };
  }
});
afterAll(() => engine.close());

function inputsOf(tracer: {
  input(name: string, shape: (number | string)[]): DitInputs["latents"];
}): DitInputs {
  return {
    latents: tracer.input("latents", [batch, config.latentTokens, config.latentChannels]),
    time: tracer.input("time", [batch]),
    text: tracer.input("text", [batch, words, config.textWidth]),
    mask: tracer.input("mask", [batch, words]),
  };
}

const inputs = () =>
  Object.fromEntries(["latents", "time", "text", "mask"].map((name) => [name, golden[name]!]));
const weights = (program: Program) =>
  Object.fromEntries(program.parameters.map(({ name }) => [name, golden[`weights.${name}`]!]));

async function run(program: Program, given: HostTensors) {
  const session = await engine.load(program);
  try {
    return await session.run({ ...given, ...weights(program) });
  } finally {
    await session.close();
  }
}

function difference(actual: HostTensor, expected: HostTensor): number {
  expect(actual.shape).toEqual(expected.shape);
  const [a, b] = [actual.data as Float32Array, expected.data as Float32Array];
  const size = Math.sqrt(b.reduce((sum, v) => sum + v * v, 0));
  return Math.sqrt(b.reduce((sum, v, i) => sum + (v - a[i]!) ** 2, 0)) / size;
}

describe("the transformer denoiser", () => {
  it("has the parameters of its twin in PyTorch", () => {
    const { parameters } = trace((tracer) => ({ velocity: dit(tracer.scope(), inputsOf(tracer), config) }));
    const theirs = Object.keys(golden).filter((name) => name.startsWith("weights."));
    expect(parameters.map(({ name }) => `weights.${name}`).sort()).toEqual(theirs.sort());
  });

  it("gives the same velocity, with padding hidden", async () => {
    const program = trace((tracer) => ({ velocity: dit(tracer.scope(), inputsOf(tracer), config) }));
    const { velocity } = await run(program, inputs());
    expect(difference(velocity!, golden.velocity!)).toBeLessThan(1e-5);
    const text = golden.text!;
    const changed = (text.data as Float32Array).map((v, i) => (i >= 4 * config.textWidth ? v + 1 : v)); // padding of the second
    const again = await run(program, { ...inputs(), text: { ...text, data: changed } });
    expect(difference(again.velocity!, golden.velocity!)).toBeLessThan(1e-5);
  });

  it("gives the same gradients", async () => {
    const program = trace((tracer) => {
      const velocity = dit(tracer.scope(), inputsOf(tracer), config);
      const target = tracer.input("target", velocity.shape as number[]);
      const { parameters } = tracer;
      const found = gradients(
        mean(square(sub(velocity, target))),
        parameters.map(({ tensor }) => tensor),
      );
      return Object.fromEntries(parameters.map(({ name }, i) => [`gradients.${name}`, found[i]!]));
    });
    const found = await run(program, { ...inputs(), target: golden.target! });
    for (const [name, gradient] of Object.entries(found)) {
      expect(difference(gradient, golden[name]!), name).toBeLessThan(1e-4);
    }
  });

  it("begins with blocks that change nothing, and no velocity", () => {
    const program = trace((tracer) => ({ velocity: dit(tracer.scope(), inputsOf(tracer), config) }));
    const { parameters } = program;
    const output = parameters.filter(({ name }) => /^latents_out|modulation/.test(name));
    expect(output.length).toBe(2 + 2 * 2 + config.depth); // two maps, and each block's table
    expect(output.every(({ init }) => init.kind === "zeros")).toBe(true);
  });

  it("is the network that the peers in Python measure", () => {
    const peer = JSON.parse(readFileSync("bench/peers/dit-10m.json", "utf8")) as DitConfig;
    expect(peer).toMatchObject(ditConfigs.small);
  });
});
