import { describe, expect, it } from "vitest";
import { parseSamplerName } from "./sampler-names.js";

describe("a sampler's name", () => {
  // Left: names of stable-diffusion-webui up to 1.8, its short names, ComfyUI's, and classes of diffusers.
  it.each<[string, string, string?]>([
    ["DPM++ 2M Karras", "dpmpp-2m", "karras"],
    ["DPM++ SDE Karras", "dpmpp-sde", "karras"],
    ["DPM++ 2M SDE Exponential", "dpmpp-2m-sde", "exponential"],
    ["DPM++ 2M SDE Heun Karras", "dpmpp-2m-sde-heun", "karras"],
    ["DPM++ 2M SDE Heun Exponential", "dpmpp-2m-sde-heun", "exponential"],
    ["DPM++ 3M SDE Karras", "dpmpp-3m-sde", "karras"],
    ["DPM++ 2S a Karras", "dpmpp-2s-ancestral", "karras"],
    ["DPM2 a Karras", "dpm2-ancestral", "karras"],
    ["LMS Karras", "lms", "karras"],
    ["Euler a", "euler-ancestral"],
    ["euler A sgm uniform", "euler-ancestral", "sgm-uniform"],
    ["Euler Simple", "euler", "simple"],
    ["Euler Automatic", "euler"],
    ["k_dpmpp_2m_ka", "dpmpp-2m", "karras"],
    ["k_dpmpp_2m_sde_exp", "dpmpp-2m-sde", "exponential"],
    ["k_dpm_2_a_ka", "dpm2-ancestral", "karras"],
    ["PLMS", "pndm"],
    ["uni_pc_bh2", "unipc"],
    ["dpmpp_2s_ancestral", "dpmpp-2s-ancestral"],
    ["DDIM uniform", "ddim", "uniform"],
    ["DPMSolverMultistepScheduler", "dpmpp-2m"],
    ["dpmsolversdescheduler", "dpmpp-sde"],
    ["EulerAncestralDiscreteScheduler", "euler-ancestral"],
    ["KDPM2DiscreteScheduler", "dpm2"],
    ["DDIMScheduler", "ddim"],
    ["UniPCMultistepScheduler", "unipc"],
    ["LCMScheduler", "lcm"],
  ])("%s", (name, sampler, schedule) => {
    expect(parseSamplerName(name)).toEqual({ sampler, ...(schedule && { schedule }) });
  });

  it.each(["Karras", "DPM++ 9M Karras", "DPM++ 2M Polyexponential", ""])("%j is refused", (name) => {
    expect(() => parseSamplerName(name)).toThrow(
      expect.objectContaining({
        code: "usage",
        message: expect.stringMatching(/^Unknown sampler ".*"\. Choose one of: euler, euler-ancestral, /),
      }),
    );
  });
});
