// Every sampler from a published config to the last latents, step by step against the scheduler that diffusers has for it. The
// numbers, the network and the versions are those of tests/golden/scripts/trajectories.py.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { getDenoiser, type Network } from "./denoisers.js";
import { getSampler } from "./samplers/table.js";
import { planSteps } from "./step-plan.js";
import { readScheduler } from "./trained-scheduler.js";
import { combine } from "./vectors.js";

interface Case {
  readonly config: Readonly<Record<string, unknown>>;
  readonly steps: number;
  readonly eta: number | null;
  readonly path: readonly (readonly number[])[];
}

const golden = JSON.parse(
  readFileSync(new URL("../../tests/golden/trajectories.json", import.meta.url), "utf8"),
) as { readonly start: number[]; readonly noise: number[][]; readonly cases: readonly Case[] };

const network: Network<unknown> = async (input, time) =>
  input.map((x) => 0.9 * x + 0.4 * Math.sin(2 * x + time / 150) - 0.2 * Math.cos(time / 70));

/** Schedulers that hold x = x0 + sigma·noise; the others hold what the network sees. */
const holdX = /^(Euler|EulerAncestral|Heun|LMS|KDPM2|KDPM2Ancestral)DiscreteScheduler$/;

/** diffusers' Euler samplers hold latents of thousands in float32 where nothing is left of the signal. */
const toleranceOf = ({ rescale_betas_zero_snr: isZero }: Case["config"]) => (isZero === true ? 1e-4 : 1e-5);

/** What a case's config says that most do not. */
function tell({ config, eta }: Case): string {
  const usual = /^(_class_name|num_train|beta_|steps_offset|set_alpha|clip_sample|skip_prk|interpolation)/;
  const rest = Object.entries(config).filter(([key]) => !usual.test(key));
  return (
    [...rest, ...(eta === null ? [] : [["eta", eta]])].map((pair) => pair.join("=")).join(" ") || "the usual"
  );
}

/** Where in diffusers' path, which has an entry for each evaluation, a step's result stands. */
function placeOf(step: number, steps: number, { length }: readonly unknown[]): number {
  if (length === steps) return step - 1;
  return length === steps + 1 ? step : Math.min(2 * step, length) - 1;
}

test.each(golden.cases.map((one) => [one.config._class_name as string, one.steps, tell(one), one] as const))(
  "%s in %i steps: %s",
  async (name, steps, _, { config, eta, path }) => {
    const trained = readScheduler(config);
    const sampler = trained.sampler!;
    const plan = planSteps(trained, { sampler, steps });
    const draws = golden.noise.values();
    const states = getSampler(sampler).sample(
      getDenoiser(trained.prediction, network, plan.schedule),
      combine([plan.noiseScale, Float32Array.from(golden.start)]),
      plan.sigmas,
      {
        condition: [0],
        noise: () => Float32Array.from(draws.next().value!),
        ...plan.options,
        ...(eta !== null && { eta }),
      },
    );
    let last = 0;
    let worst = 0;
    for await (const { step, sigma, x } of states) {
      const expected = path[placeOf(step, steps, path)]!;
      const scale = holdX.test(name) ? 1 : plan.schedule.alphaOf(sigma);
      const most = Math.max(...expected.map(Math.abs));
      worst = Math.max(worst, ...expected.map((value, i) => Math.abs(scale * x[i]! - value) / most));
      last = step;
    }
    expect(last).toBe(steps);
    expect(worst).toBeLessThan(toleranceOf(config));
  },
);
