// The model output as a parabola through those of up to three steps, over -log sigma. Lu et al. 2022 (arXiv
// 2211.01095),
// appendix B.

/** A model output, and the length of the step after it, over -log sigma. */
export interface Answer {
  readonly denoised: Float32Array;
  readonly h: number;
}

type Derivatives = readonly [first: readonly number[], second: readonly number[]];

/**
 * First and second derivative at the newest output, in units of the step h, as weights over [newest, last,
 * last but one].
 */
export function getDerivatives(h: number, [last, older]: readonly Answer[]): Derivatives {
  if (!last) return [[], []];
  const r0 = last.h / h;
  if (!older) return [[1 / r0, -1 / r0], []];
  const r1 = older.h / h;
  const first = [1 / r0, -1 / r0, 0];
  const second = [0, 1 / r1, -1 / r1];
  const rise = first.map((value, i) => (value - second[i]!) / (r0 + r1));
  return [first.map((value, i) => value + rise[i]! * r0), rise];
}

/**
 * Weights over [newest, last, last but one] for the change of the model output during a step.
 * @param k The step relative to the factor that the output is integrated with: h, or more if noise is
 *   renewed.
 */
export function getParabola(h: number, k: number, answers: readonly Answer[]): readonly number[] {
  const [first, second] = getDerivatives(h, answers);
  const phi2 = Math.expm1(-k) / k + 1;
  const phi3 = phi2 / k - 0.5;
  return first.map((value, j) => phi2 * value - phi3 * (second[j] ?? 0));
}
