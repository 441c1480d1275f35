"""Whole trajectories of diffusers' DDPM, DDIM and UnCLIP schedulers with predicted variances and limited predictions.

    pip install torch==2.15.0 diffusers==0.42.1
    python tests/golden/scripts/learned_variance.py > tests/golden/learned-variance.json

The network is a formula over the latents that it is shown and the time that it is told, and its variances another. Noise is
drawn from a list, in the order in which each scheduler asks for it.
"""

import json
import math
import platform
import sys

import diffusers
import torch

COUNT = 4
torch.manual_seed(0)
START = torch.randn(1, COUNT)
NOISE = torch.randn(24, 1, COUNT)

KANDINSKY = dict(beta_schedule="linear", beta_start=0.00085, beta_end=0.012, clip_sample=True, clip_sample_range=2.0)
IF = dict(beta_schedule="squaredcos_cap_v2", clip_sample=True, thresholding=True, dynamic_thresholding_ratio=0.7, sample_max_value=1.5)
LEARNED = dict(variance_type="learned_range")
CASES = [
    ("DDPMScheduler", dict(KANDINSKY, **LEARNED), 8),
    ("DDPMScheduler", dict(KANDINSKY, **LEARNED, steps_offset=1), 5),
    ("DDPMScheduler", dict(KANDINSKY, **LEARNED, timestep_spacing="trailing"), 7),
    ("DDPMScheduler", dict(IF, **LEARNED), 9),
    ("DDPMScheduler", dict(IF, **LEARNED, prediction_type="v_prediction"), 6),
    ("DDPMScheduler", dict(KANDINSKY, variance_type="fixed_small_log"), 6),
    ("DDIMScheduler", dict(KANDINSKY), 7),
    ("DDIMScheduler", dict(KANDINSKY, set_alpha_to_one=False, steps_offset=1, clip_sample_range=0.6, prediction_type="v_prediction"), 5),
    ("DDIMScheduler", dict(IF), 6),
    ("UnCLIPScheduler", dict(LEARNED), 12),
    ("UnCLIPScheduler", dict(LEARNED, clip_sample=False, prediction_type="sample"), 6),
    ("UnCLIPScheduler", dict(variance_type="fixed_small_log", prediction_type="sample", clip_sample_range=0.4), 8),
    ("UnCLIPScheduler", dict(variance_type="fixed_small_log"), 7),
]  # fmt: skip


def network(x, time):
    return 0.9 * x + 0.4 * torch.sin(2 * x + time / 150) - 0.2 * math.cos(time / 70)


def variances(x, time):
    return 1.3 * torch.sin(3 * x + time / 200)


def follow(name, config, steps):
    scheduler = getattr(diffusers, name)(**config)
    calls = iter(NOISE[..., None, None])
    sys.modules[type(scheduler).__module__].randn_tensor = lambda *_, **__: next(calls)
    scheduler.set_timesteps(steps)
    x, path = START[:, :, None, None], []
    times = scheduler.timesteps.tolist()
    for i, time in enumerate(times):
        output = network(x, time)
        if config.get("variance_type") == "learned_range":
            output = torch.cat([output, variances(x, time)], dim=1)
        previous = {"prev_timestep": (times + [-1])[i + 1]} if name == "UnCLIPScheduler" else {}
        if i == len(times) - 1 and previous:
            previous = {"prev_timestep": None}
        x = scheduler.step(output, time, x, **previous).prev_sample
        path.append([float(f"{value:.7g}") for value in x.flatten().tolist()])
    return {"config": {"_class_name": name, **config}, "steps": steps, "times": times, "path": path}


versions = {"python": platform.python_version(), "torch": torch.__version__, "diffusers": diffusers.__version__}
golden = {
    "command": "python tests/golden/scripts/learned_variance.py",
    "versions": versions,
    "start": START[0].tolist(),
    "noise": NOISE[:, 0].tolist(),
    "cases": [follow(*case) for case in CASES],
}
print(json.dumps(golden))
