// Checks of one case on one engine: the result against plain loops, every gradient against central differences.
import { expect } from "vitest";
import type { Engine, HostTensors, Session } from "../../src/engine/index.js";
import { cast, type Dim, gradients, mul, type Program, sum, trace } from "../../src/graph/index.js";
import type { NamedValues, OperandSpec, OperationCase, Values } from "./case.js";

export interface CheckOptions {
  readonly optimize: boolean;
  /** Differences along elements and a random direction of each input, along the direction only, or none. */
  readonly differences: "elements" | "direction" | "none";
  /** Allowed error of results and gradients, relative to 1 + the largest element. */
  readonly tolerance: number;
  /** Step of the differences. Device functions that are less exact need a larger one. */
  readonly step: number;
}

/** Mulberry32: a small seeded generator, uniform in [0, 1). */
export function makeUniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

function shuffled(values: number[], uniform: () => number): number[] {
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [values[i], values[j]] = [values[j]!, values[i]!];
  }
  return values;
}

function makeValues(spec: OperandSpec, shape: readonly number[], uniform: () => number): Float64Array {
  const size = sizeOf(shape);
  const [low, high] = spec.from ?? [-1, 1];
  if (spec.values) return Float64Array.from({ length: size }, (_, i) => spec.values![i]!);
  if (spec.distinct) {
    const middle = Math.floor(size / 2);
    return Float64Array.from(
      shuffled(
        Array.from({ length: size }, (_, i) => 0.16 * (i - middle + 0.5)),
        uniform,
      ),
    );
  }
  // Float32 is what the device sees.
  return Float64Array.from({ length: size }, () => Math.fround(low + uniform() * (high - low)));
}

function resolve(shape: readonly Dim[], sizes: Readonly<Record<string, number>>): number[] {
  return shape.map((dim) => (typeof dim === "number" ? dim : sizes[dim]!));
}

/** Random inputs of a case, the same ones for every device. */
export function makeInputs(item: OperationCase, sizes: Readonly<Record<string, number>>): NamedValues {
  const uniform = makeUniform(sizeOf(Object.values(sizes)) + item.name.length);
  const made = Object.entries(item.inputs).map(([name, spec]) => {
    const shape = resolve(spec.shape, sizes);
    return [name, { shape, data: makeValues(spec, shape, uniform) }];
  });
  return Object.fromEntries(made) as NamedValues;
}

export function declare(item: OperationCase, withGradients: boolean): Program {
  return trace((tracer) => {
    const inputs = Object.fromEntries(
      Object.entries(item.inputs).map(([name, { shape }]) => [name, tracer.input(name, shape)]),
    );
    const y = cast(item.build(inputs, tracer), "f32");
    if (!withGradients) return { y };
    // A random linear function of the result: its gradient is the transposed Jacobian times the direction.
    const direction = tracer.input("direction", y.shape);
    const names = differentiated(item);
    const found = gradients(
      sum(mul(y, direction)),
      names.map((name) => inputs[name]!),
    );
    return { y, ...Object.fromEntries(names.map((name, i) => [`d ${name}`, found[i]!])) };
  });
}

export function differentiated({ inputs, frozen = [] }: OperationCase): string[] {
  return frozen === true ? [] : Object.keys(inputs).filter((name) => !frozen.includes(name));
}

export function toHost(values: NamedValues): HostTensors {
  return Object.fromEntries(
    Object.entries(values).map(([name, { shape, data }]) => [
      name,
      { dtype: "f32", shape, data: Float32Array.from(data) },
    ]),
  );
}

/** Largest error relative to 1 + the largest element. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  let scale = 1;
  for (let i = 0; i < actual.length; i++) {
    if (Number.isNaN(actual[i]!)) return Number.NaN;
    worst = Math.max(worst, Math.abs(actual[i]! - expected[i]!));
    scale = Math.max(scale, 1 + Math.abs(expected[i]!));
  }
  return worst / scale;
}

async function evaluate(session: Session, values: NamedValues): Promise<Float32Array> {
  const { y } = await session.run(toHost(values));
  return y!.data as Float32Array;
}

function moved(values: NamedValues, name: string, along: Float64Array, by: number): NamedValues {
  const { shape, data } = values[name]!;
  return { ...values, [name]: { shape, data: data.map((value, i) => value + by * along[i]!) } };
}

/** Central difference of Σ direction · y along a direction of one input, summed in double precision. */
async function difference(
  session: Session,
  values: NamedValues,
  name: string,
  along: Float64Array,
  direction: Float64Array,
  step: number,
): Promise<number> {
  const at = async (by: number) => {
    const y = await evaluate(session, moved(values, name, along, by));
    return y.reduce((total, value, i) => total + value * direction[i]!, 0);
  };
  const [above, below] = await Promise.all([at(step), at(-step)]);
  return (above - below) / (2 * step);
}

/** Directions in which a gradient is compared: single elements (all, where there are few) and a random vector of all. */
function directions(size: number, kind: CheckOptions["differences"], uniform: () => number): Float64Array[] {
  if (kind === "none") return [];
  const whole = Float64Array.from({ length: size }, () => uniform() * 2 - 1);
  if (kind === "direction") return [whole];
  const order = shuffled([...Array(size).keys()], uniform).slice(0, 12);
  return [whole, ...order.map((i) => new Float64Array(size).fill(1, i, i + 1))];
}

/** The case's gradients by input, for comparison between devices. */
export type CaseResult = Readonly<Record<string, Float32Array>>;

/** Runs a case once for each of its sizes. Returns the results and gradients of each run. */
export async function checkCase(
  engine: Engine,
  item: OperationCase,
  options: CheckOptions,
): Promise<CaseResult[]> {
  const { optimize } = options;
  const forward = await engine.load(declare(item, false), { optimize });
  const backward = item.frozen === true ? undefined : await engine.load(declare(item, true), { optimize });
  const results: CaseResult[] = [];
  for (const sizes of item.sizes ?? [{}]) {
    results.push(await checkAt(forward, backward, item, sizes, options));
  }
  await Promise.all([forward.close(), backward?.close()]);
  return results;
}

async function checkAt(
  forward: Session,
  backward: Session | undefined,
  item: OperationCase,
  sizes: Readonly<Record<string, number>>,
  options: CheckOptions,
): Promise<CaseResult> {
  const values = makeInputs(item, sizes);
  const { y } = await forward.run(toHost(values));
  const label = `${item.name} ${JSON.stringify(sizes)}`;
  const result = y!.data as Float32Array;
  const wanted = item.expected?.(values, sizes);
  if (wanted) expect(relativeError(result, wanted), `result of ${label}`).toBeLessThan(options.tolerance);
  if (!backward) return { y: result };
  const uniform = makeUniform(7);
  const direction: Values = {
    shape: y!.shape,
    data: Float64Array.from(result, () => Math.fround(uniform() * 2 - 1)),
  };
  const given = await backward.run(toHost({ ...values, direction }));
  const same = relativeError(given.y!.data as Float32Array, result);
  expect(same, `${label}: result with gradients`).toBeLessThan(options.tolerance);
  for (const name of differentiated(item)) {
    const gradient = given[`d ${name}`]!;
    expect(gradient.shape, `shape of the gradient of ${name} in ${label}`).toEqual(values[name]!.shape);
    const data = gradient.data as Float32Array;
    const along = directions(data.length, options.differences, uniform);
    const found = along.map((v) => data.reduce((total, value, i) => total + value * v[i]!, 0));
    const { step } = options;
    const measured = await Promise.all(
      along.map((v) => difference(forward, values, name, v, direction.data, step)),
    );
    const error = relativeError(found, measured);
    expect(
      error,
      `gradient of ${name} in ${label}: ${found} by program, ${measured} by differences`,
    ).toBeLessThan(options.tolerance);
  }
  return Object.fromEntries(Object.entries(given).map(([name, { data }]) => [name, data as Float32Array]));
}
