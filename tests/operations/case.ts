// The form of the table of operations: the same cases run on every device.
import type { Shape, Tensor, Tracer } from "../../src/graph/index.js";

/** A float input of a case. */
export interface OperandSpec {
  readonly shape: Shape;
  /** Uniform values from this interval. Default [-1, 1]. */
  readonly from?: readonly [number, number];
  /** Values at least 0.15 apart from each other and from 0, in random order: for operations that have kinks. */
  readonly distinct?: boolean;
  /** Exactly these values. */
  readonly values?: readonly number[];
}

/** Elements with their shape, in double precision. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export type NamedValues = Readonly<Record<string, Values>>;

export interface OperationCase {
  readonly name: string;
  /** Functions that src/graph exports and that this case checks. */
  readonly covers: readonly string[];
  readonly inputs: Readonly<Record<string, OperandSpec>>;
  build(inputs: Readonly<Record<string, Tensor>>, tracer: Tracer): Tensor;
  /** The result by plain loops. */
  expected?(values: NamedValues, sizes: Readonly<Record<string, number>>): ArrayLike<number>;
  /** Values of the symbols in the shapes; the case runs once for each row. Default: one run without symbols. */
  readonly sizes?: readonly Readonly<Record<string, number>>[];
  /** Inputs that are not differentiated; true for all. */
  readonly frozen?: readonly string[] | true;
}

/** The inputs of a case by position, for one-line cases. */
export function operandCase(
  name: string,
  covers: string,
  specs: readonly (Shape | OperandSpec)[],
  build: (...tensors: Tensor[]) => Tensor,
  more: Partial<OperationCase> = {},
): OperationCase {
  const names = ["a", "b", "c", "d"].slice(0, specs.length);
  const inputs = Object.fromEntries(
    names.map((key, i) => {
      const spec = specs[i]!;
      return [key, "shape" in spec ? spec : { shape: spec }];
    }),
  );
  return {
    name,
    covers: covers.split(" "),
    inputs,
    build: (tensors) => build(...names.map((key) => tensors[key]!)),
    ...more,
  };
}
