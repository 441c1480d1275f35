// Checks at a session's boundary, so that a wrong input is told in the program's own words and not in the runtime's.
import { NishikiError } from "../errors.js";
import { type DType, formatShape, type Shape, type TypedArray } from "../graph/index.js";
import type { HostTensor, HostTensors } from "./engine.js";

export interface Expected {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

const arrayTypes: Record<DType, { readonly name: string }> = {
  f32: Float32Array,
  f64: Float64Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i8: Int8Array,
  u8: Uint8Array,
  bool: Uint8Array,
  i32: Int32Array,
  i64: BigInt64Array,
};

/** A host tensor of the dtype, filled with zeros. */
export function emptyArray(dtype: DType, size: number): TypedArray {
  switch (dtype) {
    case "f32":
      return new Float32Array(size);
    case "f64":
      return new Float64Array(size);
    case "f16":
    case "bf16":
      return new Uint16Array(size);
    case "i8":
      return new Int8Array(size);
    case "u8":
    case "bool":
      return new Uint8Array(size);
    case "i32":
      return new Int32Array(size);
    case "i64":
      return new BigInt64Array(size);
  }
}

/** @throws NishikiError "shape" that names the input, what was expected and what came. */
export function checkInputs(expected: readonly Expected[], given: HostTensors): void {
  const names = expected.map(({ name }) => name);
  const unknown = Object.keys(given).filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new NishikiError(
      "shape",
      `Unknown input "${unknown[0]}". The program takes: ${names.join(", ") || "none"}.`,
    );
  }
  const symbols = new Map<string, { size: number; from: string }>();
  for (const want of expected) checkInput(want, given[want.name], symbols);
}

function checkInput(
  { name, dtype, shape }: Expected,
  tensor: HostTensor | undefined,
  symbols: Map<string, { size: number; from: string }>,
): void {
  const wanted = `${dtype} ${formatShape(shape)}`;
  if (!tensor) throw new NishikiError("shape", `Input "${name}" is missing: expected ${wanted}.`);
  const came = `${tensor.dtype} ${formatShape(tensor.shape)}`;
  const size = tensor.shape.reduce((a, b) => a * b, 1);
  const typed = tensor.dtype === dtype && tensor.data.constructor.name === arrayTypes[dtype].name;
  const ranked = tensor.shape.length === shape.length && tensor.data.length === size;
  if (!typed || !ranked) {
    const elements = `${tensor.data.constructor.name} of ${tensor.data.length}`;
    throw new NishikiError(
      "shape",
      `Input "${name}": expected ${wanted}, got ${came} held in a ${elements}.`,
    );
  }
  shape.forEach((dim, axis) => {
    const actual = tensor.shape[axis]!;
    if (typeof dim === "number") {
      if (dim !== actual)
        throw new NishikiError("shape", `Input "${name}": expected ${wanted}, got ${came}.`);
      return;
    }
    const before = symbols.get(dim);
    if (before && before.size !== actual) {
      const where = `${before.size} in "${before.from}"`;
      throw new NishikiError("shape", `Input "${name}": "${dim}" is ${actual} here but ${where}.`);
    }
    symbols.set(dim, { size: actual, from: name });
  });
}
