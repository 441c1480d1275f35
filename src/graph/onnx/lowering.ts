// The interface through which an operation writes itself as ONNX nodes for one device. All differences
// between devices are queried here, so their limits are in one place.
import type { DType, Shape, TypedArray } from "../types.js";
import type { Capabilities, LoweringTarget } from "./capabilities.js";

export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

/** Rows of 16-bit floats, or of int8 with one scale each. */
export interface NarrowRows {
  readonly rows: string;
  readonly scale?: string;
}

export interface Lowering {
  readonly target: LoweringTarget;
  readonly can: Capabilities;
  /** Writes a node with one output and returns the output's name. */
  node(
    type: string,
    inputs: readonly string[],
    attributes?: Record<string, OnnxAttribute>,
    domain?: string,
  ): string;
  /** Writes a node with several outputs. */
  nodes(
    type: string,
    inputs: readonly string[],
    outputs: number,
    attributes?: Record<string, OnnxAttribute>,
    domain?: string,
  ): string[];
  constant(dtype: DType, shape: readonly number[], data: TypedArray): string;
  scalar(dtype: DType, value: number): string;
  /** A constant int64 vector, for shapes, axes and paddings. */
  integers(values: readonly number[]): string;
  /**
   * A shape as an int64 vector; symbols are read from tensors that have them.
   * `inferOne`: for Reshape, leaves one of the symbols to the operator, as -1.
   */
  shapeVector(shape: Shape, options?: { readonly inferOne?: boolean }): string;
  cast(name: string, dtype: DType): string;
  /** The stored type of a parameter if it is narrower than float32. */
  narrowRows(name: string): NarrowRows | undefined;
  /**
   * Some of a value's `rows` as float32 in a shape, read from their place in a file. Undefined unless the value is a parameter
   * without scales that stays in its file.
   */
  storedRows(
    name: string,
    bounds: readonly [number, number],
    rows: number,
    shape: readonly number[],
  ): string | undefined;
}
