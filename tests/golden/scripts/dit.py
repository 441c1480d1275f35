"""Golden velocity and gradients of a tiny transformer denoiser, by PyTorch (float32, CPU).

    pip install torch safetensors numpy
    python tests/golden/scripts/dit.py

The network is the one of bench/peers/torch_dit_step.py, with random weights where it begins with zeros, at the sizes of
`ditConfigs.tiny`. Writes tests/golden/dit-tiny.safetensors under the names of src/models/dit.ts: `weights.NAME`, the inputs
`latents`, `time`, `text`, `mask`, the output `velocity`, and `gradients.NAME`, those of mean((velocity − target)²). The
metadata says which versions made it.
"""

import platform
import sys
from pathlib import Path

import safetensors
import safetensors.torch
import torch

root = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(root / "bench/peers"))

from torch_dit_step import Dit  # noqa: E402

config = {
    "width": 16, "depth": 2, "heads": 2, "mlpRatio": 4, "timeFrequencies": 8,
    "latentTokens": 4, "latentChannels": 3, "textWidth": 6,
}  # fmt: skip
batch, words = 2, 3


def ours(name, value):
    """PyTorch joins queries, keys and values in one matrix; src/models/dit.ts keeps them apart."""
    name = name.replace("modulation.1.", "modulation.")
    for joined, parts in (("qkv", ("q", "k", "v")), ("text_kv", ("text_k", "text_v"))):
        if f".{joined}." in name:
            return {name.replace(joined, part): piece for part, piece in zip(parts, value.chunk(len(parts)))}
    return {name: value}


def collect(prefix, values):
    named = {}
    for name, value in values:
        named |= {f"{prefix}.{key}": part.detach().clone() for key, part in ours(name, value).items()}
    return named


torch.manual_seed(0)
model = Dit(config)
for parameter in model.parameters():
    torch.nn.init.normal_(parameter, std=0.3)
for block in model.blocks:
    for norm in (block.attention.query_norm, block.attention.key_norm):
        torch.nn.init.normal_(norm.weight, mean=1, std=0.3)
latents, target = torch.randn(2, batch, config["latentTokens"], config["latentChannels"])
time, text = torch.tensor([0.25, 0.8]), torch.randn(batch, words, config["textWidth"])
mask = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
velocity = model(latents, time, text, mask)
((velocity - target) ** 2).mean().backward()

tensors = {"latents": latents, "target": target, "time": time, "text": text, "mask": mask, "velocity": velocity.detach()}
tensors |= collect("weights", model.named_parameters())
tensors |= collect("gradients", [(name, parameter.grad) for name, parameter in model.named_parameters()])
versions = {"torch": torch.__version__, "safetensors": safetensors.__version__, "python": platform.python_version()}
path = root / "tests/golden/dit-tiny.safetensors"
safetensors.torch.save_file({key: value.contiguous() for key, value in tensors.items()}, path, versions)
print(path, path.stat().st_size, "bytes", versions)
