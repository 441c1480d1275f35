// Converts between float32 and raw 16-bit patterns: IEEE 754 binary16 (f16) and bfloat16 (bf16). Narrowing
// rounds to nearest, ties to even, and preserves infinities, subnormals, signed zeros and NaN.
// f16 uses tables after J. van der Zijp, "Fast Half Float Conversions" (2008): the upper nine bits of a
// float32 (sign and exponent) select the bits to keep, the base to add and the shift.

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** All 65,536 values of a 16-bit format (256 KiB), computed on first use. */
let f16Values: Float32Array | undefined;

function makeF16Values(): Float32Array {
  const values = new Float32Array(65_536);
  const pattern = new Uint32Array(values.buffer);
  for (let half = 0; half < 65_536; half++) {
    const exponent = (half >> 10) & 31;
    const mantissa = half & 1023;
    const sign = (half & 0x8000) << 16;
    if (exponent === 0) values[half] = (sign ? -1 : 1) * mantissa * 2 ** -24;
    else if (exponent === 31) pattern[half] = sign | 0x7f800000 | (mantissa << 13);
    else pattern[half] = sign | ((exponent + 112) << 23) | (mantissa << 13);
  }
  return values;
}

// Indexed by sign and exponent of the float32. `lead` is the implicit leading bit if the result is subnormal.
const base = new Uint16Array(512);
const shift = new Uint8Array(512);
const lead = new Uint32Array(512);

for (let row = 0; row < 512; row++) {
  const exponent = (row & 255) - 127;
  const sign = (row & 256) << 7;
  base[row] = sign;
  shift[row] = 25; // underflow: after dropping 25 bits, even the largest significand rounds to zero
  lead[row] = 0x800000;
  if (exponent >= 16) {
    base[row] = sign | 0x7c00; // overflow: infinity (NaN is handled before the table lookup)
    lead[row] = 0;
  } else if (exponent >= -14) {
    base[row] = sign | ((exponent + 15) << 10);
    shift[row] = 13;
    lead[row] = 0;
  } else if (exponent >= -25) {
    shift[row] = -1 - exponent;
  }
}

/** Drops the low `count` bits, rounding to nearest, ties to even. */
function roundShift(value: number, count: number): number {
  const quotient = value >>> count;
  const rest = value & ((1 << count) - 1);
  const half = 1 << (count - 1);
  return rest > half || (rest === half && (quotient & 1) === 1) ? quotient + 1 : quotient;
}

function f16FromBits(pattern: number): number {
  const magnitude = pattern & 0x7fffffff;
  if (magnitude > 0x7f800000) return ((pattern >>> 16) & 0x8000) | 0x7e00 | ((pattern >>> 13) & 0x1ff);
  const row = pattern >>> 23;
  // Overflow rows keep no significand bits: everything from 2^16 up is infinity.
  // A carry out of the mantissa increments the exponent, which rounds correctly, even to infinity.
  if ((row & 255) >= 143) return base[row]!;
  // A carry out of the mantissa runs into the exponent, which is the right neighbour, infinity included.
  return base[row]! + roundShift((pattern & 0x7fffff) | lead[row]!, shift[row]!);
}

function bf16FromBits(pattern: number): number {
  // A NaN with its payload in the low half would become infinity: set the quiet bit.
  if ((pattern & 0x7fffffff) > 0x7f800000) return (pattern >>> 16) | 0x40;
  return roundShift(pattern, 16);
}

/** Rounds a number to float32, then to f16 bits. */
export function toF16(value: number): number {
  float[0] = value;
  return f16FromBits(bits[0]!);
}

/** Converts f16 bits to a number. */
export function fromF16(half: number): number {
  f16Values ??= makeF16Values();
  return f16Values[half & 0xffff]!;
}

/** Rounds a number to float32, then to bf16 bits. */
export function toBf16(value: number): number {
  float[0] = value;
  return bf16FromBits(bits[0]!);
}

/** Converts bf16 bits to a number. */
export function fromBf16(half: number): number {
  bits[0] = half << 16;
  return float[0]!;
}

/** Converts f16 bits to float32, into `out` (a new array by default) of the same length. */
export function f16ToFloat32(halves: Uint16Array, out = new Float32Array(halves.length)): Float32Array {
  f16Values ??= makeF16Values();
  const values = f16Values;
  for (let i = 0; i < halves.length; i++) out[i] = values[halves[i]!]!;
  return out;
}

/** Rounds float32 to f16 bits (ties to even), into `out` (a new array by default) of the same length. */
export function float32ToF16(values: Float32Array, out = new Uint16Array(values.length)): Uint16Array {
  const patterns = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < patterns.length; i++) out[i] = f16FromBits(patterns[i]!);
  return out;
}

/** Converts bf16 bits to float32, into `out` (a new array by default) of the same length. */
export function bf16ToFloat32(halves: Uint16Array, out = new Float32Array(halves.length)): Float32Array {
  const patterns = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < halves.length; i++) patterns[i] = halves[i]! << 16;
  return out;
}

/** Rounds float32 to bf16 bits (ties to even), into `out` (a new array by default) of the same length. */
export function float32ToBf16(values: Float32Array, out = new Uint16Array(values.length)): Uint16Array {
  const patterns = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < patterns.length; i++) out[i] = bf16FromBits(patterns[i]!);
  return out;
}
