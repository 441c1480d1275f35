"""Golden outputs of diffusers' U-Nets with added keys and values at tiny sizes with random weights (float32, CPU).

    pip install diffusers torch safetensors numpy
    python tests/golden/scripts/added_kv_unet.py [NAME ...]

Writes tests/golden/added-kv-unet-NAME.safetensors for every form below, or for those named: `weights.<name>`, the inputs
and outputs of two sizes and batches (`sample.0`, `timestep.0`, …, `output.0`). The metadata holds the config and the versions.
"""

import json
import platform
import sys
from pathlib import Path

import diffusers
import safetensors.torch
import torch

GOLDEN = Path(__file__).resolve().parents[1]

DOWN, SIMPLE = "ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"
UP, SIMPLE_UP = "ResnetUpsampleBlock2D", "SimpleCrossAttnUpBlock2D"
TINY = {
    "block_out_channels": [4, 8],
    "norm_num_groups": 2,
    "layers_per_block": 1,
    "attention_head_dim": 2,
    "cross_attention_dim": 6,
    "down_block_types": [DOWN, SIMPLE],
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "up_block_types": [SIMPLE_UP, UP],
    "resnet_time_scale_shift": "scale_shift",
}
FORMS = {
    # Karlo's decoder: pixels, an embedding of the time's width beside the time, hidden tokens.
    "karlo": {**TINY, "in_channels": 3, "out_channels": 6, "class_embed_type": "identity"},
    # Karlo's super-resolution: no attention, the time only shifts.
    "resolution": {
        "_class_name": "UNet2DModel",
        "in_channels": 6,
        "out_channels": 3,
        "block_out_channels": [4, 8],
        "norm_num_groups": 2,
        "layers_per_block": 1,
        "down_block_types": [DOWN, DOWN],
        "up_block_types": [UP, UP],
        "add_attention": False,
    },
    # Kandinsky 2.2: conditioned on an image embedding alone; three levels, two layers.
    "kandinsky22": {
        **TINY,
        "block_out_channels": [4, 4, 8],
        "layers_per_block": 2,
        "down_block_types": [DOWN, SIMPLE, SIMPLE],
        "up_block_types": [SIMPLE_UP, SIMPLE_UP, UP],
        "out_channels": 8,
        "encoder_hid_dim": 5,
        "encoder_hid_dim_type": "image_proj",
        "addition_embed_type": "image",
    },
    # Kandinsky 2.1: image and text.
    "kandinsky21": {
        **TINY,
        "out_channels": 8,
        "encoder_hid_dim": 5,
        "encoder_hid_dim_type": "text_image_proj",
        "addition_embed_type": "text_image",
    },
    # DeepFloyd IF, first stage: text through attention pooling, normalised by 32 groups in attention.
    "if1": {
        **TINY,
        "in_channels": 3,
        "out_channels": 6,
        "cross_attention_dim": 64,
        "encoder_hid_dim": 6,
        "addition_embed_type": "text",
        "addition_embed_type_num_heads": 2,
        "cross_attention_norm": "group_norm",
        "act_fn": "gelu",
    },
    # Second stage: a noisy small picture and its noise level, attention to the text only, everything scaled.
    "if2": {
        **TINY,
        "in_channels": 6,
        "out_channels": 6,
        "layers_per_block": [1, 2],
        "cross_attention_dim": 32,
        "encoder_hid_dim": 6,
        "addition_embed_type": "text",
        "addition_embed_type_num_heads": 2,
        "cross_attention_norm": "group_norm",
        "act_fn": "gelu",
        "class_embed_type": "timestep",
        "mid_block_scale_factor": 1.414,
        "time_embedding_act_fn": "gelu",
        "time_embedding_dim": 8,
        "only_cross_attention": True,
        "resnet_skip_time_act": True,
        "resnet_out_scale_factor": 1.414,
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


def make_inputs(name, config, batch, height, width):
    given = {
        "sample": torch.randn(batch, config.get("in_channels", 4), height, width),
        "timestep": torch.tensor([981.0, 1.5][:batch]),
    }
    if name == "resolution":
        return given
    if config.get("encoder_hid_dim_type") != "image_proj":
        given["states"] = torch.randn(batch, 5, config.get("encoder_hid_dim", config["cross_attention_dim"]))
    if config.get("addition_embed_type") == "image":
        given["image"] = torch.randn(batch, config["encoder_hid_dim"])
    if config.get("addition_embed_type") == "text_image":
        given["image"] = torch.randn(batch, config["cross_attention_dim"])
        given["text"] = torch.randn(batch, config["cross_attention_dim"])
    if config.get("class_embed_type") == "identity":
        given["labels"] = torch.randn(batch, 4 * config["block_out_channels"][0])
        given["mask"] = torch.tensor([[1.0, 1, 1, 0, 0], [1, 1, 1, 1, 0]])[:batch]
    if config.get("class_embed_type") == "timestep":
        given["labels"] = torch.tensor([250.0, 30.0][:batch])
    return given


def run(model, given):
    if isinstance(model, diffusers.UNet2DModel):
        return model(given["sample"], given["timestep"]).sample
    added = {key: given[name] for key, name in (("image_embeds", "image"), ("text_embeds", "text")) if name in given}
    return model(
        given["sample"],
        given["timestep"],
        given.get("states"),
        class_labels=given.get("labels"),
        attention_mask=given["mask"].bool() if "mask" in given else None,
        added_cond_kwargs=added or None,
    ).sample


@torch.no_grad()
def write(name, config):
    torch.manual_seed(12)
    config = {"_class_name": "UNet2DConditionModel", **config}
    arguments = {key: value for key, value in config.items() if key != "_class_name"}
    model = getattr(diffusers, config["_class_name"])(**arguments).eval()
    randomize(model)
    tensors = {f"weights.{key}": value for key, value in model.state_dict().items()}
    for i, (batch, height, width) in enumerate(((2, 8, 12), (1, 4, 8))):
        given = make_inputs(name, config, batch, height, width)
        tensors |= {f"{key}.{i}": value for key, value in {**given, "output": run(model, given)}.items()}
    metadata = {
        "config": json.dumps(config),
        "command": "python tests/golden/scripts/added_kv_unet.py",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
    }
    path = GOLDEN / f"added-kv-unet-{name}.safetensors"
    safetensors.torch.save_file({key: value.contiguous() for key, value in tensors.items()}, str(path), metadata)
    print(path.name, path.stat().st_size, "bytes")


for form, options in FORMS.items():
    if not sys.argv[1:] or form in sys.argv[1:]:
        write(form, options)
