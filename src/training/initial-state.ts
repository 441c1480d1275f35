// What a run begins with.
import type { HostTensor, HostTensors } from "../engine/index.js";
import type { Initializer, Parameter } from "../graph/index.js";
import { random } from "../random/index.js";
import { averagedParameter } from "./averages.js";
import type { StepProgram } from "./step-program.js";

/** Everything that is carried from step to step, by name: see `checkpoint.ts` for the names. */
export type State = Record<string, HostTensor>;

/**
 * The state that a run begins with: parameters as their networks say, averages equal to them, moments zero.
 * @param given Values that take the place of a parameter's own beginning, by name and in its shape.
 */
export function initialState(
  { parameters, state }: StepProgram,
  seed: number,
  given: HostTensors = {},
): State {
  const first: State = {};
  for (const parameter of parameters) {
    first[parameter.name] = given[parameter.name] ?? initialValue(parameter, seed);
  }
  for (const { name, shape } of state) {
    const parameter = averagedParameter(name);
    const source = parameter === undefined ? undefined : first[parameter];
    const size = shape.reduce((a, b) => a * b, 1);
    const data = source ? (source.data as Float32Array).slice() : new Float32Array(size);
    first[name] = { dtype: "f32", shape, data };
  }
  return first;
}

/**
 * What a parameter begins with, as its network says: a function of the seed and of its name.
 * @returns f32 in the parameter's shape
 */
export function initialValue(
  { name, shape, init }: Pick<Parameter, "name" | "shape" | "init">,
  seed: number,
): HostTensor {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  fillInitial(data, init, seed, name);
  return { dtype: "f32", shape, data };
}

function fillInitial(data: Float32Array, init: Initializer, seed: number, name: string): void {
  const numbers = random(seed, "parameter", name);
  switch (init.kind) {
    case "zeros":
      return;
    case "ones":
      data.fill(1);
      return;
    case "normal":
      numbers.fillNormals(data);
      for (let i = 0; i < data.length; i++) data[i]! *= init.deviation;
      return;
    case "uniform":
      for (let i = 0; i < data.length; i++) data[i] = (2 * numbers.uniform() - 1) * init.bound;
  }
}
