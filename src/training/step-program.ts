// A training step as one program: forward pass, gradients, clipping, optimizer, moving average.
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
import { averageName } from "./averages.js";
import {
  adamW,
  clipFactor,
  muon,
  type OptimizerConfig,
  type StateUpdate,
  type StepScalars,
  settingsOf,
  usesMuon,
} from "./optimizer.js";

/**
 * The training objective. Declares its inputs, with fixed shapes: a training program has one batch size.
 */
export type Objective = (tracer: Tracer) => {
  readonly loss: Tensor;
  readonly metrics?: Readonly<Record<string, Tensor>>;
  /** Names of frozen parameters. */
  readonly frozen?: ReadonlySet<string>;
};

/** Parameters that an objective trains. */
export function trainedOf(tracer: Tracer, frozen: ReadonlySet<string> = new Set()): readonly Parameter[] {
  return tracer.parameters.filter(({ name }) => !frozen.has(name));
}

/** A tensor carried from step to step besides the parameters. */
export interface StateTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface StepProgram {
  readonly program: Program;
  readonly parameters: readonly Parameter[];
  /** Carried tensors besides the parameters: optimizer state and moving averages. */
  readonly state: readonly StateTensor[];
}

/** Name of the output that feeds a carried input in the next step. */
export function nextName(name: string): string {
  return `next:${name}`;
}

/**
 * Records a training step.
 * Inputs: the objective's and the scalars. Outputs: loss, gradientNorm, metrics and the next state.
 */
export function makeStepProgram(objective: Objective, config: OptimizerConfig): StepProgram {
  let parameters: readonly Parameter[] = [];
  let state: readonly StateTensor[] = [];
  const program = trace((tracer) => {
    const { loss, metrics = {}, frozen } = objective(tracer);
    parameters = trainedOf(tracer, frozen);
    const found = gradientsOf(loss, parameters);
    const { norm, factor } = clipFactor(found, config.gradientClipping);
    const updates = recordUpdates(tracer, parameters, found, factor, config);
    const moved = parameters.map(({ name, shape }) => ({
      name,
      shape,
      tensor: updates.outputs[nextName(name)]!,
    }));
    const averages = recordAverages(tracer, moved);
    state = [...updates.state, ...averages.state];
    return { loss, gradientNorm: norm, ...metrics, ...updates.outputs, ...averages.outputs };
  });
  return { program, parameters, state };
}

/** Declares the scalars that change from step to step. */
export function scalarsOf(tracer: Tracer): StepScalars {
  return {
    learningRate: tracer.input("learningRate", []),
    correction1: tracer.input("correction1", []),
    correction2: tracer.input("correction2", []),
  };
}

/** The scalars of a group of parameters with a learning rate of its own. */
export function scaleRate(scalars: StepScalars, scale: number): StepScalars {
  return scale === 1 ? scalars : { ...scalars, learningRate: mul(scalars.learningRate, scale) };
}

export function gradientsOf(loss: Tensor, parameters: readonly Parameter[]): Tensor[] {
  return gradients(
    loss,
    parameters.map(({ tensor }) => tensor),
  );
}

/**
 * Records the optimizer's update of parameters with known gradients, without moving averages. Inputs: the
 * scalars and the state.
 * @param factor clipping factor of all gradients
 * @returns outputs `next:NAME` of the parameters and the state, and the state's tensors
 */
export function recordUpdates(
  tracer: Tracer,
  parameters: readonly Parameter[],
  found: readonly Tensor[],
  factor: Tensor,
  config: OptimizerConfig,
): { outputs: Record<string, Tensor>; state: StateTensor[] } {
  const state: StateTensor[] = [];
  const outputs: Record<string, Tensor> = {};
  const scalars = scalarsOf(tracer);
  const stateInput = (shape: Shape) => (name: string) => {
    state.push({ name, shape: shape as number[] });
    return tracer.input(name, shape);
  };
  const keep = ({ name, next }: StateUpdate) => {
    outputs[nextName(name)] = next;
  };
  parameters.forEach((parameter, i) => {
    const { name, shape } = parameter;
    const update = usesMuon(config, parameter) ? muon : adamW;
    const settings = settingsOf(config, parameter);
    const scaled = scaleRate(scalars, settings.learningRateScale);
    const { next, updates } = update(parameter, found[i]!, factor, stateInput(shape), settings, scaled);
    keep({ name, shape, next });
    for (const item of updates) keep(item);
  });
  return { outputs, state };
}

/**
 * Records the update of the moving averages. Inputs: averageDecay and the averages.
 * @returns outputs `next:average.NAME`, and the averages' tensors
 */
export function recordAverages(
  tracer: Tracer,
  parameters: readonly Pick<Parameter, "name" | "shape" | "tensor">[],
): { outputs: Record<string, Tensor>; state: StateTensor[] } {
  const rate = sub(1, tracer.input("averageDecay", []));
  const state: StateTensor[] = [];
  const outputs: Record<string, Tensor> = {};
  for (const { name, shape, tensor } of parameters) {
    const own = averageName(name);
    const average = tracer.input(own, shape);
    state.push({ name: own, shape });
    outputs[nextName(own)] = add(average, mul(sub(tensor, average), rate));
  }
  return { outputs, state };
}
