// Logarithm, sine and cosine in float32, bit-identical to PyTorch's AVX2 kernels: the algorithms and
// constants of Cephes' logf and sinf (Moshier 1989), with fused multiply-adds where compilers for such
// processors emit them.

const { fround } = Math;

/** a·b + c of float32 numbers, rounded once. */
export function fused(a: number, b: number, c: number): number {
  const product = a * b; // exact: 48 bits
  const sum = product + c;
  const near = fround(sum);
  // The bits that float64 lost matter only if its result lies half-way between two float32 numbers.
  const other = 2 * sum - near;
  if (near === sum || other !== fround(other)) return near;
  const part = sum - product;
  const lost = product - (sum - part) + (c - part);
  if (lost === 0) return near;
  return lost > 0 ? Math.max(near, other) : Math.min(near, other);
}

const rootHalf = fround(Math.SQRT1_2);
const logTerms = [
  -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
  -2.4999993993e-1, 3.3333331174e-1,
].map(fround);
const logFirst = fround(7.0376836292e-2);
// ln 2 in two parts; the larger has few bits.
const [ln2Low, ln2High] = [fround(-2.1219444e-4), 0.693359375];

/** ln(k / 2^24) for a whole number k from 1 to 2^24. */
export function logOfFraction(k: number): number {
  let exponent = 8 - Math.clz32(k);
  let x = k / 2 ** (exponent + 24);
  if (x < rootHalf) {
    exponent -= 1;
    x = 2 * x - 1;
  } else x -= 1;
  const z = fround(x * x);
  let y = logFirst;
  for (const term of logTerms) y = fused(y, x, term);
  y = fused(fround(y * x), z, fround(exponent * ln2Low));
  y = fround(y - z / 2);
  return fused(exponent, ln2High, fround(x + y));
}

const perOctant = fround(4 / Math.PI);
// -π/4 in three parts.
const octant = [-0.78515625, -2.4187564849853516e-4, -3.774894977445941e-8].map(fround);
const [sin7, sin5, sin3] = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1].map(fround) as Three;
const [cos8, cos6, cos4] = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2].map(
  fround,
) as Three;
type Three = [number, number, number];

/** Sine and cosine of a float32 number from 0 to 8192. */
export function sineAndCosine(angle: number): readonly [sine: number, cosine: number] {
  const j = (Math.trunc(fround(angle * perOctant)) + 1) & ~1;
  const x = octant.reduce((rest, part) => fused(j, part, rest), angle);
  const z = fround(x * x);
  let cosine = fused(fused(cos8, z, cos6), z, cos4);
  cosine = fround(fused(fround(cosine * z), z, -z / 2) + 1);
  let sine = fused(fused(sin7, z, sin5), z, sin3);
  sine = fused(fround(sine * z), x, x);
  if (j & 2) [sine, cosine] = [cosine, sine];
  return [j & 4 ? -sine : sine, (j - 2) & 4 ? cosine : -cosine];
}
