// Converts any numeric tensor to float32.
// The 8-bit floats: P. Micikevicius et al., "FP8 Formats for Deep Learning", 2022, arXiv 2209.05433 (E4M3 has
// no infinity
// and one NaN per sign), and B. Noune et al., 2022, arXiv 2206.02915 (the FNUZ formats: one zero, one NaN,
// another bias).

import { NishikiError } from "../errors.js";
import type { StoredDtype, TensorData } from "./dtype.js";
import { bf16ToFloat32, f16ToFloat32 } from "./half.js";

interface Float8Format {
  readonly mantissaBits: number;
  readonly bias: number;
  /** The value of a byte that departs from the general rule; undefined for all others. */
  readonly special: (byte: number) => number | undefined;
}

const fnuzSpecial = (byte: number): number | undefined => (byte === 0x80 ? Number.NaN : undefined);

const float8Formats: Partial<Record<StoredDtype, Float8Format>> = {
  f8_e5m2: {
    mantissaBits: 2,
    bias: 15,
    special: (byte) => {
      if ((byte & 0x7c) !== 0x7c) return undefined;
      if (byte & 3) return Number.NaN;
      return byte & 0x80 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    },
  },
  f8_e4m3: { mantissaBits: 3, bias: 7, special: (byte) => ((byte & 0x7f) === 0x7f ? Number.NaN : undefined) },
  f8_e5m2fnuz: { mantissaBits: 2, bias: 16, special: fnuzSpecial },
  f8_e4m3fnuz: { mantissaBits: 3, bias: 8, special: fnuzSpecial },
};

function float8Value(byte: number, { mantissaBits, bias, special }: Float8Format): number {
  const known = special(byte);
  if (known !== undefined) return known;
  const sign = byte & 0x80 ? -1 : 1;
  const exponent = (byte & 0x7f) >> mantissaBits;
  const fraction = (byte & ((1 << mantissaBits) - 1)) / (1 << mantissaBits);
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

function byteTable(dtype: StoredDtype): Float32Array | undefined {
  // E8M0 holds only a power of two (OCP Microscaling Formats 1.0, 2023).
  if (dtype === "f8_e8m0")
    return Float32Array.from({ length: 256 }, (_, byte) => (byte === 255 ? Number.NaN : 2 ** (byte - 127)));
  const format = float8Formats[dtype];
  return format && Float32Array.from({ length: 256 }, (_, byte) => float8Value(byte, format));
}

/**
 * Converts a tensor's elements to float32. Returns float32 data without copying and rounds 64-bit types to
 * nearest.
 *
 * @throws NishikiError `checkpoint` for complex numbers and the packed 4- and 6-bit floats
 */
export function toFloat32({ dtype, data }: TensorData): Float32Array {
  if (dtype === "f4" || dtype === "f6_e2m3" || dtype === "f6_e3m2" || dtype === "c64") {
    throw new NishikiError(
      "checkpoint",
      `Elements of type ${dtype} cannot be read as float32; store the tensor as f32, f16 or bf16.`,
    );
  }
  if (dtype === "f16" && data instanceof Uint16Array) return f16ToFloat32(data);
  if (dtype === "bf16" && data instanceof Uint16Array) return bf16ToFloat32(data);
  if (data instanceof Float32Array) return data;
  const out = new Float32Array(data.length);
  const table = byteTable(dtype);
  if (table) for (let i = 0; i < out.length; i++) out[i] = table[Number(data[i])]!;
  else for (let i = 0; i < out.length; i++) out[i] = Number(data[i]);
  return out;
}
