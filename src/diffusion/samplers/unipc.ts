// UniPC: a predictor of order p, and a corrector that reuses the model output at the predicted point, which
// the next step needs anyway, to gain one order at no cost. One evaluation per step, order p + 1 with the
// corrector.
// Zhao et al. 2023 (arXiv 2302.04867), the multistep form for data prediction, over lambda = -log sigma.

import { NishikiError } from "../../errors.js";
import { combine, type Term } from "../vectors.js";
import { prepare, type Sampler } from "./sampler.js";

/**
 * The paper's B(h): B1 = h, B2 = e^h - 1, with -h for h in data prediction. Any B = O(h) preserves the order;
 * B1 grows without bound in long steps, so use B2 unless there are many steps.
 */
type Variant = "bh1" | "bh2";

/** Solves a system of linear equations, given by its rows and its right side. */
type Solve = (rows: number[][], right: number[]) => number[];

/** Loaded when it is used: the library is a tenth of all modules. */
async function loadSolve(): Promise<Solve> {
  const { Matrix, solve } = await import("ml-matrix");
  return (rows, right) => solve(new Matrix(rows), Matrix.columnVector(right)).to1DArray();
}

interface Method {
  readonly variant: Variant;
  readonly solve: Solve;
}

/** A model output and its lambda. */
interface Answer {
  readonly lambda: number;
  readonly denoised: Float32Array;
}

const makeUniPc = (variant: Variant): Sampler =>
  async function* (denoise, x, sigmas, options) {
    const model = prepare(denoise, sigmas, options);
    const order = requireOrder(options.order);
    const steps = sigmas.length - 1;
    const method = { variant, solve: await loadSolve() };
    let answers: Answer[] = []; // newest first
    let xLast = x;
    for (let i = 0; i < steps; i++) {
      const next = sigmas[i + 1]!;
      const lambda = -Math.log(sigmas[i]!);
      const denoised = await model(x, sigmas[i]!);
      const answer = { lambda, denoised };
      if (i > 0) x = update(xLast, answers, lambda, method, answer); // UniC
      // The order grows with the outputs available and falls again at the end, so the step to 0 is x = x̂0.
      const left = next === 0 || options.lowerOrderFinal !== false ? steps - i : order;
      const p = Math.min(order, i + 1, left);
      answers = [answer, ...answers].slice(0, p);
      xLast = x;
      x = update(xLast, answers, -Math.log(next), method); // UniP
      yield { step: i + 1, steps, sigma: next, x, denoised };
    }
  };

export const uniPcBh1 = makeUniPc("bh1");
export const uniPcBh2 = makeUniPc("bh2");

/**
 * Computes x at lambda from x at the newest output's lambda: the predictor, or, with the output at the new
 * lambda, the corrector.
 */
function update(
  x: Float32Array,
  [newest, ...older]: readonly Answer[],
  lambda: number,
  { variant, solve }: Method,
  atLambda?: Answer,
): Float32Array {
  const { lambda: lambda0, denoised: m0 } = newest!;
  const h = lambda - lambda0;
  const others = atLambda ? [...older, atLambda] : older;
  const r = others.map((other) => (other.lambda - lambda0) / h);
  const B = variant === "bh1" ? -h : Math.expm1(-h);
  const rho = getWeights(r, h, B, solve);
  const terms = others.flatMap(({ denoised: m }, j): Term[] => {
    const weight = (-B * rho[j]!) / r[j]!;
    return [
      [weight, m],
      [-weight, m0],
    ];
  });
  return combine([Math.exp(-h), x], [-Math.expm1(-h), m0], ...terms);
}

/**
 * Computes the weights rho with Σ_j rho_j r_j^(n-1) = n! φ_(n+1)(-h) (-h) / B for n = 1 … q: the update is
 * then exact if the model output is a polynomial of degree q in lambda. For q = 1 the paper uses 1/2, which
 * also has the order.
 */
function getWeights(r: readonly number[], h: number, B: number, solve: Solve): number[] {
  if (r.length === 1) return [0.5];
  let phi = Math.expm1(-h) / -h - 1; // (-h)·φ_2(-h), where φ_(n+1)(z) = (φ_n(z) - 1/n!)/z
  let factorial = 1;
  const b = r.map((_, i) => {
    const value = (phi * factorial) / B;
    factorial *= i + 2;
    phi = phi / -h - 1 / factorial;
    return value;
  });
  const vandermonde = r.map((_, n) => r.map((value) => value ** n));
  return solve(vandermonde, b);
}

function requireOrder(order = 2): number {
  if (order === 1 || order === 2 || order === 3) return order;
  throw new NishikiError("usage", `order: expected 1, 2 or 3 for UniPC, got ${order}.`);
}
