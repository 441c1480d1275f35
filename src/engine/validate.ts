// Checks a session's inputs, so that errors use the program's names rather than the runtime's.
import { NishikiError } from "../errors.js";
import { type DType, formatShape, type Program, type Shape, type TypedArray } from "../graph/index.js";
import type { Carried, HostTensor, HostTensors, KeptPieces, KeptTensors } from "./engine.js";

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

/** Makes a zero-filled array of the dtype. */
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

/** An output that overwrites a kept tensor. */
export interface KeptOutput {
  readonly output: string;
  readonly kept: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** What goes into a session at every run, what stays in it, and what comes out. */
export interface SessionInterface {
  readonly inputs: readonly Expected[];
  readonly carried: readonly Expected[];
  readonly writes: readonly KeptOutput[];
  readonly outputs: readonly string[];
}

/**
 * Describes a session's interface, with carried tensors removed from the inputs and outputs.
 * @throws NishikiError "shape" if a carried name is not an input or output, or does not fit it.
 */
export function describeInterface(
  program: Program,
  fedParameters: readonly string[],
  carried: Readonly<Record<string, Carried>>,
  { reads = {}, writes = {} }: KeptTensors = {},
): SessionInterface {
  const fed = program.parameters.filter(({ name }) => fedParameters.includes(name));
  const declared = [...program.inputs, ...fed].map(({ name, tensor: { dtype, shape } }) => ({
    name,
    dtype,
    shape,
  }));
  const outputs = new Map(program.outputs.map(({ name, tensor }) => [name, tensor]));
  for (const { name, dtype } of [
    ...declared,
    ...program.outputs.map((o) => ({ name: o.name, ...o.tensor })),
  ]) {
    if (dtype !== "bf16") continue;
    throw new NishikiError("shape", `"${name}" is bf16, which only stores weights: cast it to f32.`);
  }
  const inner = Object.entries(carried).map(([name, { output, initial }]) => {
    const input = declared.find((item) => item.name === name);
    const from = outputs.get(output);
    if (!input) throw unknownTensor("carried input", name, declared);
    if (!from) throw unknownTensor("carried output", output, program.outputs);
    checkInputs([input], { [name]: initial }, "carried tensor");
    const expected = { name, dtype: input.dtype, shape: initial.shape };
    const known = from.shape.every((dim, axis) => typeof dim === "string" || dim === initial.shape[axis]);
    if (from.dtype !== input.dtype || from.shape.length !== initial.shape.length || !known) {
      const into = `${from.dtype} ${formatShape(from.shape)}`;
      const wanted = `${input.dtype} ${formatShape(initial.shape)}`;
      throw new NishikiError(
        "shape",
        `Output "${output}" is ${into} and cannot be carried to "${name}", ${wanted}.`,
      );
    }
    return expected;
  });
  const unread = Object.keys(reads).find((name) => !declared.some((item) => item.name === name));
  if (unread !== undefined) throw unknownTensor("kept input", unread, declared);
  const kept = Object.entries(writes).map(([name, place]) => {
    const from = outputs.get(name);
    if (!from) throw unknownTensor("kept output", name, program.outputs);
    return { output: name, kept: place, dtype: from.dtype, shape: fixedShape(name, from.shape) };
  });
  const inside = new Set([...Object.values(carried).map(({ output }) => output), ...Object.keys(writes)]);
  return {
    inputs: declared.filter(({ name }) => !Object.hasOwn(carried, name) && !Object.hasOwn(reads, name)),
    carried: inner,
    writes: kept,
    outputs: [...outputs.keys()].filter((name) => !inside.has(name)),
  };
}

/**
 * Describes a session that processes kept tensors in pieces.
 * @throws NishikiError "shape" if a set names unknown tensors or leaves an output unkept.
 */
export function describePieces(program: Program, { sets }: KeptPieces): SessionInterface {
  const inputs = program.inputs.map(({ name, tensor: { dtype, shape } }) => ({ name, dtype, shape }));
  const read = new Set(Object.keys(sets[0]?.reads ?? {}));
  for (const { reads, writes } of sets) {
    const differs =
      Object.keys(reads).length !== read.size || Object.keys(reads).some((name) => !read.has(name));
    if (differs) throw new NishikiError("shape", "All sets of kept tensors must be read by the same inputs.");
    const unread = Object.keys(reads).find((name) => !inputs.some((item) => item.name === name));
    if (unread !== undefined) throw unknownTensor("kept input", unread, inputs);
    const unwritten = Object.keys(writes).find((name) => !program.outputs.some((item) => item.name === name));
    if (unwritten !== undefined) throw unknownTensor("kept output", unwritten, program.outputs);
    const lost = program.outputs.find(({ name }) => !Object.hasOwn(writes, name));
    if (lost)
      throw new NishikiError("shape", `Output "${lost.name}" is computed in pieces and must be kept.`);
  }
  return { inputs: inputs.filter(({ name }) => !read.has(name)), carried: [], writes: [], outputs: [] };
}

function fixedShape(name: string, shape: Shape): readonly number[] {
  if (shape.every((dim) => typeof dim === "number")) return shape as readonly number[];
  throw new NishikiError(
    "shape",
    `Output "${name}" is ${formatShape(shape)}: only fixed shapes can be kept.`,
  );
}

function unknownTensor(
  kind: string,
  name: string,
  known: readonly { readonly name: string }[],
): NishikiError {
  const choices = known.map((item) => item.name).join(", ") || "none";
  return new NishikiError("shape", `Unknown ${kind} "${name}". The program has: ${choices}.`);
}

/** Checks the inputs. @throws NishikiError "shape" that names the input, the expected and the actual value */
export function checkInputs(expected: readonly Expected[], given: HostTensors, kind = "input"): void {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new NishikiError(
      "shape",
      `Expected ${kind}s by name, as { name: tensor }, got ${showKind(given)}.`,
    );
  }
  const unknown = Object.keys(given).find((name) => !expected.some((item) => item.name === name));
  if (unknown !== undefined) throw unknownTensor(kind, unknown, expected);
  const missing = expected.filter(({ name }) => !Object.hasOwn(given, name) || given[name] === undefined);
  if (missing.length > 0) {
    const list = missing
      .map(({ name, dtype, shape }) => `"${name}" ${dtype} ${formatShape(shape)}`)
      .join(", ");
    throw new NishikiError("shape", `Missing ${kind}${missing.length > 1 ? "s" : ""}: expected ${list}.`);
  }
  const symbols = new Map<string, { size: number; from: string }>();
  for (const want of expected) checkInput(kind, want, given[want.name]!, symbols);
}

const labelOf = (kind: string, name: string) => `${kind[0]!.toUpperCase()}${kind.slice(1)} "${name}"`;

/** Describes a value in a word or two. */
function showKind(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  return typeof value === "object" ? "an object" : `the ${typeof value} ${String(value).slice(0, 40)}`;
}

/** Callers without a type checker pass arrays and numbers where a tensor is expected. */
function checkForm(kind: string, name: string, dtype: DType, wanted: string, tensor: unknown): void {
  const array = arrayTypes[dtype].name;
  const form = `{ dtype: "${dtype}", shape: [...], data: ${array} }`;
  const fail = (came: string) => {
    const sentence = `${labelOf(kind, name)}: expected ${wanted} as ${form}, got ${came}.`;
    return new NishikiError("shape", sentence);
  };
  if (typeof tensor !== "object" || tensor === null || Array.isArray(tensor) || ArrayBuffer.isView(tensor)) {
    throw fail(showKind(tensor));
  }
  const { shape, data } = tensor as Partial<HostTensor>;
  const isShape = Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!isShape)
    throw fail(
      `${Array.isArray(shape) ? `[${shape.slice(0, 8).join(", ")}]` : showKind(shape)} as its shape`,
    );
  if (!ArrayBuffer.isView(data)) throw fail(`${showKind(data)} as its data`);
}

function checkInput(
  kind: string,
  { name, dtype, shape }: Expected,
  tensor: HostTensor,
  symbols: Map<string, { size: number; from: string }>,
): void {
  const wanted = `${dtype} ${formatShape(shape)}`;
  checkForm(kind, name, dtype, wanted, tensor);
  const came = `${tensor.dtype} ${formatShape(tensor.shape)}`;
  const label = labelOf(kind, name);
  const size = tensor.shape.reduce((a, b) => a * b, 1);
  const typed = tensor.dtype === dtype && tensor.data.constructor.name === arrayTypes[dtype].name;
  const ranked = tensor.shape.length === shape.length && tensor.data.length === size;
  if (!typed || !ranked) {
    const elements = `${tensor.data.constructor.name} of ${tensor.data.length}`;
    throw new NishikiError("shape", `${label}: expected ${wanted}, got ${came} held in a ${elements}.`);
  }
  shape.forEach((dim, axis) => {
    const actual = tensor.shape[axis]!;
    if (typeof dim === "number") {
      if (dim !== actual) throw new NishikiError("shape", `${label}: expected ${wanted}, got ${came}.`);
      return;
    }
    const before = symbols.get(dim);
    if (before && before.size !== actual) {
      const where = `${before.size} in "${before.from}"`;
      throw new NishikiError("shape", `${label}: "${dim}" is ${actual} here but ${where}.`);
    }
    symbols.set(dim, { size: actual, from: name });
  });
}
