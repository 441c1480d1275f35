"""Golden outputs of tiny autoencoders (TAESD) at small sizes with random weights (float32, CPU).

    pip install diffusers torch safetensors numpy
    python tests/golden/scripts/tiny_autoencoder.py

Writes
  tests/golden/tiny-autoencoder-usual.safetensors  by diffusers' AutoencoderTiny, names as there
  tests/golden/tiny-autoencoder-pool.safetensors   the form with group statistics at the smallest size, which diffusers does
                                                   not have: by the few lines of torch below, names as in published files
                                                   (`encoder.…` and `decoder.…` are two files there)
each with `weights.<name>`, `pixels`, `encoded`, `latents` and `decoded`. The metadata holds the config and says which
versions made the file.
"""

import json
import platform
from pathlib import Path

import diffusers
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional as F

GOLDEN = Path(__file__).resolve().parents[1]


def save(name, config, weights, results):
    metadata = {
        "config": json.dumps(config),
        "command": "python tests/golden/scripts/tiny_autoencoder.py",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
    }
    tensors = {f"weights.{key}": value for key, value in weights.items()} | results
    tensors = {key: value.contiguous() for key, value in tensors.items()}
    safetensors.torch.save_file(tensors, str(GOLDEN / f"tiny-autoencoder-{name}.safetensors"), metadata)


def randomize(parameters):
    for name, parameter in parameters:
        noise = torch.randn_like(parameter)
        if parameter.dim() == 1:
            parameter.copy_(0.2 * noise + (1 if "pool.1.weight" in name else 0))
        else:
            parameter.copy_(noise / parameter[0].numel() ** 0.5)


@torch.no_grad()
def usual():
    torch.manual_seed(11)
    config = {
        "encoder_block_out_channels": [8, 8, 8],
        "decoder_block_out_channels": [8, 8, 8],
        "num_encoder_blocks": [1, 2, 1],
        "num_decoder_blocks": [2, 1, 1],
        "latent_channels": 5,
        "act_fn": "gelu",
    }
    model = diffusers.AutoencoderTiny(**config).eval()
    randomize(model.named_parameters())
    pixels = torch.rand(2, 3, 20, 13) * 2 - 1
    latents = torch.randn(2, 5, 3, 4) * 2
    results = {"pixels": pixels, "encoded": model.encode(pixels).latents}
    results |= {"latents": latents, "decoded": model.decode(latents).sample}
    save("usual", {"_class_name": "AutoencoderTiny", **config}, model.state_dict(), results)


class Block(nn.Module):
    def __init__(self, width, pooled):
        super().__init__()
        layers = [nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
        self.conv = nn.Sequential(*layers, nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1))
        if pooled:
            inner = 4 * width
            ends = (nn.Conv2d(width, inner, 1, bias=False), nn.Conv2d(inner, width, 1, bias=False))
            self.pool = nn.Sequential(ends[0], nn.GroupNorm(4, inner), nn.ReLU(), ends[1])

    def forward(self, x):
        if hasattr(self, "pool"):
            x = x + self.pool(x)
        return F.relu(self.conv(x) + x)


class Limit(nn.Module):
    def forward(self, x):
        return 3 * torch.tanh(x / 3)


def encoder(width, latents):
    small = [nn.Conv2d(width, width, 3, stride=2, padding=1, bias=False), Block(width, True), Block(width, True)]
    return nn.Sequential(nn.Conv2d(3, width, 3, padding=1), Block(width, False), *small, nn.Conv2d(width, latents, 3, padding=1))


def decoder(width, latents):
    small = [nn.Conv2d(latents, width, 3, padding=1), nn.ReLU(), Block(width, True), Block(width, True)]
    large = [nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1, bias=False), Block(width, False)]
    return nn.Sequential(Limit(), *small, *large, nn.Conv2d(width, 3, 3, padding=1))


@torch.no_grad()
def pool():
    torch.manual_seed(13)
    parts = {"encoder": encoder(8, 6), "decoder": decoder(8, 6)}
    for part in parts.values():
        randomize(part.named_parameters())
    pixels = torch.rand(2, 3, 12, 8) * 2 - 1
    latents = torch.randn(2, 6, 4, 3) * 2
    results = {"pixels": pixels, "encoded": parts["encoder"](pixels / 2 + 0.5)}
    results |= {"latents": latents, "decoded": parts["decoder"](latents) * 2 - 1}
    weights = {f"{name}.{key}": value for name, part in parts.items() for key, value in part.state_dict().items()}
    config = {"inChannels": 3, "outChannels": 3, "latentChannels": 6, "width": 8, "encoderBlocks": [1, 2], "decoderBlocks": [2, 1]}
    save("pool", {**config, "activation": "relu", "middlePool": True}, weights, results)


usual()
pool()
