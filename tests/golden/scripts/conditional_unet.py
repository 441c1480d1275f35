"""Golden outputs of diffusers' UNet2DConditionModel at tiny sizes with random weights (float32, CPU).

    pip install diffusers torch safetensors numpy
    python tests/golden/scripts/conditional_unet.py [NAME ...]

Writes tests/golden/conditional-unet-NAME.safetensors for every form below, or for those named: `weights.<name>`, the inputs and outputs of two
sizes and batches (`sample.0`, `timestep.0`, `states.0`, …, `output.0`). The metadata holds the config and the versions.
"""

import json
import platform
import sys
from pathlib import Path

import diffusers
import safetensors.torch
import torch

GOLDEN = Path(__file__).resolve().parents[1]

CROSS = "CrossAttnDownBlock2D"
CROSS_UP = "CrossAttnUpBlock2D"
TINY = {"block_out_channels": [8, 16], "norm_num_groups": 4, "layers_per_block": 1, "cross_attention_dim": 12}
FORMS = {
    # 1.x: the first levels look at the words, the last does not; three levels, so that odd sizes appear in the middle.
    "sd1": {
        **TINY,
        "block_out_channels": [4, 8, 8],
        "layers_per_block": 2,
        "attention_head_dim": 2,
        "down_block_types": [CROSS, CROSS, "DownBlock2D"],
        "up_block_types": ["UpBlock2D", CROSS_UP, CROSS_UP],
    },
    # 2.x: matrices instead of 1×1 convolutions, numbers of heads by level.
    "sd2": {
        **TINY,
        "attention_head_dim": [2, 4],
        "use_linear_projection": True,
        "down_block_types": [CROSS, "DownBlock2D"],
        "up_block_types": ["UpBlock2D", CROSS_UP],
    },
    # XL: no attention at full size, several transformer blocks, pooled words and sizes beside the time.
    "sdxl": {
        **TINY,
        "attention_head_dim": [2, 4],
        "use_linear_projection": True,
        "transformer_layers_per_block": [1, 2],
        "down_block_types": ["DownBlock2D", CROSS],
        "up_block_types": [CROSS_UP, "UpBlock2D"],
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 4,
        "projection_class_embeddings_input_dim": 6 * 4 + 10,
    },
    # Inpainting.
    "inpaint": {
        **TINY,
        "in_channels": 9,
        "attention_head_dim": 2,
        "down_block_types": [CROSS, "DownBlock2D"],
        "up_block_types": ["UpBlock2D", CROSS_UP],
    },
    # LCM: the guidance scale joins the time.
    "lcm": {
        **TINY,
        "attention_head_dim": 2,
        "time_cond_proj_dim": 6,
        "down_block_types": [CROSS, "DownBlock2D"],
        "up_block_types": ["UpBlock2D", CROSS_UP],
    },
    # Distilled: no middle, lists of transformer blocks by layer, other ones on the way up.
    "distilled": {
        **TINY,
        "layers_per_block": 2,
        "attention_head_dim": 2,
        "use_linear_projection": True,
        "mid_block_type": None,
        "transformer_layers_per_block": [[1, 2], [1, 1]],
        "reverse_transformer_layers_per_block": [[2, 1, 1], [1, 1, 2]],
        "down_block_types": [CROSS, CROSS],
        "up_block_types": [CROSS_UP, CROSS_UP],
    },
    # Stable unCLIP: the embedding of an image beside the time.
    "unclip": {
        **TINY,
        "attention_head_dim": [2, 4],
        "use_linear_projection": True,
        "class_embed_type": "projection",
        "projection_class_embeddings_input_dim": 10,
        "down_block_types": [CROSS, "DownBlock2D"],
        "up_block_types": ["UpBlock2D", CROSS_UP],
    },
    # The x4 upscaler: a noisy small image beside the latents, its noise level as a class; some levels see the text only.
    "upscaler": {
        **TINY,
        "in_channels": 7,
        "attention_head_dim": 2,
        "use_linear_projection": True,
        "num_class_embeds": 9,
        "only_cross_attention": [True, False],
        "down_block_types": [CROSS, CROSS],
        "up_block_types": [CROSS_UP, CROSS_UP],
    },
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
def write(name, config):
    torch.manual_seed(11)
    model = diffusers.UNet2DConditionModel(**config).eval()
    randomize(model)
    tensors = {f"weights.{key}": value for key, value in model.state_dict().items()}
    for i, (batch, height, width) in enumerate(((2, 8, 12), (1, 10, 7))):
        sample = torch.randn(batch, config.get("in_channels", 4), height, width)
        timestep = torch.tensor([981.0, 1.5][:batch])
        states = torch.randn(batch, 5, config["cross_attention_dim"])
        given = {}
        if "addition_embed_type" in config:
            given["pooled"] = torch.randn(batch, 10)
            given["timeIds"] = torch.tensor([[512.0, 768, 0, 16, 512, 512]]).repeat(batch, 1)
        if "time_cond_proj_dim" in config:
            given["timeCondition"] = torch.randn(batch, 6)
        if "num_class_embeds" in config:
            given["labels"] = torch.tensor([7, 2][:batch], dtype=torch.int32)
        elif "class_embed_type" in config:
            given["labels"] = torch.randn(batch, config["projection_class_embeddings_input_dim"])
        added = {"text_embeds": given["pooled"], "time_ids": given["timeIds"]} if "pooled" in given else None
        output = model(
            sample,
            timestep,
            states,
            timestep_cond=given.get("timeCondition"),
            added_cond_kwargs=added,
            class_labels=given.get("labels"),
        ).sample
        if "labels" in given:
            given["labels"] = given["labels"].float()  # the tests read numbers of one kind
        given |= {"sample": sample, "timestep": timestep, "states": states, "output": output}
        tensors |= {f"{key}.{i}": value for key, value in given.items()}
    metadata = {
        "config": json.dumps({"_class_name": "UNet2DConditionModel", **config}),
        "command": "python tests/golden/scripts/conditional_unet.py",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
    }
    path = GOLDEN / f"conditional-unet-{name}.safetensors"
    safetensors.torch.save_file({key: value.contiguous() for key, value in tensors.items()}, str(path), metadata)
    print(path.name, path.stat().st_size, "bytes")


for form, options in FORMS.items():
    if not sys.argv[1:] or form in sys.argv[1:]:
        write(form, options)
