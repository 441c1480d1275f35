"""Golden noise levels of diffusers' schedulers: which levels, which times, for configs as models are published.

    pip install torch diffusers numpy scipy
    python tests/golden/scripts/schedules.py

Writes tests/golden/schedules.json: for each case the scheduler_config.json, the steps, sigmas (with the last), the times
that the network is told, and the factor of the first noise in the frame x = x0 + sigma·noise.
"""

import json
import platform
from pathlib import Path

import diffusers
import numpy as np
import torch

trained = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}
zero = {**trained, "rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "prediction_type": "v_prediction"}
cases = [
    (name, {**trained, "timestep_spacing": spacing, "steps_offset": 1}, steps)
    for name in ("EulerDiscreteScheduler", "DPMSolverMultistepScheduler", "UniPCMultistepScheduler")
    for spacing in ("leading", "linspace", "trailing")
    for steps in (1, 7, 20)
]
cases += [
    (name, {**trained, f"use_{kind}_sigmas": True, "timestep_spacing": "leading", "steps_offset": 1}, 10)
    for name in ("EulerDiscreteScheduler", "DPMSolverMultistepScheduler")
    for kind in ("karras", "exponential", "beta")
]
cases += [
    ("EulerDiscreteScheduler", zero, 10),
    ("DPMSolverMultistepScheduler", zero, 10),
    ("EulerDiscreteScheduler", {"num_train_timesteps": 1000, "beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02}, 10),
    ("EulerDiscreteScheduler", {"num_train_timesteps": 1000, "beta_schedule": "squaredcos_cap_v2"}, 10),
    ("LCMScheduler", {**trained, "original_inference_steps": 50}, 1),
    ("LCMScheduler", {**trained, "original_inference_steps": 50}, 4),
    ("LCMScheduler", {**trained, "original_inference_steps": 50}, 8),
]  # fmt: skip


def measure(name, config, steps):
    scheduler = getattr(diffusers, name)(**config)
    scheduler.set_timesteps(steps)
    times = [float(time) for time in scheduler.timesteps]
    if hasattr(scheduler, "sigmas"):
        sigmas = [float(sigma) for sigma in scheduler.sigmas]
    else:
        alphas = scheduler.alphas_cumprod[scheduler.timesteps.long()].double()
        sigmas = [*map(float, ((1 - alphas) / alphas) ** 0.5), 0.0]
    scale = float(scheduler.init_noise_sigma)
    isEuler = name.startswith("Euler")  # the others keep latents in the network's own scale
    first = scale if isEuler else (sigmas[0] ** 2 + 1) ** 0.5
    published = {"_class_name": name, **config}
    return {"config": published, "steps": steps, "sigmas": sigmas, "times": times, "noiseScale": first}


versions = {module.__name__: module.__version__ for module in (torch, diffusers, np)} | {"python": platform.python_version()}
path = Path(__file__).resolve().parents[1] / "schedules.json"
path.write_text(json.dumps({"versions": versions, "cases": [measure(*case) for case in cases]}))
print(path, path.stat().st_size, "bytes", versions)
