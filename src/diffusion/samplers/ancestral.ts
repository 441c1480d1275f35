// How ancestral samplers part a step: down to less noise than asked, then fresh noise up to what was asked.

/** Deviation of the noise that is added, and the level that is gone down to: next² = up² + down². */
export function splitStep(
  sigma: number,
  next: number,
  eta: number,
): { readonly up: number; readonly down: number } {
  // The posterior of x at `next`, given x at `sigma` and x0, has the deviation up (for eta 1).
  const up = eta * next * Math.sqrt(1 - (next / sigma) ** 2);
  return { up, down: Math.sqrt(next ** 2 - up ** 2) };
}
