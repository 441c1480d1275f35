"""Golden latents of Stable Diffusion's x4 upscaler at a tiny size with random weights, drawn by diffusers (float32, CPU).

    pip install torch diffusers transformers safetensors numpy pillow
    OMP_NUM_THREADS=1 python tests/golden/scripts/upscaler.py

Writes, under tests/golden/pipelines/, the folder x4 as `save_pretrained` lays it out (float16 weights; the tokenizer of
tests/golden/pipelines/sd2-v) and x4.safetensors with the last latents of every case, [4, height, width], and the decoded
pixels of the first; the metadata says what each case asked for, and which versions made it.
"""

import json
import platform
import shutil
from pathlib import Path

import diffusers
import numpy as np
import safetensors.torch
import torch
import transformers
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DDPMScheduler,
    EulerDiscreteScheduler,
    StableDiffusionUpscalePipeline,
    UNet2DConditionModel,
)
from PIL import Image
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
diffusers.logging.set_verbosity_error()
diffusers.logging.disable_progress_bar()
root = Path(__file__).resolve().parents[1] / "pipelines"


def liven(network, deviation):
    """Normal weights, wide enough that words and times matter to what comes out; nothing stays at zero."""
    generator = torch.Generator().manual_seed(1)
    for name, value in network.named_parameters():
        if value.ndim > 1:
            spread = deviation / (value[0].numel() ** 0.5)
            value.data = torch.randn(value.shape, generator=generator) * spread
        elif "norm" in name and name.endswith("weight"):
            value.data = 1 + 0.1 * torch.randn(value.shape, generator=generator)
        else:
            value.data = 0.1 * torch.randn(value.shape, generator=generator)
    return network


def write_folder():
    words = root / "sd2-v" / "tokenizer"
    tokenizer = CLIPTokenizer.from_pretrained(words)
    text = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=77, hidden_act="gelu", bos_token_id=len(tokenizer) - 2, eos_token_id=len(tokenizer) - 1,
        pad_token_id=0,
    )  # fmt: skip
    unet = UNet2DConditionModel(
        sample_size=16, in_channels=7, out_channels=4, block_out_channels=(8, 16, 16), norm_num_groups=4, layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=16,
        attention_head_dim=2, use_linear_projection=True, only_cross_attention=(True, True, False), num_class_embeds=360,
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(4, 4, 8), norm_num_groups=2, latent_channels=4, layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3, sample_size=64,
        scaling_factor=0.08333,
    )  # fmt: skip
    betas = dict(beta_start=0.0001, beta_end=0.02, beta_schedule="scaled_linear")
    pipe = StableDiffusionUpscalePipeline(
        tokenizer=tokenizer, text_encoder=liven(CLIPTextModel(text), 1.5), vae=liven(vae, 1.2), unet=liven(unet, 1.2),
        scheduler=DDIMScheduler(
            **betas, prediction_type="v_prediction", clip_sample=False, set_alpha_to_one=False, steps_offset=1
        ),
        low_res_scheduler=DDPMScheduler(**betas), safety_checker=None, feature_extractor=None, watermarker=None,
    )  # fmt: skip
    folder = root / "x4"
    shutil.rmtree(folder, ignore_errors=True)
    pipe.to(torch.float16).save_pretrained(folder)
    # The layout in which the model was published, which today's libraries no longer write.
    shutil.rmtree(folder / "tokenizer")
    shutil.copytree(words, folder / "tokenizer")
    file = folder / "text_encoder" / "model.safetensors"
    tensors = safetensors.torch.load_file(file)
    named = {key if key.startswith("text_model.") else f"text_model.{key}": value for key, value in tensors.items()}
    safetensors.torch.save_file(named, file, {"format": "pt"})


def picture(width, height):
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 3 + y / 5), np.cos(x / 2 - y / 6), np.sin((x - 7) * (y - 5) / 40)]
    return Image.fromarray(((np.stack(waves, -1) + 1) * 127.5).round().astype(np.uint8))


plain = {"prompt": "a blue cat", "negative": "sea", "seed": 11, "steps": 5, "guidance": 9.0, "noise": 20, "width": 16, "height": 16}
cases = {
    "plain": {},
    "seed": {"seed": 987},
    "noise": {"noise": 350},
    "clean": {"noise": 0, "negative": ""},
    "unguided": {"guidance": 1.0},
    "wide": {"width": 24, "height": 16, "steps": 3},
    "odd": {"width": 20, "height": 28, "steps": 3},
    "euler": {"sampler": "euler", "steps": 7},
}  # fmt: skip


def main():
    torch.manual_seed(0)
    write_folder()
    asked, tensors = {}, {}
    for name, more in cases.items():
        case = asked[name] = {**plain, **more}
        image = picture(case["width"], case["height"])
        image.save(root / f"x4-{case['width']}x{case['height']}.png")
        pipe = StableDiffusionUpscalePipeline.from_pretrained(root / "x4", torch_dtype=torch.float32)
        pipe.set_progress_bar_config(disable=True)
        if case.get("sampler") == "euler":
            pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config)
        result = pipe(
            case["prompt"], image=image, num_inference_steps=case["steps"], guidance_scale=case["guidance"],
            noise_level=case["noise"], negative_prompt=case["negative"] or None, output_type="latent",
            generator=torch.Generator().manual_seed(case["seed"]),
        ).images  # fmt: skip
        tensors[name] = result[0].contiguous()
        if name == "plain":
            with torch.no_grad():
                tensors["plain.pixels"] = pipe.vae.decode(result / pipe.vae.config.scaling_factor).sample[0].contiguous()
        print(name, tuple(result.shape), f"{result.std():.3f} {result.abs().max():.3f}")
    modules = (torch, diffusers, transformers, safetensors, np)
    versions = {module.__name__: module.__version__ for module in modules} | {"python": platform.python_version()}
    metadata = {"cases": json.dumps(asked), "versions": json.dumps(versions)}
    safetensors.torch.save_file(tensors, root / "x4.safetensors", metadata)
    print(sum(file.stat().st_size for file in (root / "x4").rglob("*") if file.is_file()), (root / "x4.safetensors").stat().st_size)


main()
