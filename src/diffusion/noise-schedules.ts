// The noise levels that a network was trained on, converted to the one form that samplers use:
//
//   x = x0 + sigma·noise        (Karras et al. 2022, "Elucidating the Design Space", arXiv 2206.00364,
// equation 1)
//
// A network trained on x_t = alpha·x0 + (alpha·sigma)·noise sees alpha·x. This covers variance-preserving
// diffusion, where alpha = 1/√(1 + sigma²), and rectified flow, where x_t = (1 - t)·x0 + t·noise, so alpha =
// 1 - t = 1/(1 + sigma) and sigma = t/(1 - t). The probability-flow equation is the same in either frame, and
// so are Euler, DPM-Solver++ and UniPC.

import { NishikiError } from "../errors.js";

/** The noise schedule of a network's training. */
export interface NoiseSchedule {
  readonly kind: "variance-preserving" | "flow";
  /** The number of noise levels of the whole schedule, for step schedules; 1000 for continuous time. */
  readonly levels: number;
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  /** Gets sigma at a fraction of the schedule's time: 1 is the noisiest level, 1/levels the cleanest. */
  sigmaAt(fraction: number): number;
  /** Gets alpha: the network sees alpha·x. */
  alphaOf(sigma: number): number;
  /** Gets the network's time at a sigma, in the units of its training. */
  timeOf(sigma: number): number;
}

export type BetaName = "linear" | "scaled-linear" | "cosine" | "sigmoid" | "exponential" | "laplace";

/** The largest share of an image that one training step may remove (Nichol and Dhariwal, section 3.2). */
const SIGNAL_BETA_MAX = 0.999;

/**
 * Gets the variance that each training step adds: `count` numbers in (0, 1).
 *
 * "linear" follows Ho et al. 2020 (arXiv 2006.11239), 1e-4 … 0.02; "scaled-linear", linear in √beta, follows
 * Rombach et al. 2022 (arXiv 2112.10752), 0.00085 … 0.012; "sigmoid" follows Xu et al. 2022 (GeoDiff, arXiv
 * 2203.02923). The others take no range and derive from the remaining signal: "cosine" (Nichol and Dhariwal
 * 2021, arXiv 2102.09672), "exponential", exp(-12 t), and "laplace" (Hang and Gu 2024, arXiv 2407.03297).
 */
export function getBetas(name: BetaName, count = 1000, range?: readonly [number, number]): number[] {
  const ramp = (a: number, b: number) =>
    Array.from({ length: count }, (_, i) => a + ((b - a) * i) / Math.max(1, count - 1));
  switch (name) {
    case "linear":
      return ramp(...(range ?? [1e-4, 0.02]));
    case "scaled-linear": {
      const [start, end] = range ?? [0.00085, 0.012];
      return ramp(Math.sqrt(start), Math.sqrt(end)).map((root) => root * root);
    }
    case "sigmoid": {
      const [start, end] = range ?? [1e-4, 0.02];
      return ramp(-6, 6).map((u) => start + (end - start) / (1 + Math.exp(-u)));
    }
    case "cosine":
      return getBetasOfSignal(count, (t) => Math.cos(((t + 0.008) / 1.008) * (Math.PI / 2)) ** 2);
    case "exponential":
      return getBetasOfSignal(count, (t) => Math.exp(-12 * t));
    case "laplace":
      return getBetasOfSignal(count, getLaplaceSignal);
    default:
      throw new NishikiError("internal", `No betas for ${name satisfies never}.`);
  }
}

/** Gets the betas that leave `alphaBar(t)` of the signal at time t in [0, 1]. */
function getBetasOfSignal(count: number, alphaBar: (t: number) => number): number[] {
  return Array.from({ length: count }, (_, i) =>
    Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), SIGNAL_BETA_MAX),
  );
}

/**
 * log SNR follows a Laplace distribution with location 0 and scale 1/2; the small constant keeps the ends
 * finite.
 */
function getLaplaceSignal(t: number): number {
  const logSnr = -0.5 * Math.sign(0.5 - t) * Math.log(1 - 2 * Math.abs(0.5 - t) + 1e-6);
  return Math.sqrt(1 / (1 + Math.exp(-logSnr)));
}

/** The signal left at a last step that should leave none, so that sigma is 4096 there; diffusers' choice. */
const LEAST_ALPHA_BAR = 2 ** -24;

/**
 * Makes a discrete variance-preserving schedule: ᾱ is the running product of 1 - beta, and sigma = √((1 -
 * ᾱ)/ᾱ).
 * Interpolates the time in log sigma between trained times; the network gets a time in [0, levels - 1].
 * @param zeroSnr Removes the signal entirely at the last time and shifts the other levels accordingly (Lin et
 *   al. 2023, arXiv 2305.08891, algorithm 1).
 * @param leastAlphaBar The signal left there anyway, to keep sigma finite.
 * @param isSingle Whether ᾱ is rounded to float32, as PyTorch holds it: near the cleanest times, sigma differs by a
 *   thousandth of itself.
 */
export function getDiscreteSchedule(
  betas: readonly number[],
  { zeroSnr = false, leastAlphaBar = LEAST_ALPHA_BAR, isSingle = false } = {},
): NoiseSchedule {
  if (betas.length < 2 || !betas.every((beta) => beta > 0 && beta < 1))
    throw new NishikiError("usage", "A noise schedule needs at least two betas, all between 0 and 1.");
  let product = 1;
  const alphaBars = betas.map((beta) => {
    product *= isSingle ? Math.fround(1 - Math.fround(beta)) : 1 - beta;
    return isSingle ? Math.fround(product) : product;
  });
  return getScheduleOfAlphaBars(zeroSnr ? removeLastSignal(alphaBars, leastAlphaBar) : alphaBars);
}

function removeLastSignal(alphaBars: readonly number[], least: number): number[] {
  const [first, last] = [Math.sqrt(alphaBars[0]!), Math.sqrt(alphaBars.at(-1)!)];
  return alphaBars.map((alphaBar) =>
    Math.max(least, ((Math.sqrt(alphaBar) - last) * (first / (first - last))) ** 2),
  );
}

function getScheduleOfAlphaBars(alphaBars: readonly number[]): NoiseSchedule {
  const logSigmas = alphaBars.map((alphaBar) => 0.5 * Math.log((1 - alphaBar) / alphaBar));
  const last = alphaBars.length - 1;
  return {
    kind: "variance-preserving",
    levels: alphaBars.length,
    sigmaMin: Math.exp(logSigmas[0]!),
    sigmaMax: Math.exp(logSigmas[last]!),
    sigmaAt: (fraction) => Math.exp(interpolate(logSigmas, clamp(fraction * alphaBars.length - 1, 0, last))),
    alphaOf: (sigma) => 1 / Math.sqrt(1 + sigma * sigma),
    timeOf: (sigma) => locate(logSigmas, Math.log(sigma)),
  };
}

/**
 * The time at which sampling a flow begins instead of 1, where sigma = t/(1 - t) would be infinite. The
 * network sees 0.9999·noise at time 0.9999 instead of noise at time 1: a difference below float16's
 * resolution. Sigma is then 9999, and float32 preserves x0 + sigma·noise to a ten-thousandth of x0's scale by
 * the last step, because each step shrinks the rounding error together with sigma.
 */
const FLOW_TIME_MAX = 0.9999;
const FLOW_LEVELS = 1000;

/**
 * Makes a rectified-flow schedule (Liu et al. 2023, arXiv 2209.03003) between x0 at t = 0 and noise at t = 1.
 *
 * @param shift Spends more steps on noisy levels, as larger images need: t' = s·t/(1 + (s - 1)·t) (Esser et
 *   al. 2024, arXiv 2403.03206, section 5.3.2); 1 spaces them evenly.
 * @param timeScale The network gets timeScale·t.
 */
export function getFlowSchedule({ shift = 1, timeScale = 1 } = {}): NoiseSchedule {
  if (!(shift > 0 && Number.isFinite(shift)))
    throw new NishikiError("usage", `shift: expected a number above 0, got ${shift}.`);
  const sigmaAt = (fraction: number) => {
    const u = clamp(fraction, 1 / FLOW_LEVELS, 1);
    const t = Math.min((shift * u) / (1 + (shift - 1) * u), FLOW_TIME_MAX);
    return t / (1 - t);
  };
  return {
    kind: "flow",
    levels: FLOW_LEVELS,
    sigmaMin: sigmaAt(0),
    sigmaMax: sigmaAt(1),
    sigmaAt,
    alphaOf: (sigma) => 1 / (1 + sigma),
    timeOf: (sigma) => (timeScale * sigma) / (1 + sigma),
  };
}

/**
 * Adds noise up to a training time, in the network's scale: alpha·(x + sigma·noise).
 * @param time A whole training time.
 */
export function addNoise(
  x: Float32Array,
  noise: Float32Array,
  time: number,
  { sigmaAt, alphaOf, levels }: NoiseSchedule,
): Float32Array {
  const sigma = sigmaAt((time + 1) / levels);
  const alpha = alphaOf(sigma);
  return x.map((value, i) => alpha * (value + sigma * noise[i]!));
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

/** Interpolates an ascending table at a fractional index. */
function interpolate(table: readonly number[], index: number): number {
  const i = Math.min(Math.floor(index), table.length - 2);
  const w = index - i;
  return (1 - w) * table[i]! + w * table[i + 1]!;
}

/** Finds the fractional index of a value in an ascending table; clamps values outside. */
function locate(table: readonly number[], value: number): number {
  let low = 0;
  let high = table.length - 1;
  if (value <= table[low]!) return low;
  if (value >= table[high]!) return high;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (table[middle]! <= value) low = middle;
    else high = middle;
  }
  return low + (value - table[low]!) / (table[high]! - table[low]!);
}
