import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { getBetaQuantile, getBetaShare } from "./beta-distribution.js";
import { planSteps } from "./step-plan.js";
import { readScheduler } from "./trained-scheduler.js";

interface Case {
  readonly config: Readonly<Record<string, unknown>>;
  readonly steps: number;
  readonly sigmas: readonly number[];
  readonly times: readonly number[];
  readonly noiseScale: number;
}

// By diffusers; the versions are in the file, the command in tests/golden/scripts/schedules.py.
const golden = JSON.parse(
  readFileSync(new URL("../../tests/golden/schedules.json", import.meta.url), "utf8"),
) as { readonly cases: readonly Case[] };

describe("the noise levels of a published config", () => {
  it.each(golden.cases.map((one) => [JSON.stringify(one.config), one.steps, one] as const))(
    "%s in %i steps are diffusers'",
    (_, steps, { config, sigmas, times, noiseScale }) => {
      const trained = readScheduler(config);
      const plan = planSteps(trained, {
        sampler: trained.sampler,
        stepSchedule: trained.stepSchedule,
        steps,
      });
      expect(plan.sigmas).toHaveLength(sigmas.length);
      // diffusers multiplies a thousand float32 numbers for these.
      plan.sigmas.forEach((sigma, i) => {
        expect(Math.abs(sigma - sigmas[i]!)).toBeLessThan(2e-4 * Math.max(sigmas[i]!, 0.01));
      });
      const told = plan.sigmas.slice(0, -1).map((sigma) => plan.schedule.timeOf(sigma));
      told.forEach((time, i) => {
        expect(Math.abs(time - times[i]!)).toBeLessThan(0.02);
      });
      expect(plan.noiseScale / noiseScale).toBeCloseTo(1, 3);
    },
  );

  it.each([
    [{ _class_name: "MagicScheduler" }, /Unknown scheduler "MagicScheduler"/],
    [
      { _class_name: "DDIMScheduler", clip_sample: true },
      /clip_sample: true is not supported; expected false\.$/,
    ],
    [{ _class_name: "DDPMScheduler" }, /clip_sample: true is not supported; expected false\.$/],
    [{ _class_name: "PNDMScheduler" }, /skip_prk_steps: false is not supported; expected true\.$/],
    [{ thresholding: true }, /thresholding: true is not supported/],
    [{ trained_betas: [0.1] }, /trained_betas: \[0\.1\] is not supported/],
    [
      { beta_schedule: "sigmoid" },
      /beta_schedule: expected one of linear, scaled_linear, squaredcos_cap_v2, got "sigmoid"\.$/,
    ],
    [
      { prediction_type: "flow" },
      /prediction_type: expected one of epsilon, v_prediction, sample, got "flow"\.$/,
    ],
    [
      { _class_name: "DPMSolverMultistepScheduler", solver_order: 3, algorithm_type: "sde-dpmsolver++" },
      /solver_order: 3 is not supported; expected 2\.$/,
    ],
    [
      { _class_name: "DPMSolverMultistepScheduler", lambda_min_clipped: -5.1 },
      /lambda_min_clipped: -5\.1 is not supported; expected /,
    ],
    [
      {
        _class_name: "DPMSolverSinglestepScheduler",
        final_sigmas_type: "sigma_min",
        lower_order_final: true,
      },
      /lower_order_final: true is not supported; expected false\.$/,
    ],
    [
      { num_train_timesteps: 1e12 },
      /num_train_timesteps: expected a whole number from 2 to 100000, got 1000000000000\.$/,
    ],
    [{ num_train_timesteps: 1 }, /num_train_timesteps: expected a whole number from 2/],
    [
      { _class_name: "EulerDiscreteScheduler", timestep_type: "continuous" },
      /timestep_type: "continuous" is not supported; expected "discrete"\.$/,
    ],
    [
      { _class_name: "UniPCMultistepScheduler", disable_corrector: [0, 1] },
      /disable_corrector: \[0,1\] is not supported; expected nothing\.$/,
    ],
    [
      {
        _class_name: "DPMSolverMultistepScheduler",
        final_sigmas_type: "sigma_min",
        euler_at_final: true,
      },
      /euler_at_final: true is not supported; expected false\.$/,
    ],
    [{ beta_start: 2 }, /beta_start, beta_end: expected numbers between 0 and 1, .* got 2, 0\.02\.$/],
    [{ steps_offset: 5000 }, /steps_offset: expected a whole number from 0 to 999, got 5000\.$/],
    [{ num_train_timesteps: "many" }, /num_train_timesteps: expected a number, got "many"\.$/],
  ])("%j is refused by name", (config, message) => {
    expect(() => readScheduler(config)).toThrow(message);
    expect(() => readScheduler(config)).toThrow(expect.objectContaining({ code: "checkpoint" }));
  });

  it("end without noise where the cleanest level is the last step's already", () => {
    const trained = readScheduler({
      _class_name: "DDIMScheduler",
      clip_sample: false,
      set_alpha_to_one: false,
    });
    const plan = (stepSchedule: "uniform" | "simple") =>
      planSteps(trained, { sampler: "ddim", stepSchedule, steps: 4 });
    expect(plan("uniform").sigmas.slice(-2)).toEqual([trained.schedule.sigmaMin, 0]);
    expect(plan("simple").sigmas.at(-1)).toBe(trained.schedule.sigmaMin);
  });

  it("that another step schedule is asked for are those of it", () => {
    const trained = readScheduler({ _class_name: "EulerDiscreteScheduler", timestep_spacing: "leading" });
    const plan = (stepSchedule: "simple" | "sgm-uniform" | "leading") =>
      planSteps(trained, { sampler: "euler", stepSchedule, steps: 4 });
    const times = (name: Parameters<typeof plan>[0]) => {
      const { sigmas, schedule } = plan(name);
      return sigmas.slice(0, -1).map(schedule.timeOf);
    };
    expect(times("simple")).toEqual([999, 749, 499, 249]);
    expect(times("leading")).toEqual([750, 500, 250, 0]);
    expect(times("sgm-uniform")).toEqual([999, 749.25, 499.5, 249.75]);
  });
});

describe("the beta distribution", () => {
  // scipy.stats.beta.cdf(x, a, b)
  it.each([
    [0.1, 0.6, 0.6, 0.17604725],
    [0.5, 0.6, 0.6, 0.5],
    [0.9, 2, 5, 0.999945],
    [0.3, 2, 5, 0.579825],
  ])("below %f with %f and %f lies %f", (x, a, b, share) => {
    expect(getBetaShare(x, a, b)).toBeCloseTo(share, 6);
    expect(getBetaQuantile(share, a, b)).toBeCloseTo(x, 5);
  });
});

it("takes what configs say that changes nothing", () => {
  const harmless = {
    disable_corrector: [],
    solver_p: null,
    final_sigmas_type: "zero",
    lambda_min_clipped: -Infinity,
  };
  expect(readScheduler({ _class_name: "UniPCMultistepScheduler", ...harmless }).sampler).toBe("unipc");
  const euler = {
    _class_name: "EulerDiscreteScheduler",
    timestep_type: "discrete",
    interpolation_type: "linear",
  };
  expect(readScheduler({ ...euler, sigma_min: null, sigma_max: null }).sampler).toBe("euler");
  const last = {
    _class_name: "DPMSolverMultistepScheduler",
    euler_at_final: true,
    final_sigmas_type: "zero",
  };
  expect(readScheduler(last).sampler).toBe("dpmpp-2m");
});
