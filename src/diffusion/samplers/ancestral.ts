// Splits a step as ancestral samplers do: down to less noise than the next level has, then fresh noise up to
// that level.

/** Computes the standard deviation of the noise to add and the level to step down to: next² = up² + down². */
export function splitStep(
  sigma: number,
  next: number,
  eta: number,
): { readonly up: number; readonly down: number } {
  // The posterior of x at `next`, given x at `sigma` and x0, has standard deviation `up` (for eta 1).
  const up = eta * next * Math.sqrt(1 - (next / sigma) ** 2);
  return { up, down: Math.sqrt(next ** 2 - up ** 2) };
}
