"""A Stable Diffusion model at its full size with random weights, as a folder in diffusers' layout.

    pip install diffusers transformers torch
    python bench/stable-diffusion/random_model.py sd15 FOLDER       # taesd FOLDER: a tiny autoencoder alone

For measuring time and memory, and for comparing with diffusers on equal weights, where no published model is at hand.
Families: sd15, sd21 (v-prediction), turbo (SD-Turbo: the same sizes), sdxl, inpaint (SD 1.5 with 9 channels), small (no
published sizes: to try a script with). Weights keep the variance
of what passes through, so that numbers stay finite; matrices are float16, as published. Tensors are made and written one
after the other: memory is that of the largest. The vocabulary knows single bytes and one merge, so that a word is about as
many tokens as it has letters.
"""

import argparse
import json
import math
import struct
from pathlib import Path

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

CROSS = "CrossAttnDownBlock2D"
SD1_UNET = {
    "sample_size": 64,
    "in_channels": 4,
    "block_out_channels": [320, 640, 1280, 1280],
    "down_block_types": [CROSS, CROSS, CROSS, "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}
SD2_UNET = SD1_UNET | {
    "sample_size": 96,
    "cross_attention_dim": 1024,
    "attention_head_dim": [5, 10, 20, 20],
    "use_linear_projection": True,
}
XL_UNET = {
    "sample_size": 128,
    "in_channels": 4,
    "block_out_channels": [320, 640, 1280],
    "down_block_types": ["DownBlock2D", CROSS, CROSS],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "transformer_layers_per_block": [1, 2, 10],
    "cross_attention_dim": 2048,
    "attention_head_dim": [5, 10, 20],
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}


def vae(sample_size, scaling_factor):
    types = {"down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4}
    sizes = {"block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "latent_channels": 4}
    return types | sizes | {"sample_size": sample_size, "scaling_factor": scaling_factor}


def text(width, layers, heads, activation, projection):
    sizes = {"hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": layers}
    rest = {"num_attention_heads": heads, "hidden_act": activation, "projection_dim": projection}
    return sizes | rest | {"vocab_size": 49408, "max_position_embeddings": 77, "bos_token_id": 49406, "eos_token_id": 49407}


CLIP_L = text(768, 12, 12, "quick_gelu", 768)
SMALL_UNET = SD1_UNET | {"block_out_channels": [32, 64, 64, 64], "cross_attention_dim": 64, "attention_head_dim": 2}
SMALL_VAE = vae(512, 0.18215) | {"block_out_channels": [32, 32, 32, 32], "layers_per_block": 1}
SD2_TEXT = text(1024, 23, 16, "gelu", 512)
FAMILIES = {
    "sd15": {"unet": SD1_UNET, "vae": vae(512, 0.18215), "text": [CLIP_L]},
    "inpaint": {"unet": SD1_UNET | {"in_channels": 9}, "vae": vae(512, 0.18215), "text": [CLIP_L]},
    "sd21": {"unet": SD2_UNET, "vae": vae(768, 0.18215), "text": [SD2_TEXT]},
    "turbo": {"unet": SD2_UNET | {"sample_size": 64}, "vae": vae(768, 0.18215), "text": [SD2_TEXT]},
    "small": {"unet": SMALL_UNET, "vae": SMALL_VAE, "text": [text(64, 2, 2, "quick_gelu", 64)]},
    "sdxl": {"unet": XL_UNET, "vae": vae(1024, 0.13025), "text": [CLIP_L, text(1280, 32, 20, "gelu", 1280)]},
}
PIPELINES = {"sdxl": "StableDiffusionXLPipeline", "inpaint": "StableDiffusionInpaintPipeline"}
SCHEDULER = {
    "_class_name": "DPMSolverMultistepScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "steps_offset": 1,
    "timestep_spacing": "leading",
}


def values(name, shape, generator):
    if name.endswith("position_ids"):
        return torch.arange(shape[-1]).expand(shape).to(torch.int64)
    if name.endswith("bias"):
        return torch.zeros(shape, dtype=torch.float16)
    if len(shape) == 1:
        return torch.ones(shape, dtype=torch.float16)
    deviation = 0.02 if "embedding" in name and "linear" not in name else 1 / math.sqrt(math.prod(shape[1:]))
    return (torch.randn(shape, generator=generator) * deviation).half()


def write_weights(path, shapes, seed):
    generator = torch.Generator().manual_seed(seed)
    header, offset = {}, 0
    for name, shape in shapes.items():
        is_ids = name.endswith("position_ids")
        size = math.prod(shape) * (8 if is_ids else 2)
        header[name] = {"dtype": "I64" if is_ids else "F16", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header | {"__metadata__": {"format": "pt"}}).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes.items():
            file.write(values(name, shape, generator).contiguous().numpy().tobytes())
    print(f"{path}: {offset / 1e9:.2f} GB")


def write_component(folder, name, make, config, file, seed):
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    with torch.device("meta"):
        model = make(config)
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    if not name.startswith("text"):
        (target / "config.json").write_text(json.dumps(config | {"_class_name": type(model).__name__}, indent=2))
    else:
        # Names as published: transformers 5 has dropped the prefix from its own.
        shapes = {key if key.startswith("text_") else f"text_model.{key}": shape for key, shape in shapes.items()}
        architecture = {"architectures": [type(model).__name__], "model_type": "clip_text_model"}
        (target / "config.json").write_text(json.dumps(config | architecture, indent=2))
    write_weights(target / file, shapes, seed)


def write_tokenizer(target, pad):
    target.mkdir(parents=True, exist_ok=True)
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(byte) for byte in visible] + [chr(256 + i) for i in range(256 - len(visible))]
    vocabulary = {piece: i for i, piece in enumerate(letters + [f"{letter}</w>" for letter in letters])}
    vocabulary |= {"th</w>": len(vocabulary)}  # a file without merges is taken for a broken one
    vocabulary |= {"<|startoftext|>": 49406, "<|endoftext|>": 49407}
    (target / "vocab.json").write_text(json.dumps(vocabulary))
    (target / "merges.txt").write_text("#version: 0.2\nt h</w>\n")
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "pad_token": pad}
    (target / "special_tokens_map.json").write_text(json.dumps(special))
    settings = special | {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True}
    (target / "tokenizer_config.json").write_text(json.dumps(settings))


def write_model(family, folder):
    parts = FAMILIES[family]
    weights = "diffusion_pytorch_model.fp16.safetensors"
    write_component(folder, "unet", lambda config: UNet2DConditionModel(**config), parts["unet"], weights, 1)
    write_component(folder, "vae", lambda config: AutoencoderKL(**config), parts["vae"], weights, 2)
    index = {"_class_name": PIPELINES.get(family, "StableDiffusionPipeline"), "unet": ["diffusers", "UNet2DConditionModel"]}
    index |= {"vae": ["diffusers", "AutoencoderKL"], "scheduler": ["diffusers", SCHEDULER["_class_name"]]}
    for i, config in enumerate(parts["text"]):
        kind = CLIPTextModelWithProjection if i == 1 else CLIPTextModel
        end = "_2" if i == 1 else ""
        make = lambda given: kind(CLIPTextConfig(**given))
        write_component(folder, f"text_encoder{end}", make, config, "model.fp16.safetensors", 3 + i)
        write_tokenizer(folder / f"tokenizer{end}", "!" if i == 1 or family in ("sd21", "turbo") else "<|endoftext|>")
        index |= {f"text_encoder{end}": ["transformers", kind.__name__], f"tokenizer{end}": ["transformers", "CLIPTokenizer"]}
    if family != "sdxl":
        index |= {"safety_checker": [None, None], "feature_extractor": [None, None]}
    (folder / "scheduler").mkdir(exist_ok=True)
    prediction = "v_prediction" if family == "sd21" else "epsilon"
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(SCHEDULER | {"prediction_type": prediction}, indent=2))
    (folder / "model_index.json").write_text(json.dumps(index, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("family", choices=[*FAMILIES, "taesd"])
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    if given.family == "taesd":
        sizes = {"in_channels": 3, "out_channels": 3, "latent_channels": 4, "scaling_factor": 1.0}
        write_component(given.folder, "", lambda config: AutoencoderTiny(**config), sizes, "diffusion_pytorch_model.safetensors", 9)
    else:
        write_model(given.family, given.folder)
