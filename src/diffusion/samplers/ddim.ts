// DDIM: over sigma, Euler's method without noise (eta 0, the default), and an ancestral step with a share of the
// posterior's noise else. Song et al. 2021 (arXiv 2010.02502), equations 12 and 16.

import { euler } from "./euler.js";
import { eulerAncestral } from "./euler-ancestral.js";
import type { Sampler } from "./sampler.js";

export const ddim: Sampler = (denoise, x, sigmas, options) =>
  (options.eta ?? 0) === 0 ? euler(denoise, x, sigmas, options) : eulerAncestral(denoise, x, sigmas, options);
