"""Golden pipelines with image prompts, drawn by diffusers (float32, CPU; tiny networks, random weights).

    pip install torch diffusers transformers safetensors numpy pillow
    OMP_NUM_THREADS=1 python tests/golden/scripts/image_prompts.py [unclip ...]

Writes, under tests/golden/pipelines/ and after pipelines.py, whose image it takes: unclip/, a Stable unCLIP model as
`save_pretrained` lays it out (float16 weights), and unclip.safetensors with the final latents of every case, [channels,
height, width]; the metadata says what each case asked for, and which versions made it.
"""

import json
import platform
import shutil
import sys

import diffusers
import numpy as np
import safetensors.torch
import torch
import transformers
from diffusers import DDIMScheduler, DDPMScheduler, StableUnCLIPImg2ImgPipeline
from diffusers.pipelines.stable_diffusion.stable_unclip_image_normalizer import StableUnCLIPImageNormalizer
from PIL import Image
from pipelines import ddim, liven, one_encoder, publish, read_files, root
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

side, width = 28, 20


def image_encoder(projection=width):
    config = CLIPVisionConfig(
        hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=2, image_size=side, patch_size=7,
        projection_dim=projection, hidden_act="gelu",
    )  # fmt: skip
    return liven(CLIPVisionModelWithProjection(config), 1.5)


def processor():
    return CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side})


# --- Stable unCLIP ---------------------------------------------------------------------------------------------------

drawn = {"prompt": "the blue cat", "negative": "a red car", "seed": 7, "steps": 10, "guidance": 10, "image": "picture.png"}
unclip_cases = {
    "plain": {},
    "empty": {"prompt": "", "negative": "", "seed": 3},
    "noisy": {"noiseLevel": 400, "seed": 11, "size": "96x64"},
    "noisiest": {"noiseLevel": 999, "steps": 4},
    "unguided": {"guidance": 1, "steps": 6, "noiseLevel": 20},
    "ancestral": {"sampler": "euler-ancestral", "guidance": 5, "noiseLevel": 100},
    "mask": {"image": "mask.png", "seed": 2},
}  # fmt: skip


def make_unclip(folder):
    options = {
        "use_linear_projection": True, "attention_head_dim": [2, 4], "class_embed_type": "projection",
        "projection_class_embeddings_input_dim": 2 * width,
    }  # fmt: skip
    parts = one_encoder(folder, DDIMScheduler(**ddim, prediction_type="v_prediction"), "gelu", "!", **options)
    parts = {key: parts[key] for key in ("tokenizer", "text_encoder", "vae", "unet", "scheduler")}
    normalizer = StableUnCLIPImageNormalizer(width)
    generator = torch.Generator().manual_seed(4)
    normalizer.mean.data = torch.randn(1, width, generator=generator)
    normalizer.std.data = 0.5 + torch.rand(1, width, generator=generator)
    return StableUnCLIPImg2ImgPipeline(
        **parts, image_encoder=image_encoder(), feature_extractor=processor(), image_normalizer=normalizer,
        image_noising_scheduler=DDPMScheduler(beta_schedule="squaredcos_cap_v2"),
    )  # fmt: skip


def draw_unclip(pipe, case):
    if case.get("sampler"):
        pipe.scheduler = diffusers.EulerAncestralDiscreteScheduler.from_config(pipe.scheduler.config)
    wide, high = (int(part) for part in case.get("size", "64x64").split("x"))
    return pipe(
        prompt=case["prompt"], negative_prompt=case["negative"] or None, num_inference_steps=case["steps"],
        guidance_scale=case["guidance"], noise_level=case.get("noiseLevel", 0), width=wide, height=high,
        image=Image.open(root / case["image"]).convert("RGB"), output_type="latent",
        generator=torch.Generator().manual_seed(case["seed"]),
    ).images[0]  # fmt: skip


def load_unclip(folder):
    # The image processor of the other kind needs torchvision.
    pipe = StableUnCLIPImg2ImgPipeline.from_pretrained(folder, torch_dtype=torch.float32, feature_extractor=processor())
    pipe.set_progress_bar_config(disable=True)
    return pipe


def unclip():
    folder = root / "unclip"
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(0)
    pipe = make_unclip(folder)
    words = {"tokenizer": read_files(folder / "tokenizer")}
    pipe.to(torch.float16).save_pretrained(folder)
    publish(folder, words)
    write("unclip", {name: drawn | more for name, more in unclip_cases.items()}, lambda case: draw_unclip(load_unclip(folder), case))
    print("unclip", sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()), "bytes")


def write(name, cases, draw):
    latents = {case: draw(request).contiguous() for case, request in cases.items()}
    for case, value in latents.items():
        print(name, case, tuple(value.shape), f"deviation {value.std():.3f}", f"most {value.abs().max():.2f}")
    modules = (torch, diffusers, transformers, safetensors, np)
    versions = {module.__name__: module.__version__ for module in modules} | {"python": platform.python_version()}
    metadata = {"cases": json.dumps(cases), "versions": json.dumps(versions)}
    safetensors.torch.save_file(latents, root / f"{name}.safetensors", metadata)


makers = {"unclip": unclip}
if __name__ == "__main__":
    for name in sys.argv[1:] or makers:
        makers[name]()
