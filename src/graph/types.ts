// Element types and dimensions of symbolic tensors.

/** Element types that a tensor in a program may have. */
export type DType = "f32" | "f16" | "bf16" | "f64" | "i8" | "u8" | "i32" | "i64" | "bool";

/** Eight-bit floats (arXiv:2209.05433, 2206.02915): only for stored weights, which are widened when read. */
export type Float8 = "f8_e4m3" | "f8_e5m2" | "f8_e4m3fnuz" | "f8_e5m2fnuz";

/** A dimension: a number, or the name of one that is known only at run time ("batch", "height"). */
export type Dim = number | string;

export type Shape = readonly Dim[];

export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Typed arrays of a tensor's elements. f16 and bf16 are stored as bits. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint16Array
  | Int32Array
  | BigInt64Array;

const floats: readonly DType[] = ["f32", "f16", "bf16", "f64"];

export function isFloat(dtype: DType): boolean {
  return floats.includes(dtype);
}
