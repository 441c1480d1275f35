// One training step as one program: forward, gradients, clipping, optimizer, moving average.
import {
  add,
  gradients,
  mul,
  type Parameter,
  type Program,
  type Shape,
  sub,
  type Tensor,
  type Tracer,
  trace,
} from "../graph/index.js";
import { adamW, clipFactor, muon, type OptimizerConfig, type StateUpdate, usesMuon } from "./optimizer.js";

/** What is to be made small. Declares its own inputs (fixed shapes: a program that trains is made for one batch size). */
export type Objective = (tracer: Tracer) => {
  readonly loss: Tensor;
  readonly metrics?: Readonly<Record<string, Tensor>>;
};

export interface StepProgram {
  readonly program: Program;
  readonly parameters: readonly Parameter[];
  /** Carried tensors besides the parameters: optimizer state and moving averages. */
  readonly state: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** The output that feeds a carried input in the next step. */
export function nextName(name: string): string {
  return `next:${name}`;
}

/** Inputs that every step takes beside the objective's own. */
export const scalarInputs = ["learningRate", "correction1", "correction2", "averageDecay"] as const;

/**
 * Records a training step.
 * Inputs: the objective's, and the scalars. Outputs: loss, gradientNorm, metrics, and the next state.
 */
export function makeStepProgram(objective: Objective, config: OptimizerConfig): StepProgram {
  const state: { name: string; shape: readonly number[] }[] = [];
  let parameters: readonly Parameter[] = [];
  const program = trace((tracer) => {
    const { loss, metrics = {} } = objective(tracer);
    parameters = [...tracer.parameters];
    const scalar = (name: string) => tracer.input(name, []);
    const scalars = {
      learningRate: scalar("learningRate"),
      correction1: scalar("correction1"),
      correction2: scalar("correction2"),
    };
    const averageDecay = scalar("averageDecay");
    const stateInput = (shape: Shape) => (name: string) => {
      state.push({ name, shape: shape as number[] });
      return tracer.input(name, shape);
    };
    const found = gradients(
      loss,
      parameters.map(({ tensor }) => tensor),
    );
    const { norm, factor } = clipFactor(found, config.clip);
    const outputs: Record<string, Tensor> = { loss, gradientNorm: norm, ...metrics };
    const keep = ({ name, next }: StateUpdate) => {
      outputs[nextName(name)] = next;
    };
    parameters.forEach((parameter, i) => {
      const { name, shape } = parameter;
      const update = usesMuon(config, parameter) ? muon : adamW;
      const { next, updates } = update(parameter, found[i]!, factor, stateInput(shape), config, scalars);
      keep({ name, shape, next });
      for (const item of updates) keep(item);
      const average = stateInput(shape)(`average.${name}`);
      keep({
        name: `average.${name}`,
        shape,
        next: add(average, mul(sub(next, average), sub(1, averageDecay))),
      });
    });
    return outputs;
  });
  return { program, parameters, state };
}
