// Element types of the safetensors format, and the typed arrays that hold them in memory.
// Format: https://github.com/huggingface/safetensors (README, "Format"; the list is that of version 0.8).

import { NishikiError } from "../errors.js";

/** The name of an element type in the file, and the bits per element. */
interface DtypeInfo {
  readonly fileName: string;
  readonly bits: number;
}

// The order is the reference writer's order of alignment: tensors are laid out from the last row to the first, so
// that every tensor starts at a multiple of its element size.
const table = {
  bool: { fileName: "BOOL", bits: 8 },
  f4: { fileName: "F4", bits: 4 },
  f6_e2m3: { fileName: "F6_E2M3", bits: 6 },
  f6_e3m2: { fileName: "F6_E3M2", bits: 6 },
  u8: { fileName: "U8", bits: 8 },
  i8: { fileName: "I8", bits: 8 },
  f8_e5m2: { fileName: "F8_E5M2", bits: 8 },
  f8_e4m3: { fileName: "F8_E4M3", bits: 8 },
  f8_e8m0: { fileName: "F8_E8M0", bits: 8 },
  f8_e4m3fnuz: { fileName: "F8_E4M3FNUZ", bits: 8 },
  f8_e5m2fnuz: { fileName: "F8_E5M2FNUZ", bits: 8 },
  i16: { fileName: "I16", bits: 16 },
  u16: { fileName: "U16", bits: 16 },
  f16: { fileName: "F16", bits: 16 },
  bf16: { fileName: "BF16", bits: 16 },
  i32: { fileName: "I32", bits: 32 },
  u32: { fileName: "U32", bits: 32 },
  f32: { fileName: "F32", bits: 32 },
  c64: { fileName: "C64", bits: 64 },
  f64: { fileName: "F64", bits: 64 },
  i64: { fileName: "I64", bits: 64 },
  u64: { fileName: "U64", bits: 64 },
} as const satisfies Record<string, DtypeInfo>;

/** Nishiki's name for an element type; `f16` and `bf16` are the half-precision floats. */
export type StoredDtype = keyof typeof table;

/** Every element type, in the reference writer's order of alignment. */
export const storedDtypes = Object.keys(table) as readonly StoredDtype[];

const byFileName = new Map<string, StoredDtype>(storedDtypes.map((dtype) => [table[dtype].fileName, dtype]));

/** The names that a file may use, for error messages. */
export const fileDtypeNames: readonly string[] = storedDtypes.map((dtype) => table[dtype].fileName);

/** Converts the file's name to Nishiki's (`"BF16"` → `"bf16"`); undefined if the format has no such type. */
export function dtypeFromFile(fileName: string): StoredDtype | undefined {
  return byFileName.get(fileName);
}

/** Converts Nishiki's name to the file's (`"bf16"` → `"BF16"`). */
export function dtypeToFile(dtype: StoredDtype): string {
  return table[dtype].fileName;
}

/** Gets the bits per element; fewer than 8 for the packed 4- and 6-bit floats. */
export function bitsPerElement(dtype: StoredDtype): number {
  return table[dtype].bits;
}

/**
 * Computes the size of a tensor in bytes; undefined if it is not a whole number or exceeds 2^53.
 * Allocates nothing, so untrusted shapes are safe.
 */
export function byteLength(dtype: StoredDtype, shape: readonly number[]): number | undefined {
  let elements = 1;
  for (const size of shape) {
    elements *= size;
    if (!Number.isSafeInteger(elements)) return undefined;
  }
  const bits = elements * table[dtype].bits;
  return Number.isSafeInteger(bits) && bits % 8 === 0 ? bits / 8 : undefined;
}

/** The typed arrays that hold a tensor's elements. */
export type TensorArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/**
 * A tensor in memory. `data` holds numbers if JavaScript has a matching array; `f16` and `bf16` are raw bits
 * in a
 * `Uint16Array` (see half.ts), `c64` is interleaved real and imaginary parts in a `Float32Array`, `bool` is 0
 * or 1 in a
 * `Uint8Array`, and the 8-, 6- and 4-bit floats are raw bytes in a `Uint8Array`.
 */
export interface TensorData {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly data: TensorArray;
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * Views bytes as elements of `dtype`, without copying if `bytes` is aligned to the element size.
 *
 * @throws NishikiError `checkpoint` on a big-endian machine: the format is little-endian.
 */
export function viewElements(dtype: StoredDtype, bytes: Uint8Array): TensorArray {
  if (!littleEndian) {
    throw new NishikiError(
      "checkpoint",
      "Weight files are little-endian; this machine is big-endian and not supported.",
    );
  }
  const unit = dtype === "c64" ? 4 : Math.max(1, bitsPerElement(dtype) / 8);
  const whole = unit > 1 && bytes.byteOffset % unit !== 0 ? bytes.slice() : bytes;
  const { buffer, byteOffset } = whole;
  const length = whole.byteLength / unit;
  switch (dtype) {
    case "i8":
      return new Int8Array(buffer, byteOffset, length);
    case "i16":
      return new Int16Array(buffer, byteOffset, length);
    case "u16":
    case "f16":
    case "bf16":
      return new Uint16Array(buffer, byteOffset, length);
    case "i32":
      return new Int32Array(buffer, byteOffset, length);
    case "u32":
      return new Uint32Array(buffer, byteOffset, length);
    case "f32":
    case "c64":
      return new Float32Array(buffer, byteOffset, length);
    case "f64":
      return new Float64Array(buffer, byteOffset, length);
    case "i64":
      return new BigInt64Array(buffer, byteOffset, length);
    case "u64":
      return new BigUint64Array(buffer, byteOffset, length);
    default:
      return whole;
  }
}
