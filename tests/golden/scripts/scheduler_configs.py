"""Where diffusers' schedulers end for published configs, with the model's own class and with any other made from its config.

    pip install torch==2.15.0 diffusers==0.42.1 scipy
    python tests/golden/scripts/scheduler_configs.py > tests/golden/scheduler-configs.json

A case is a published scheduler_config.json, a sampler, perhaps a step schedule, a number of steps and, from an image, a
strength. Pipelines correct some configs as they are made, so the scheduler goes through the pipeline's constructor. The network is
a formula over the latents that it is shown and the time that it is told. Only the last latents are written down; the cases are
drawn at random, once and for all, by SEED. Cases that diffusers refuses, or where its numbers are not finite, are left out.
With two numbers, SEED and COUNT, other cases come: python scheduler_configs.py 7 3000.
"""

import json
import logging
import platform
import random
import sys
import warnings

import diffusers
import numpy as np
import torch

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
SEED, COUNT = (int(value) for value in sys.argv[1:]) if len(sys.argv) == 3 else (1, 900)

TRAINED = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
SD = dict(TRAINED, set_alpha_to_one=False, clip_sample=False, skip_prk_steps=True, steps_offset=1, trained_betas=None)
XL = dict(
    SD, interpolation_type="linear", prediction_type="epsilon", sample_max_value=1.0, timestep_spacing="leading",
    use_karras_sigmas=False,
)  # fmt: skip
V = dict(prediction_type="v_prediction")
SOLVER = dict(
    TRAINED, algorithm_type="dpmsolver++", dynamic_thresholding_ratio=0.995, lower_order_final=True, sample_max_value=1.0,
    solver_order=2, solver_type="midpoint", thresholding=False, prediction_type="epsilon", clip_sample=False,
)  # fmt: skip
without = lambda config, *names: {key: value for key, value in config.items() if key not in names}  # noqa: E731

# name → pipeline, class, the rest of the config
CONFIGS = {
    "1.4": ("stable-diffusion", "PNDMScheduler", SD),
    "1.1, before offsets": ("stable-diffusion", "PNDMScheduler", without(SD, "steps_offset")),
    "2.1": ("stable-diffusion", "DDIMScheduler", dict(SD, **V)),
    "2.1 base": ("stable-diffusion", "PNDMScheduler", dict(SD, prediction_type="epsilon")),
    "1.x, v": ("stable-diffusion", "PNDMScheduler", dict(SD, **V)),
    "DDIM, offset 0": ("stable-diffusion", "DDIMScheduler", dict(SD, steps_offset=0, timestep_spacing="leading")),
    "DDIM, ends clean": ("stable-diffusion", "DDIMScheduler", without(SD, "set_alpha_to_one", "steps_offset")),
    "DDIM, trailing, zero SNR": (
        "stable-diffusion", "DDIMScheduler", dict(SD, **V, rescale_betas_zero_snr=True, timestep_spacing="trailing")),
    "DDPM, linear betas": ("stable-diffusion", "DDPMScheduler", dict(SD, beta_schedule="linear")),
    "DDPM, sigmoid": ("stable-diffusion", "DDPMScheduler", dict(SD, beta_schedule="sigmoid", clip_sample=False)),
    "DDPM, laplace": ("stable-diffusion", "DDPMScheduler", dict(SD, beta_schedule="laplace", clip_sample=False)),
    "DDIM, cosine": ("stable-diffusion", "DDIMScheduler", dict(SD, beta_schedule="squaredcos_cap_v2")),
    "DDIM, linspace": ("stable-diffusion", "DDIMScheduler", dict(SD, timestep_spacing="linspace")),
    "LMS": ("stable-diffusion", "LMSDiscreteScheduler", TRAINED),
    "Heun, no betas": ("stable-diffusion", "HeunDiscreteScheduler", dict(clip_sample=False)),
    "Heun, exp": ("stable-diffusion", "HeunDiscreteScheduler", dict(SD, beta_schedule="exp")),
    "2M": ("stable-diffusion", "DPMSolverMultistepScheduler", SOLVER),
    "2M, Karras, SDE": (
        "stable-diffusion", "DPMSolverMultistepScheduler",
        dict(SOLVER, use_karras_sigmas=True, algorithm_type="sde-dpmsolver++", timestep_spacing="leading", steps_offset=1)),
    "2M, sigma_min": ("stable-diffusion", "DPMSolverMultistepScheduler", dict(SOLVER, final_sigmas_type="sigma_min")),
    "3M, plain ends": ("stable-diffusion", "DPMSolverMultistepScheduler", dict(SOLVER, solver_order=3, lower_order_final=False)),
    "2S": ("stable-diffusion", "DPMSolverSinglestepScheduler", without(SOLVER, "lower_order_final")),
    "UniPC, order 3": ("stable-diffusion", "UniPCMultistepScheduler", dict(TRAINED, solver_order=3, clip_sample=False)),
    "DEIS": ("stable-diffusion", "DEISMultistepScheduler", dict(SOLVER, algorithm_type="deis", solver_type="logrho")),
    "sample": ("stable-diffusion", "DDIMScheduler", dict(SD, prediction_type="sample")),
    "betas": ("stable-diffusion", "DDIMScheduler", dict(SD, num_train_timesteps=50, trained_betas=[0.002 * i for i in range(1, 51)])),
    "XL": ("xl", "EulerDiscreteScheduler", XL),
    "XL, no offset": ("xl", "EulerDiscreteScheduler", without(XL, "steps_offset")),
    "XL, limits": ("xl", "EulerDiscreteScheduler", dict(XL, use_karras_sigmas=True, sigma_min=0.05, sigma_max=11.0)),
    "XL, exponential limits": ("xl", "EulerDiscreteScheduler", dict(without(XL, "use_karras_sigmas"), use_exponential_sigmas=True, sigma_max=12.5)),
    "XL, sigma_min": ("xl", "EulerDiscreteScheduler", dict(XL, final_sigmas_type="sigma_min")),
    "XL, v, zero SNR": ("xl", "EulerDiscreteScheduler", dict(XL, **V, rescale_betas_zero_snr=True, timestep_spacing="trailing")),
    "XL, Karras": ("xl", "DPMSolverMultistepScheduler", dict(SOLVER, use_karras_sigmas=True)),
    "XL Turbo": ("xl", "EulerAncestralDiscreteScheduler", dict(XL, timestep_spacing="trailing")),
    "XL, DDIM": ("xl", "DDIMScheduler", XL),
    "XL, LCM": ("xl", "LCMScheduler", without(SD, "skip_prk_steps")),
    "Turbo": ("stable-diffusion", "EulerDiscreteScheduler", dict(SD, timestep_spacing="trailing", prediction_type="epsilon")),
    "LCM": ("consistency", "LCMScheduler", dict(TRAINED, original_inference_steps=50, timestep_scaling=10.0, clip_sample=False,
            set_alpha_to_one=True, steps_offset=0, thresholding=False, prediction_type="epsilon")),
    "LCM, 40 steps": ("consistency", "LCMScheduler", dict(TRAINED, original_inference_steps=40, clip_sample=False)),
}  # fmt: skip

PNDM, M, S, U = "PNDMScheduler", "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler", "UniPCMultistepScheduler"
midpoint = dict(solver_type="midpoint")
SAMPLERS = {
    "ddim": ("DDIMScheduler", dict(clip_sample=False)),
    "ddpm": ("DDPMScheduler", dict(clip_sample=False)),
    "pndm": (PNDM, dict(skip_prk_steps=True)),
    "lms": ("LMSDiscreteScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler-ancestral": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", dict(clip_sample=False)),
    "dpm2": ("KDPM2DiscreteScheduler", {}),
    "dpm2-ancestral": ("KDPM2AncestralDiscreteScheduler", {}),
    "dpmpp-2m": (M, dict(midpoint, algorithm_type="dpmsolver++", solver_order=2)),
    "dpmpp-3m": (M, dict(midpoint, algorithm_type="dpmsolver++", solver_order=3)),
    "dpmpp-2m-sde": (M, dict(midpoint, algorithm_type="sde-dpmsolver++", solver_order=2)),
    "dpmpp-2m-sde-heun": (M, dict(solver_type="heun", algorithm_type="sde-dpmsolver++", solver_order=2)),
    "dpmpp-2s": (S, dict(midpoint, algorithm_type="dpmsolver++", solver_order=2)),
    "dpmpp-3s": (S, dict(midpoint, algorithm_type="dpmsolver++", solver_order=3)),
    "deis": ("DEISMultistepScheduler", dict(algorithm_type="deis")),
    "unipc": (U, dict(solver_type="bh2")),
    "unipc-bh1": (U, dict(solver_type="bh1")),
    "lcm": ("LCMScheduler", {}),
    "tcd": ("TCDScheduler", {}),
}
unset = dict(use_karras_sigmas=False, use_exponential_sigmas=False, use_beta_sigmas=False)
SCHEDULES = {
    "karras": dict(unset, use_karras_sigmas=True),
    "exponential": dict(unset, use_exponential_sigmas=True),
    "beta": dict(unset, use_beta_sigmas=True),
    "simple": dict(unset, timestep_spacing="trailing"),
    "uniform": dict(unset, timestep_spacing="linspace"),
    "leading": dict(unset, timestep_spacing="leading"),
}
#: Classes that know no schedules over sigma, and those that know one spacing. Nishiki heeds what is asked for all the same.
SPACED = ("ddim", "ddpm", "pndm", "euler-ancestral", "lcm", "tcd")
SINGLE = ("dpmpp-2s", "dpmpp-3s")
SIGMAS = ("karras", "exponential", "beta")
#: Solvers cut times to whole ones, and the last bits of float32 logarithms decide the noisiest. Other betas have other bits.
OTHER_BETAS = ("DDPM, linear betas", "DDIM, cosine", "Heun, no betas", "betas")
SOLVERS = tuple(name for name in SAMPLERS if name.startswith(("dpm", "unipc", "deis")))

SIZE = 4
torch.manual_seed(0)
START, IMAGE = torch.randn(1, SIZE), 0.8 * torch.randn(1, SIZE)
NOISE = torch.randn(64, 1, SIZE)


def network(x, time):
    return 0.9 * x + 0.4 * torch.sin(2 * x + time / 150) - 0.2 * torch.cos(time / 70)


def feed():
    """Every scheduler's noise is the next one of the list."""
    calls = iter(NOISE)
    for name, module in list(sys.modules.items()):
        if name.startswith("diffusers.schedulers.") and hasattr(module, "randn_tensor"):
            module.randn_tensor = lambda *_, **__: next(calls)


def place(pipeline, scheduler):
    """The scheduler of a pipeline that was made with it."""
    if pipeline == "stable-diffusion":
        parts = dict.fromkeys(("vae", "text_encoder", "tokenizer", "unet", "safety_checker", "feature_extractor"))
        scheduler = diffusers.StableDiffusionPipeline(
            **parts, scheduler=scheduler, requires_safety_checker=False
        ).scheduler
    return scheduler


def follow(config, sampler, schedule, steps, strength):
    pipeline, published, fields = CONFIGS[config]
    scheduler = getattr(diffusers, published).from_config({"_class_name": published, **fields})
    scheduler = place(pipeline, scheduler)
    if sampler is not None or schedule is not None:
        kind, options = SAMPLERS[sampler] if sampler is not None else (type(scheduler).__name__, {})
        made = getattr(diffusers, kind)
        scheduler = made.from_config(scheduler.config, **options, **(SCHEDULES[schedule] if schedule else {}))
        if kind == published:  # nothing is put in its place
            scheduler = place(pipeline, scheduler)
    feed()
    isWithin = pipeline == "consistency" and isinstance(scheduler, (diffusers.LCMScheduler, diffusers.TCDScheduler))
    scheduler.set_timesteps(steps, **(dict(strength=strength) if isWithin and strength else {}))
    if isinstance(scheduler, diffusers.DEISMultistepScheduler):  # differences of large numbers, see trajectories.py
        scheduler.sigmas = scheduler.sigmas.double()
    times = scheduler.timesteps
    if strength is None:
        x = START * scheduler.init_noise_sigma
    else:
        skipped = 0 if isWithin else (steps - int(steps * strength)) * scheduler.order
        times = times[skipped:]
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(skipped)
        x = scheduler.add_noise(IMAGE, START, times[:1])
    for time in times:
        output = network(scheduler.scale_model_input(x, time), time.double()).float()
        x = scheduler.step(output, time, x).prev_sample
    return [float(f"{value:.6g}") for value in x[0].float().tolist()]


def cases():
    for config in CONFIGS:  # each with its own class, from noise and from an image
        for steps, strength in ((10, None), (17, 0.6)):
            yield config, None, None, steps if config != "LCM" else 4, strength
    draw = random.Random(SEED)
    while True:
        config, sampler = draw.choice([*CONFIGS]), draw.choice([*SAMPLERS])
        schedule = draw.choice([None, None, None, *SCHEDULES])
        steps = draw.choice([1, 2, 3, 4, 5, 7, 8, 10, 12, 14, 15, 16, 20, 25, 30])
        strength = draw.choice([None, None, 1.0, 0.8, 0.75, 0.5, 0.3, 0.15, round(draw.uniform(0.05, 0.99), 2)])
        isOverSigma = schedule in SIGMAS
        if isOverSigma and (sampler in SPACED or (config in OTHER_BETAS and sampler in SOLVERS)):
            continue
        if sampler in SINGLE and schedule is not None and not isOverSigma:
            continue
        if strength is None or int(steps * strength) >= 1:
            yield config, sampler, schedule, steps, strength


def main():
    modules = (torch, diffusers, np)
    versions = {module.__name__: module.__version__ for module in modules} | {"python": platform.python_version()}
    found, left_out = [], {}
    for case in cases():
        if len(found) == COUNT:
            break
        try:
            last = follow(*case)
        except Exception as error:  # noqa: BLE001
            reason = f"{type(error).__name__}: {str(error)[:60]}"
            left_out[reason] = left_out.get(reason, 0) + 1
            continue
        if not np.isfinite(last).all() or max(map(abs, last)) > 1e3:
            left_out["not finite, or large"] = left_out.get("not finite, or large", 0) + 1
            continue
        found.append([*case, last])
    configs = {name: {"pipeline": pipeline, "config": {"_class_name": kind, **config}} for name, (pipeline, kind, config) in CONFIGS.items()}
    shared = {"start": START[0].tolist(), "image": IMAGE[0].tolist(), "noise": NOISE[:, 0].tolist()}
    print(json.dumps(left_out, indent=1), file=sys.stderr)
    lines = ",\n".join(json.dumps(case) for case in found)
    print(json.dumps({"versions": versions, **shared, "configs": configs})[:-1] + f', "cases": [\n{lines}\n]}}')


main()
