"""What diffusers makes of a folder's model on the CPU in float32: latents, seconds a step, and the memory it took.

    pip install diffusers transformers accelerate torch safetensors
    python bench/stable-diffusion/diffusers_latents.py FOLDER LATENTS.safetensors --size 256x256 --steps 20

Noise is torch's CPU generator's, as with `--rng torch-cpu`. Prints one JSON object.
"""

import argparse
import json
import resource
import time

import diffusers
import safetensors.torch
import torch

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("output")
parser.add_argument("--prompt", default="blue cat against a sunset background")
parser.add_argument("--negative", default="")
parser.add_argument("--size", default="512x512")
parser.add_argument("--steps", type=int, default=20)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--guidance", type=float, default=7.5)
parser.add_argument("--threads", type=int, default=2)
given = parser.parse_args()

torch.set_num_threads(given.threads)
began = time.perf_counter()
pipeline = diffusers.DiffusionPipeline.from_pretrained(given.folder, torch_dtype=torch.float32, variant="fp16")
pipeline.set_progress_bar_config(disable=True)
loaded = time.perf_counter()
ends = []


def note(_, step, timestep, values):
    ends.append(time.perf_counter())
    return values


width, height = (int(side) for side in given.size.split("x"))
latents = pipeline(
    given.prompt,
    negative_prompt=given.negative,
    width=width,
    height=height,
    num_inference_steps=given.steps,
    guidance_scale=given.guidance,
    generator=torch.Generator().manual_seed(given.seed),
    output_type="latent",
    callback_on_step_end=note,
).images
decoding = time.perf_counter()
with torch.no_grad():
    pixels = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
ended = time.perf_counter()
safetensors.torch.save_file({"latents": latents.contiguous(), "pixels": pixels.contiguous()}, given.output)
between = sorted(b - a for a, b in zip(ends, ends[1:])) or [ends[0] - loaded]
report = {
    "loadSeconds": loaded - began,
    "stepSeconds": between[len(between) // 2],
    "decodeSeconds": ended - decoding,
    "peakGigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    "latentsDeviation": latents.std().item(),
    "torch": torch.__version__,
    "diffusers": diffusers.__version__,
    "threads": given.threads,
}
print(json.dumps(report))
