"""One network of a Stable Diffusion folder in diffusers, or a whole picture: seconds, matrix rate of the same run. One JSON object.

    pip install diffusers transformers accelerate torch safetensors
    python bench/peers/diffusers_parts.py unet|text|decoder|tiny|picture|turbo FOLDER [--samples 3] [--threads 2] [--steps 20]

float32, CPU, eager, 512×512; the denoiser and the text encoder work on both sides of guidance (batch 2).
"""

import argparse
import json
import statistics
import time
import warnings

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, DiffusionPipeline, UNet2DConditionModel
from diffusers.utils import logging
from transformers import CLIPTextModel

warnings.filterwarnings("ignore")
logging.disable_progress_bar()
parser = argparse.ArgumentParser()
parser.add_argument("part", choices=["unet", "text", "decoder", "tiny", "picture", "turbo"])
parser.add_argument("folder")
parser.add_argument("--samples", type=int, default=3)
parser.add_argument("--steps", type=int, default=20)
parser.add_argument("--threads", type=int, default=torch.get_num_threads())
parser.add_argument("--variant", default="fp16", help='"" for plain files')
parser.add_argument("--tiny", help="of turbo: the folder of a tiny autoencoder")
given = parser.parse_args()
torch.set_num_threads(given.threads)
torch.manual_seed(0)
kept = {"torch_dtype": torch.float32, "variant": given.variant or None}


def matrix_rate(products=8):
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    a @ b
    began = time.perf_counter()
    for _ in range(products):
        a @ b
    return 2 * 1024**3 * products / (time.perf_counter() - began) / 1e9


def make():
    if given.part == "unet":
        network = UNet2DConditionModel.from_pretrained(given.folder, subfolder="unet", **kept).eval()
        width = network.config.cross_attention_dim
        inputs = torch.randn(2, 4, 64, 64), torch.tensor([500.0, 500.0]), torch.randn(2, 77, width)
        return lambda: network(*inputs)
    if given.part == "text":
        network = CLIPTextModel.from_pretrained(given.folder, subfolder="text_encoder", dtype=torch.float32, variant=kept["variant"]).eval()
        ids = torch.arange(154).reshape(2, 77)
        return lambda: network(ids)
    if given.part == "decoder":
        network = AutoencoderKL.from_pretrained(given.folder, subfolder="vae", **kept).eval()
        latents = torch.randn(1, 4, 64, 64)
        return lambda: network.decode(latents)
    if given.part == "tiny":
        network = AutoencoderTiny.from_pretrained(given.folder, torch_dtype=torch.float32).eval()
        latents = torch.randn(1, 4, 64, 64)
        return lambda: network.decode(latents)
    pipeline = DiffusionPipeline.from_pretrained(given.folder, **kept)
    pipeline.set_progress_bar_config(disable=True)
    prompt = "blue cat against a sunset background"
    settings = {"num_inference_steps": given.steps, "guidance_scale": 7.5}
    if given.part == "turbo":
        pipeline.vae = AutoencoderTiny.from_pretrained(given.tiny, torch_dtype=torch.float32)
        settings = {"num_inference_steps": 1, "guidance_scale": 0.0}
    return lambda: pipeline(prompt, width=512, height=512, **settings)


with torch.no_grad():
    began = time.perf_counter()
    run = make()
    report = {"loadSeconds": time.perf_counter() - began, "seconds": [], "torch": torch.__version__}
    rates = [matrix_rate()]
    is_whole = given.part in ("picture", "turbo")
    if not is_whole:
        began = time.perf_counter()
        run()
        report["firstSeconds"] = time.perf_counter() - began
    for _ in range(1 if is_whole else given.samples):
        began = time.perf_counter()
        run()
        report["seconds"].append(time.perf_counter() - began)
        rates.append(matrix_rate())
    print(json.dumps(report | {"matmulGflops": statistics.median(rates)}))
