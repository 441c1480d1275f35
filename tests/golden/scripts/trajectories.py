"""Whole trajectories of diffusers' schedulers, for configs as Stable Diffusion 1.5 and XL are published with.

    pip install torch==2.15.0 diffusers==0.42.1 scipy
    python tests/golden/scripts/trajectories.py > tests/golden/trajectories.json

The network is a formula over the latents that it is shown and the time that it is told, curved in both, so that its levels,
times and scales all count. Noise is drawn in the order in which each scheduler asks for it. Latents are written down as the
scheduler holds them, after every evaluation.
"""

import json
import platform
import sys

import diffusers
import numpy as np
import torch

TRAINED = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
SD15 = dict(TRAINED, steps_offset=1, set_alpha_to_one=False, clip_sample=False, skip_prk_steps=True)
XL = dict(SD15, timestep_spacing="leading", interpolation_type="linear")
V = dict(prediction_type="v_prediction")
ZERO = dict(TRAINED, **V, clip_sample=False, rescale_betas_zero_snr=True, timestep_spacing="trailing")

torch.manual_seed(0)
COUNT = 4
START = torch.randn(1, COUNT)
NOISE = torch.randn(60, 1, COUNT)


def network(x, time):
    return 0.9 * x + 0.4 * torch.sin(2 * x + time / 150) - 0.2 * torch.cos(time / 70)


def feed():
    """Every scheduler's noise is the next one of the list."""
    calls = iter(NOISE)
    for name, module in list(sys.modules.items()):
        if name.startswith("diffusers.schedulers.") and hasattr(module, "randn_tensor"):
            module.randn_tensor = lambda *_, **__: next(calls)


def follow(name, config, steps, eta=None):
    scheduler = getattr(diffusers, name).from_config(config)
    feed()
    scheduler.set_timesteps(steps)
    if name == "DEISMultistepScheduler":  # its integrals are differences of large numbers, which float32 holds to 1e-5 only
        scheduler.sigmas = scheduler.sigmas.double()
    x = START * scheduler.init_noise_sigma
    extra = {} if eta is None else dict(eta=eta)
    path = []
    for time in scheduler.timesteps:
        output = network(scheduler.scale_model_input(x, time), time.double()).float()
        x = scheduler.step(output, time, x, **extra).prev_sample
        path.append([float(f"{value:.7g}") for value in x[0].tolist()])
    return {"config": {"_class_name": name, **config}, "steps": steps, "eta": eta, "path": path}


def cases():
    deterministic = ["EulerDiscreteScheduler", "HeunDiscreteScheduler", "LMSDiscreteScheduler", "KDPM2DiscreteScheduler"]
    ancestral = ["EulerAncestralDiscreteScheduler", "KDPM2AncestralDiscreteScheduler"]
    solvers = ["DPMSolverMultistepScheduler", "UniPCMultistepScheduler"]
    for base in (SD15, XL):
        for steps in (10, 20) if base is SD15 else (12,):
            for name in [*deterministic, *ancestral, *solvers, "DDIMScheduler", "PNDMScheduler", "DDPMScheduler"]:
                yield name, base, steps
        for kind in ("karras", "exponential", "beta"):
            for name in [*deterministic, *solvers]:
                yield name, dict(base, **{f"use_{kind}_sigmas": True}), 10
        yield "DPMSolverMultistepScheduler", dict(base, algorithm_type="sde-dpmsolver++"), 10
        yield "DPMSolverMultistepScheduler", dict(base, algorithm_type="sde-dpmsolver++", use_karras_sigmas=True), 10
    for spacing in ("linspace", "trailing"):
        for name in [*deterministic[:2], *ancestral[:1], *solvers]:
            yield name, dict(SD15, timestep_spacing=spacing), 10
    for name in ("DDIMScheduler", "DDPMScheduler", "PNDMScheduler"):
        yield name, dict(SD15, timestep_spacing="trailing"), 10
    for name in ["EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", *solvers, "DDIMScheduler", "DDPMScheduler"]:
        yield name, dict(SD15, **V), 10
    for name in ["EulerDiscreteScheduler", "DDIMScheduler", "DPMSolverMultistepScheduler", "EulerAncestralDiscreteScheduler"]:
        yield name, ZERO, 10
    for steps in (1, 4, 8):
        yield "LCMScheduler", SD15, steps
        yield "TCDScheduler", SD15, steps
    for eta in (0.0, 0.5, 1.0):
        yield "DDIMScheduler", SD15, 10, eta
    for steps in (7, 12, 30):  # the times that DDIM and PNDM go down by are rounded otherwise than the trailing spacing
        for name in ("DDIMScheduler", "PNDMScheduler", "DDPMScheduler"):
            yield name, dict(SD15, timestep_spacing="trailing"), steps
    for config in (dict(SD15, set_alpha_to_one=True), dict(ZERO, set_alpha_to_one=True)):
        yield "DDIMScheduler", dict(config, timestep_spacing="trailing"), 7
    yield "DDIMScheduler", dict(SD15, timestep_spacing="trailing"), 12, 1.0
    for steps in (10, 16):
        for config in (SD15, dict(SD15, timestep_spacing="trailing"), dict(SD15, use_karras_sigmas=True)):
            yield "DPMSolverMultistepScheduler", dict(config, solver_order=3), steps
            yield "DPMSolverMultistepScheduler", dict(config, final_sigmas_type="sigma_min"), steps
            if "use_karras_sigmas" not in config:  # the reference gives no numbers there
                yield "DPMSolverMultistepScheduler", dict(config, final_sigmas_type="sigma_min", solver_order=3), steps
            yield "DEISMultistepScheduler", config, steps
            yield "UniPCMultistepScheduler", dict(config, final_sigmas_type="sigma_min"), steps
        yield "DEISMultistepScheduler", dict(SD15, solver_order=3), steps
        yield "DEISMultistepScheduler", dict(SD15, timestep_spacing="leading", **V), steps
        yield "UniPCMultistepScheduler", dict(SD15, solver_order=3), steps
        yield "DPMSolverSinglestepScheduler", SD15, steps
        yield "DPMSolverSinglestepScheduler", dict(SD15, use_karras_sigmas=True, solver_order=3), steps
        for order in (2, 3):
            more = dict(solver_order=order, lower_order_final=False, final_sigmas_type="sigma_min")
            yield "DPMSolverSinglestepScheduler", dict(SD15, **more), steps
    for steps in (9, 11):
        yield "DPMSolverSinglestepScheduler", dict(SD15, solver_order=3), steps
        yield "DPMSolverSinglestepScheduler", dict(SD15, lower_order_final=True), steps


def main():
    modules = (torch, diffusers, np)
    versions = {module.__name__: module.__version__ for module in modules} | {"python": platform.python_version()}
    found = [follow(*case) for case in cases()]
    shared = {"versions": versions, "start": START[0].tolist(), "noise": NOISE[:, 0].tolist(), "cases": found}
    json.dump(shared, sys.stdout)


main()
