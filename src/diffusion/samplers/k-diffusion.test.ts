// DPM++ 2S a, DPM++ SDE and DPM++ 3M SDE step by step against k-diffusion, with the same draws of noise. The numbers, the network and
// the versions are those of tests/golden/scripts/k_diffusion_paths.py.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Denoiser } from "../denoisers.js";
import { combine } from "../vectors.js";
import { getSampler } from "./table.js";

interface Golden {
  readonly start: number[];
  readonly noise: number[][];
  readonly cases: readonly {
    readonly sampler: string;
    readonly eta: number;
    readonly sigmas: number[];
    readonly path: number[][];
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL("../../../tests/golden/k-diffusion-paths.json", import.meta.url), "utf8"),
) as Golden;

const network: Denoiser<number> = async (x, sigma) =>
  x.map((value) => {
    const clean = value / Math.sqrt(1 + sigma ** 2);
    const log = Math.log(sigma);
    return 0.8 * clean + 0.3 * Math.sin(2 * clean + log) - 0.2 * Math.cos(log / 2);
  });

test.each(golden.cases.map((one) => [one.sampler, one.eta, one.sigmas.length - 1, one] as const))(
  "%s with eta %f in %i steps",
  async (sampler, eta, steps, { sigmas, path }) => {
    const draws = golden.noise.values();
    let worst = 0;
    let last = 0;
    const states = getSampler(sampler).sample(
      network,
      combine([sigmas[0]!, Float32Array.from(golden.start)]),
      sigmas,
      { condition: [0], eta, noise: () => Float32Array.from(draws.next().value!) },
    );
    for await (const { step, x } of states) {
      const expected = path[step - 1]!;
      const most = Math.max(...expected.map(Math.abs));
      worst = Math.max(worst, ...expected.map((value, i) => Math.abs(x[i]! - value) / most));
      last = step;
    }
    expect(last).toBe(steps);
    expect(path).toHaveLength(steps);
    expect(worst).toBeLessThan(2e-6);
  },
);
