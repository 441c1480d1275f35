// The initial state of a run.
import type { HostTensor, HostTensors } from "../engine/index.js";
import type { Initializer, Parameter } from "../graph/index.js";
import { random } from "../random/index.js";
import { averagedParameter } from "./averages.js";
import type { StepProgram } from "./step-program.js";

/** All tensors carried from step to step, by name; see `checkpoint.ts` for the names. */
export type State = Record<string, HostTensor>;

/**
 * Initial state of a run: parameters by their initialisers, averages equal to them, moments zero.
 * @param weights initial values by parameter name, instead of the initialisers
 */
export function initialState(
  { parameters, state }: StepProgram,
  seed: number,
  weights: HostTensors = {},
): State {
  const first: State = {};
  for (const parameter of parameters) {
    first[parameter.name] = weights[parameter.name] ?? initialValue(parameter, seed);
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
 * Initial value of a parameter by its initialiser: a function of the seed and the parameter's name.
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
