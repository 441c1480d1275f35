import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { getBetaQuantile, getBetaShare } from "./beta-distribution.js";
import type { SamplerName } from "./samplers/table.js";
import { planSteps } from "./step-plan.js";
import { getTimestepList, timestepListNames } from "./timestep-lists.js";
import { getSamplerSettings, readScheduler } from "./trained-scheduler.js";

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
        sampler: trained.sampler!,
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
    [
      { num_train_timesteps: "many" },
      ['num_train_timesteps: expected a whole number from 2 to 100000, got "many".'],
    ],
    [
      { num_train_timesteps: 1e12 },
      ["num_train_timesteps: expected a whole number from 2 to 100000, got 1000000000000."],
    ],
    [{ num_train_timesteps: 1 }, ["num_train_timesteps: expected a whole number from 2 to 100000, got 1."]],
    [
      { beta_schedule: "quadratic" },
      [
        'beta_schedule: expected one of linear, scaled_linear, squaredcos_cap_v2, sigmoid, exp, laplace, got "quadratic".',
      ],
    ],
    [
      { prediction_type: "flow", beta_start: 2 },
      [
        "beta_start: expected a number above 0 below 1, got 2.",
        'prediction_type: expected one of epsilon, v_prediction, sample, got "flow".',
      ],
    ],
    [{ beta_start: 0.5, beta_end: 0.1 }, ["beta_start: expected a number up to beta_end (0.1), got 0.5."]],
    [
      { use_karras_sigmas: true, use_beta_sigmas: true },
      ["use_beta_sigmas: expected false together with use_karras_sigmas, got true."],
    ],
    [{ steps_offset: 5000 }, ["steps_offset: expected a whole number from 0 to 999, got 5000."]],
    [{ trained_betas: [0.1, 0.2] }, ["trained_betas: expected one per training step (1000), got 2."]],
    [
      { _class_name: "FlowMatchEulerDiscreteScheduler" },
      [
        '_class_name: "FlowMatchEulerDiscreteScheduler" belongs to another kind of diffusion, which is not supported.',
      ],
    ],
    [[], ["the config: expected an object, got []."]],
  ])("%j is refused with all faults", (config, sentences) => {
    const message = sentences.map((sentence) => `scheduler_config.json: ${sentence}`).join("\n");
    expect(() => readScheduler(config)).toThrow(expect.objectContaining({ code: "checkpoint", message }));
  });

  it("has no message as long as the lists that it is about", () => {
    const betas = Array.from({ length: 1000 }, (_, i) => (i === 500 ? "x" : 0.001 * (i + 1)));
    const read = () => readScheduler({ trained_betas: betas, beta_schedule: betas });
    expect(read).toThrow(/trained_betas: expected a list of numbers between 0 and 1, got \[0\.001/);
    expect(read).toThrow(expect.objectContaining({ message: expect.not.stringMatching(/.{301}/) }));
  });

  const multistep = "DPMSolverMultistepScheduler";
  it.each<[SamplerName, object, RegExp]>([
    ["pndm", { _class_name: "PNDMScheduler" }, /skip_prk_steps: false is not supported; expected true\.$/],
    ["ddim", { _class_name: "DDIMScheduler", thresholding: true }, /thresholding: true is not supported/],
    ["unipc", { _class_name: "DDIMScheduler", thresholding: true }, /thresholding: true is not supported/],
    [
      "dpmpp-2m-sde",
      { _class_name: multistep, solver_order: 3, algorithm_type: "sde-dpmsolver++" },
      /solver_order: 3 is not supported; expected 2\.$/,
    ],
    [
      "dpmpp-2m",
      { _class_name: multistep, final_sigmas_type: "sigma_min", euler_at_final: true },
      /euler_at_final: true is not supported; expected false\.$/,
    ],
    [
      "euler",
      { _class_name: "EulerDiscreteScheduler", timestep_type: "continuous" },
      /timestep_type: "continuous" is not supported; expected "discrete"\.$/,
    ],
    [
      "unipc",
      { _class_name: "UniPCMultistepScheduler", disable_corrector: [0, 1] },
      /disable_corrector: \[0,1\] is not supported; expected nothing\.$/,
    ],
  ])("%s of %j is refused by name, and another sampler is not", (sampler, config, message) => {
    const trained = readScheduler(config);
    expect(() => getSamplerSettings(trained, sampler)).toThrow(message);
    expect(() => getSamplerSettings(trained, sampler)).toThrow(
      expect.objectContaining({ code: "checkpoint" }),
    );
    expect(getSamplerSettings(trained, "heun").rule).toBe("euler");
  });

  it("serve any sampler where the class is not known", () => {
    const trained = readScheduler({ _class_name: "MagicScheduler", timestep_spacing: "trailing" });
    expect(trained.sampler).toBeUndefined();
    expect(getSamplerSettings(trained, "euler").spacing).toBe("trailing");
  });

  it("stay where they are if the last step is at the cleanest level already", () => {
    const trained = readScheduler({ _class_name: "DDIMScheduler", set_alpha_to_one: false });
    const { sigmaMin } = getSamplerSettings(trained, "ddim").schedule;
    const plan = (stepSchedule: "uniform" | "simple") =>
      planSteps(trained, { sampler: "ddim", stepSchedule, steps: 4 });
    const [before, last] = plan("uniform").sigmas.slice(-2);
    expect(before).toBe(sigmaMin);
    expect(last! / sigmaMin).toBeCloseTo(1, 9);
    expect(plan("simple").sigmas.at(-1)).toBe(sigmaMin);
  });

  it("that another step schedule is asked for are those of it", () => {
    const config = { _class_name: "EulerDiscreteScheduler", timestep_spacing: "leading" };
    const trained = readScheduler(config, "xl");
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

describe("a list of times", () => {
  const trained = readScheduler(
    { _class_name: "DDPMScheduler", beta_schedule: "squaredcos_cap_v2" },
    "pixels",
  );
  const plan = (times: readonly number[], steps = times.length) =>
    planSteps(trained, { sampler: "ddpm", steps, times });

  it.each(timestepListNames)("%s has as many times as its name says, from the first to the last", (name) => {
    const times = getTimestepList(name);
    expect(times).toHaveLength(Number(/\d+$/.exec(name)![0]));
    const { sigmas, schedule } = plan(times);
    expect(sigmas.slice(0, -1).map(schedule.timeOf)).toEqual(times);
    expect([times[0], times.at(-1), sigmas.at(-1)]).toEqual([999, 0, 0]);
  });

  it.each([
    [[999, 500.5], 2, "timesteps: expected whole numbers from 0 to 999, got 500.5"],
    [[1000, 0], 2, "timesteps: expected whole numbers from 0 to 999, got 1000"],
    [[900, 900], 2, "timesteps: expected falling numbers, got 900 after 900"],
    [[999, 0], 3, "steps: expected 2, one for each of the timesteps, got 3"],
    [[], 0, "timesteps: expected at least one number, got none"],
  ])("%j in %i steps is refused", (times, steps, message) => {
    expect(() => plan(times, steps)).toThrow(message);
  });
});

it("solvers begin where the signal-to-noise ratio has not diverged, as diffusers 0.42's set_timesteps(5) does", () => {
  const config = { beta_schedule: "squaredcos_cap_v2", lambda_min_clipped: -5.1 };
  const plan = (more: object) => {
    const { sigmas, schedule } = planSteps(readScheduler({ ...config, ...more }, "pixels"), {
      sampler: "dpmpp-2m",
      steps: 5,
    });
    return sigmas.slice(0, -1).map((sigma) => Math.round(schedule.timeOf(sigma)));
  };
  const multistep = { _class_name: "DPMSolverMultistepScheduler" };
  expect(plan({ ...multistep, timestep_spacing: "linspace" })).toEqual([995, 796, 597, 398, 199]);
  expect(plan({ ...multistep, timestep_spacing: "leading" })).toEqual([830, 664, 498, 332, 166]);
  const learned = {
    _class_name: "DDPMScheduler",
    variance_type: "learned_range",
    timestep_spacing: "linspace",
  };
  expect(plan(learned)).toEqual([995, 796, 597, 398, 199]);
});
