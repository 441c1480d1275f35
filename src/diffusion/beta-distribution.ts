// Quantiles of the beta distribution. The distribution function is the regularised incomplete beta function
// (Abramowitz and Stegun 1964, "Handbook of Mathematical Functions", 26.5.8: as a continued fraction).

/** The logarithm of gamma: Stirling's series (6.1.41) from 10 up, the recurrence below. */
function logGamma(z: number): number {
  let [shift, x] = [0, z];
  for (; x < 10; x++) shift -= Math.log(x);
  const series = 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5) - 1 / (1680 * x ** 7);
  return shift + (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
}

/**
 * Evaluates the continued fraction from its 60th term to its first; exact for x up to (a + 1)/(a + b + 2).
 */
function fraction(x: number, a: number, b: number): number {
  let value = 1;
  for (let m = 60; m >= 1; m--) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m - 1) * (a + b + m - 1) * x) / ((a + 2 * m - 2) * (a + 2 * m - 1));
    value = 1 + odd / (1 + even / value);
  }
  return 1 / value;
}

/** The cumulative distribution function at x. */
export function getBetaShare(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - getBetaShare(1 - x, b, a);
  const log = a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b);
  return (Math.exp(log) / a) * fraction(x, a, b);
}

/** The quantile function, by bisection: the x below which `share` of the distribution lies. */
export function getBetaQuantile(share: number, a: number, b: number): number {
  if (share <= 0) return 0;
  if (share >= 1) return 1;
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (getBetaShare(middle, a, b) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
