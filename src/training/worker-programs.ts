// The step of `step-program.ts` divided for data-parallel workers: gradients of a part of the batch, their
// sum over all workers, and the update. Each worker sums and updates its share of the parameters.
import {
  add,
  type Parameter,
  type Program,
  sumSquares,
  type Tensor,
  type Tracer,
  trace,
} from "../graph/index.js";
import { moveAdamW, type OptimizerConfig, updateCost } from "./optimizer.js";
import {
  gradientsOf,
  nextName,
  type Objective,
  recordAverages,
  recordUpdates,
  type StateTensor,
  scalarsOf,
  scaleRate,
  trainedOf,
} from "./step-program.js";

export const gradientName = (name: string): string => `gradient:${name}`;
export const sumName = (name: string): string => `sum:${name}`;
/** Name of the input with another worker's gradient. */
export const fromWorker = (worker: number, name: string): string => `worker ${worker}:${name}`;

/** Inputs: the objective's. Outputs: loss, metrics, `gradient:NAME` of every parameter. */
export function makeGradientProgram(objective: Objective): {
  program: Program;
  parameters: readonly Parameter[];
} {
  let parameters: readonly Parameter[] = [];
  const program = trace((tracer) => {
    const { loss, metrics = {}, frozen } = objective(tracer);
    parameters = trainedOf(tracer, frozen);
    const found = gradientsOf(loss, parameters);
    const named = parameters.map(({ name }, i) => [gradientName(name), found[i]!] as const);
    return { loss, ...metrics, ...Object.fromEntries(named) };
  });
  return { program, parameters };
}

/**
 * Inputs: `worker L:NAME` of every worker and parameter of a share. Outputs: `sum:NAME`, and squares, the sum
 * of all their squares.
 */
export function makeSumProgram(share: readonly Parameter[], workers: number): Program {
  return trace((tracer) => {
    const sums = share.map(({ name, shape }) => {
      const parts = Array.from({ length: workers }, (_, worker) =>
        tracer.input(fromWorker(worker, name), shape),
      );
      return parts.reduce((a, b) => add(a, b)); // in the workers' order, so that all runs round alike
    });
    const squares = sums.map((sum) => sumSquares(sum)).reduce((a, b) => add(a, b));
    return { squares, ...Object.fromEntries(sums.map((sum, i) => [sumName(share[i]!.name), sum])) };
  });
}

/**
 * Inputs: `sum:NAME`, factor, the scalars, parameters and the optimizer's state. Outputs: `next:NAME` of a
 * share's parameters and of that state.
 */
export function makeUpdateProgram(
  share: readonly Parameter[],
  config: OptimizerConfig,
): { program: Program; state: readonly StateTensor[] } {
  let state: readonly StateTensor[] = [];
  const program = trace((tracer) => {
    const sums = share.map(({ name, shape }) => tracer.input(sumName(name), shape));
    const factor: Tensor = tracer.input("factor", []);
    const updates = recordUpdates(
      tracer,
      share.map((parameter) => fedBy(tracer, parameter)),
      sums,
      factor,
      config,
    );
    state = updates.state;
    return updates.outputs;
  });
  return { program, state };
}

/** What differs between parameters that are updated in pieces. */
export interface PieceSettings {
  readonly weightDecay: number;
  readonly learningRateScale: number;
}

/**
 * AdamW for vectors of one symbolic length. Inputs: p, m, v, gradient, factor, the scalars.
 * Outputs: `next:p`, `next:m`, `next:v`.
 */
export function makePieceProgram(
  { weightDecay, learningRateScale }: PieceSettings,
  { betas }: OptimizerConfig,
): Program {
  return trace((tracer) => {
    const vector = (name: string) => tracer.input(name, ["length"]);
    const before = { p: vector("p"), m: vector("m"), v: vector("v"), gradient: vector("gradient") };
    const factor = tracer.input("factor", []);
    const scalars = scaleRate(scalarsOf(tracer), learningRateScale);
    const { p, m, v } = moveAdamW(before, factor, weightDecay, betas, scalars);
    return { [nextName("p")]: p, [nextName("m")]: m, [nextName("v")]: v };
  });
}

/** Inputs: averageDecay, the parameters of a share and their averages. Outputs: `next:average.NAME`. */
export function makeAverageProgram(share: readonly Parameter[]): {
  program: Program;
  state: readonly StateTensor[];
} {
  let state: readonly StateTensor[] = [];
  const program = trace((tracer) => {
    const averages = recordAverages(
      tracer,
      share.map((parameter) => fedBy(tracer, parameter)),
    );
    state = averages.state;
    return averages.outputs;
  });
  return { program, state };
}

/** The same parameter as an input of another program. */
function fedBy(tracer: Tracer, parameter: Parameter): Parameter {
  return { ...parameter, tensor: tracer.input(parameter.name, parameter.shape) };
}

/**
 * Distributes parameters evenly by update cost. Greedy: most expensive first, each to the least loaded
 * worker.
 */
export function dealShares(
  parameters: readonly Parameter[],
  workers: number,
  config: OptimizerConfig,
): readonly (readonly Parameter[])[] {
  const shares = Array.from({ length: workers }, () => ({ cost: 0, own: new Set<Parameter>() }));
  const dear = parameters.map((parameter) => ({ parameter, cost: updateCost(config, parameter) }));
  for (const { parameter, cost } of dear.sort((a, b) => b.cost - a.cost)) {
    const idlest = shares.reduce((a, b) => (b.cost < a.cost ? b : a));
    idlest.cost += cost;
    idlest.own.add(parameter);
  }
  return shares.map(({ own }) => parameters.filter((parameter) => own.has(parameter)));
}
