// Converts two random words to two standard normal numbers. Box and Muller, "A Note on the Generation of
// Random Normal Deviates", Annals of Mathematical Statistics 29 (1958).
//
// Seeds must mean the same everywhere, but the language leaves the last bits of Math.log, sin and cos to the
// engine (V8 alone has shipped two different sin and cos). So these are series of + - * / and sqrt, which
// IEEE 754 defines to the bit: every browser and processor gives the same numbers. It is also faster.

const { LN2, PI, SQRT2 } = Math;

/** 2^-e for e = -1 … 31, at index e + 1. */
const INVERSE_POWERS = Float64Array.from({ length: 33 }, (_, i) => 2 ** (1 - i));

/** cos and sin of 0, 1, 2, 3 right angles. */
const COS_QUADRANT = Float64Array.of(1, 0, -1, 0);
const SIN_QUADRANT = Float64Array.of(0, 1, 0, -1);

/**
 * -ln((k + 0.5) / 2^32) for an unsigned word k, to a relative error of 1e-15.
 * ln(2^e m) = e ln 2 + 2 artanh((m - 1)/(m + 1)), with m in [√½, √2] so that ten terms of the series suffice.
 */
export function minusLog(k: number): number {
  let e = 31 - Math.clz32(k);
  let m = (k + 0.5) * INVERSE_POWERS[e + 1]!;
  if (m > SQRT2) {
    m *= 0.5;
    e += 1;
  }
  const s = (m - 1) / (m + 1);
  const z = s * s;
  const p5 = 1 / 11 + z * (1 / 13 + z * (1 / 15 + z * (1 / 17 + z * (1 / 19 + z * (1 / 21)))));
  const series = 1 + z * (1 / 3 + z * (1 / 5 + z * (1 / 7 + z * (1 / 9 + z * p5))));
  return (32 - e) * LN2 - 2 * s * series;
}

/** sin φ for |φ| ≤ π/4, Taylor to φ^17. */
export function sinNearZero(phi: number): number {
  const z = phi * phi;
  const tail = 1 / 362880 - z * (1 / 39916800 - z * (1 / 6227020800 - z * (1 / 1307674368000)));
  return phi * (1 - z * (1 / 6 - z * (1 / 120 - z * (1 / 5040 - z * tail))));
}

/** cos φ for |φ| ≤ π/4, Taylor to φ^16. */
export function cosNearZero(phi: number): number {
  const z = phi * phi;
  const tail =
    1 / 40320 - z * (1 / 3628800 - z * (1 / 479001600 - z * (1 / 87178291200 - z / 20922789888000)));
  return 1 - z * (1 / 2 - z * (1 / 24 - z * (1 / 720 - z * tail)));
}

/** Writes two independent standard normals, rounded to float32, to out[at] and out[at + 1]; a, b are unsigned words. */
export function boxMuller(a: number, b: number, out: Float32Array, at: number): void {
  const radius = Math.sqrt(2 * minusLog(a));
  // The angle: the upper two bits of b select a right angle, the rest adds up to ±π/4. Uniform over the
  // circle.
  const quadrant = b >>> 30;
  const phi = (((b & 0x3fffffff) + 0.5) * 2 ** -30 - 0.5) * (PI / 2);
  const c = radius * cosNearZero(phi);
  const s = radius * sinNearZero(phi);
  const cq = COS_QUADRANT[quadrant]!;
  const sq = SIN_QUADRANT[quadrant]!;
  out[at] = c * cq - s * sq;
  out[at + 1] = s * cq + c * sq;
}
