"""Trajectories of the samplers of Hugging Face diffusers on data that is Gaussian in each dimension.

    pip install diffusers==0.42.1 torch==2.15.0 transformers
    python tests/golden/scripts/samplers.py > tests/golden/samplers.json

The ideal denoiser is a formula, so the numbers need no network. Latents are written as x = x0 + sigma·noise.
"""

import json
import sys

import diffusers
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg
from diffusers.schedulers import scheduling_euler_ancestral_discrete

MEAN = torch.tensor([0.0, 0.3, -0.5, 1.0], dtype=torch.float64)
DEVIATION = torch.tensor([1.0, 0.5, 0.2, 0.05], dtype=torch.float64)
STEPS = 8
VP = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")

torch.manual_seed(0)
START = torch.randn(1, 4, dtype=torch.float64)
NOISE = torch.randn(STEPS, 1, 4, dtype=torch.float64)


def denoise(x, sigma):
    return (DEVIATION**2 * x + sigma**2 * MEAN) / (DEVIATION**2 + sigma**2)


def run(sampler, scheduler, options=None, preserving=True, **kwargs):
    """Variance-preserving schedulers hold x/√(1 + sigma²), variance-exploding ones x itself."""
    scheduler.set_timesteps(STEPS)
    sigmas = scheduler.sigmas.double()
    scale = lambda sigma: 1 / torch.sqrt(1 + sigma**2) if preserving else torch.ones(())
    x = START * sigmas[0] * scale(sigmas[0])
    path = []
    for i, t in enumerate(scheduler.timesteps):
        ve = x / scale(sigmas[i])
        eps = (ve - denoise(ve, sigmas[i])) / sigmas[i]
        extra = {k: v[i] for k, v in kwargs.items()}
        if hasattr(scheduler, "scale_model_input"):
            scheduler.scale_model_input(x, t)
        x = scheduler.step(eps, t, x, **extra).prev_sample.double()
        path.append((x / scale(sigmas[i + 1]))[0].tolist())
    if not torch.tensor(path[-1]).isfinite().all():
        path.pop()  # the step to 0 of bh1 is 0·infinity there
    return dict(sampler=sampler, options=options or {}, sigmas=sigmas.tolist(), path=path)


def run_flow(sampler, scheduler, evaluations):
    """Flow schedulers hold (1 - t)·x and call t sigma; t = 1 is left out, where x = x0 + sigma·noise has no number."""
    scheduler.set_timesteps(STEPS)
    scheduler.sigmas[0] = 0.9999
    times = scheduler.sigmas.double()  # Heun's has each inner time twice
    x = START * times[0]
    path = []
    for i, timestep in enumerate(scheduler.timesteps):
        t = times[i]
        ve, sigma = x / (1 - t), t / (1 - t)
        x0 = denoise(ve, sigma)
        x = scheduler.step((ve - x0) / sigma - x0, timestep, x).prev_sample.double()
        if i % evaluations == evaluations - 1 or i == len(scheduler.timesteps) - 1:
            path.append((x / (1 - times[i + 1]))[0].tolist())
    distinct = list(dict.fromkeys(times.tolist()))
    return dict(sampler=sampler, options={}, sigmas=[t / (1 - t) for t in distinct], path=path)


def ancestral():
    calls = iter(NOISE)
    scheduling_euler_ancestral_discrete.randn_tensor = lambda *_, **__: next(calls)
    return run("euler-ancestral", diffusers.EulerAncestralDiscreteScheduler(**VP), preserving=False)


def dpm(**kwargs):
    return diffusers.DPMSolverMultistepScheduler(**VP, final_sigmas_type="zero", use_karras_sigmas=True, **kwargs)


def unipc(order, variant):
    return diffusers.UniPCMultistepScheduler(
        **VP, final_sigmas_type="zero", use_karras_sigmas=True, solver_order=order, solver_type=variant
    )


def main():
    sde = dict(algorithm_type="sde-dpmsolver++", solver_order=2)
    cases = [
        run("euler", diffusers.EulerDiscreteScheduler(**VP, use_karras_sigmas=True), preserving=False),
        ancestral(),
        run("dpmpp-2m", dpm(algorithm_type="dpmsolver++", solver_order=2)),
        run("dpmpp-2m-sde", dpm(**sde, solver_type="midpoint"), variance_noise=NOISE),
        run("dpmpp-2m-sde-heun", dpm(**sde, solver_type="heun"), variance_noise=NOISE),
        *(
            run("unipc" if variant == "bh2" else "unipc-bh1", unipc(order, variant), dict(order=order))
            for order in (1, 2, 3)
            for variant in ("bh2", "bh1")
        ),
        run_flow("euler", diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0), 1),
        run_flow("heun", diffusers.FlowMatchHeunDiscreteScheduler(shift=3.0), 2),
    ]
    schedule = diffusers.EulerDiscreteScheduler(**VP)
    table = ((1 - schedule.alphas_cumprod) / schedule.alphas_cumprod).sqrt()
    flow = diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)
    guided, positive = torch.randn(2, 16, dtype=torch.float64) * 3 + 1, torch.randn(2, 16, dtype=torch.float64)
    json.dump(
        dict(
            made_by=f"diffusers {diffusers.__version__}, torch {torch.__version__}: tests/golden/scripts/samplers.py",
            mean=MEAN.tolist(),
            deviation=DEVIATION.tolist(),
            start=START[0].tolist(),
            noise=NOISE[:, 0].tolist(),
            cases=cases,
            scaled_linear={str(i): table[i].item() for i in (0, 1, 250, 500, 999)},
            flow_shift_3=flow.sigmas.double()[[0, 250, 500, 999]].tolist(),
            rescale=dict(
                guided=guided.tolist(), positive=positive.tolist(), result=rescale_noise_cfg(guided, positive, 0.7).tolist()
            ),
        ),
        sys.stdout,
        indent=1,
    )


main()
