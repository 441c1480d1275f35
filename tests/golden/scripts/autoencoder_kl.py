"""Golden outputs of diffusers' AutoencoderKL at tiny sizes with random weights (float32, CPU).

    pip install diffusers torch safetensors numpy
    python tests/golden/scripts/autoencoder_kl.py

Writes tests/golden/autoencoder-kl-{usual,other}.safetensors: `weights.<name>`, `pixels`, the encoder's `mean` and
`logvar`, `latents` and what the decoder makes of them, `decoded`. The metadata holds the config and says which versions
made the file.
"""

import json
import platform
from pathlib import Path

import diffusers
import safetensors.torch
import torch

GOLDEN = Path(__file__).resolve().parents[1]

# Of Stable Diffusion's form; height and width of the pixels are such that one of them leaves a rest.
USUAL = {
    "block_out_channels": [4, 4, 8],
    "layers_per_block": 2,
    "latent_channels": 4,
    "norm_num_groups": 2,
    "scaling_factor": 0.18215,
}
# Everything that may differ, differs.
OTHER = {
    "block_out_channels": [4, 8],
    "layers_per_block": 1,
    "latent_channels": 3,
    "norm_num_groups": 2,
    "act_fn": "mish",
    "use_quant_conv": False,
    "use_post_quant_conv": False,
    "mid_block_add_attention": False,
    "scaling_factor": 0.5,
    "latents_mean": [0.5, -1.0, 0.25],
    "latents_std": [2.0, 1.5, 0.5],
    "force_upcast": False,
}


def randomize(model):
    """Every parameter random, so that none can be left out or mistaken for another."""
    for name, parameter in model.named_parameters():
        with torch.no_grad():
            if "norm" in name and name.endswith("weight"):
                parameter.copy_(1 + 0.3 * torch.randn_like(parameter))
            elif name.endswith("bias"):
                parameter.copy_(0.2 * torch.randn_like(parameter))
            else:
                parameter.copy_(torch.randn_like(parameter) / parameter[0].numel() ** 0.5)


@torch.no_grad()
def write(name, options, height, width):
    torch.manual_seed(7)
    blocks = len(options["block_out_channels"])
    types = {"down_block_types": ["DownEncoderBlock2D"] * blocks, "up_block_types": ["UpDecoderBlock2D"] * blocks}
    config = {**types, **options}
    model = diffusers.AutoencoderKL(**config).eval()
    randomize(model)
    pixels = torch.rand(2, 3, height, width) * 2 - 1
    distribution = model.encode(pixels).latent_dist
    latents = torch.randn(2, options["latent_channels"], 4, 6)
    tensors = {f"weights.{key}": value.contiguous() for key, value in model.state_dict().items()}
    tensors |= {"pixels": pixels, "mean": distribution.mean, "logvar": distribution.logvar}
    tensors |= {"latents": latents, "decoded": model.decode(latents).sample}
    metadata = {
        "config": json.dumps({"_class_name": "AutoencoderKL", **config}),
        "command": "python tests/golden/scripts/autoencoder_kl.py",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
    }
    tensors = {key: value.contiguous() for key, value in tensors.items()}
    safetensors.torch.save_file(tensors, str(GOLDEN / f"autoencoder-kl-{name}.safetensors"), metadata)


write("usual", USUAL, 26, 16)
write("other", OTHER, 9, 12)
