"""One network of a Stable Diffusion folder in OpenVINO, or SD-Turbo's whole picture. Prints one JSON object.

    pip install openvino
    python bench/peers/openvino_parts.py unet|text|decoder|tiny|turbo FOLDER --cache FOLDER [--samples 1] [--threads 2]

float32, CPU, latency hint, 512×512; the denoiser and the text encoder work on both sides of guidance (batch 2; 1 for
turbo). Networks are converted from the same folder once, with `--convert` (which needs torch, diffusers and transformers);
weights are stored as float16, as they are in the folder, and computed with in float32.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import openvino as ov

PARTS = ["unet", "text", "decoder", "tiny"]
parser = argparse.ArgumentParser()
parser.add_argument("part", choices=[*PARTS, "turbo"])
parser.add_argument("folder")
parser.add_argument("--cache", type=Path, required=True, help="for converted networks")
parser.add_argument("--samples", type=int, default=1)
parser.add_argument("--threads", type=int, default=0)
parser.add_argument("--variant", default="fp16", help='"" for plain files')
parser.add_argument("--tiny", help="of turbo: the folder of a tiny autoencoder")
parser.add_argument("--output", help="of turbo: the picture's file")
parser.add_argument("--convert", action="store_true")
given = parser.parse_args()
random = np.random.default_rng(0)


def path_of(part, batch):
    return given.cache / f"{part}-{batch}.xml"


def convert(part, batch, folder):
    import torch
    from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
    from transformers import CLIPTextModel

    class Call(torch.nn.Module):
        def __init__(self, network, call):
            super().__init__()
            self.network, self.call = network, call

        def forward(self, *inputs):
            return self.call(self.network, *inputs)

    kept = {"torch_dtype": torch.float32, "variant": given.variant or None}
    if part == "unet":
        network = UNet2DConditionModel.from_pretrained(folder, subfolder="unet", **kept)
        call = lambda net, sample, time, states: net(sample, time, states, return_dict=False)[0]
        inputs = torch.randn(batch, 4, 64, 64), torch.full((batch,), 500.0), torch.randn(batch, 77, network.config.cross_attention_dim)
    elif part == "text":
        network = CLIPTextModel.from_pretrained(folder, subfolder="text_encoder", dtype=torch.float32, variant=kept["variant"])
        call = lambda net, ids: net(ids, return_dict=False)[0]
        inputs = (torch.arange(77 * batch).reshape(batch, 77),)
    else:
        if part == "tiny":
            network = AutoencoderTiny.from_pretrained(folder, torch_dtype=torch.float32)
        else:
            network = AutoencoderKL.from_pretrained(folder, subfolder="vae", **kept)
        call = lambda net, latents: net.decode(latents, return_dict=False)[0]
        inputs = (torch.randn(1, 4, 64, 64),)
    with torch.no_grad():
        model = ov.convert_model(Call(network.eval(), call), example_input=inputs, input=[list(value.shape) for value in inputs])
    given.cache.mkdir(parents=True, exist_ok=True)
    ov.save_model(model, path_of(part, batch), compress_to_fp16=True)


core = ov.Core()
settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1"}
if given.threads:
    settings["INFERENCE_NUM_THREADS"] = given.threads


def load(part, batch):
    compiled = core.compile_model(path_of(part, batch), "CPU", settings)
    request = compiled.create_infer_request()

    def run(*inputs):
        request.infer(list(inputs))
        return request.get_output_tensor(0).data

    return run, [tuple(port.shape) for port in compiled.inputs]


def matrix_rate(products=8):
    """Products of 1024×1024, by OpenVINO itself."""
    a, b = (ov.opset13.parameter([1024, 1024], np.float32) for _ in range(2))
    multiply = core.compile_model(ov.Model([ov.opset13.matmul(a, b, False, False)], [a, b]), "CPU", settings).create_infer_request()
    values = [random.standard_normal((1024, 1024)).astype(np.float32) for _ in range(2)]

    def measure():
        multiply.infer(values)
        began = time.perf_counter()
        for _ in range(products):
            multiply.infer(values)
        return 2 * 1024**3 * products / (time.perf_counter() - began) / 1e9

    return measure


def make_inputs(part, shapes):
    if part == "text":
        return [np.arange(np.prod(shapes[0])).reshape(shapes[0])]
    values = [random.standard_normal(shape).astype(np.float32) for shape in shapes]
    if part == "unet":
        values[1] = np.full(shapes[1], 500, np.float32)
    return values


def measure(part):
    batch = 1 if part in ("decoder", "tiny") else 2
    rate = matrix_rate()
    began = time.perf_counter()
    run, shapes = load(part, batch)
    report = {"loadSeconds": time.perf_counter() - began, "seconds": [], "openvino": ov.__version__}
    inputs = make_inputs(part, shapes)
    rates = [rate()]
    run(*inputs)
    for _ in range(given.samples):
        began = time.perf_counter()
        run(*inputs)
        report["seconds"].append(time.perf_counter() - began)
        rates.append(rate())
    return report | {"matmulGflops": statistics.median(rates)}


def draw():
    """One Euler step from noise, and a PNG: what SD-Turbo needs. Each network is freed after its use."""
    from PIL import Image

    run, shapes = load("text", 1)
    states = np.array(run(*make_inputs("text", shapes)))
    del run
    run, shapes = load("unet", 1)
    sigma = 14.6146  # of the last of 1000 training steps, scaled-linear betas of 0.00085 to 0.012
    noise = random.standard_normal(shapes[0]).astype(np.float32) * sigma
    predicted = run(noise / np.sqrt(sigma**2 + 1), np.array([999], np.float32), states)
    latents = noise - sigma * predicted
    del run
    run, _ = load("tiny", 1)
    pixels = np.clip(run(latents)[0].transpose(1, 2, 0) * 127.5 + 127.5, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(given.output)
    return {"openvino": ov.__version__}


if given.convert:
    turbo = given.part == "turbo"
    for part in ["unet", "text", "tiny"] if turbo else [given.part]:
        batch = 1 if turbo or part in ("decoder", "tiny") else 2
        if not path_of(part, batch).exists():
            convert(part, batch, given.tiny if turbo and part == "tiny" else given.folder)
    print("{}")
else:
    print(json.dumps(draw() if given.part == "turbo" else measure(given.part)))
