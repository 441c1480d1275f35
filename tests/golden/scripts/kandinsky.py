"""Golden pipelines of Kandinsky 2.2 at tiny sizes with random weights, drawn by diffusers (float32, CPU).

    pip install torch diffusers transformers safetensors numpy pillow
    OMP_NUM_THREADS=1 python tests/golden/scripts/kandinsky.py

Writes, under tests/golden/pipelines/ and after pipelines.py, whose image it takes: kandinsky-2-2-prior/ and
kandinsky-2-2-decoder/ as `save_pretrained` lays them out (float16 weights), and kandinsky.safetensors with the image embeddings
of every case, [texts, numbers], its final latents, [channels, height, width], and the pixels of some, [3, height, width]; the
metadata says what each case asked for, and which versions made it. Also latents and pixels through MoVQ alone.
kandinsky-2-2-decoder-inpaint/ lacks movq/, which is that of kandinsky-2-2-decoder/.
"""

import json
import platform
import shutil

import diffusers
import numpy as np
import safetensors.torch
import torch
import transformers
from diffusers import (
    DDPMScheduler,
    KandinskyV22Img2ImgPipeline,
    KandinskyV22InpaintPipeline,
    KandinskyV22Pipeline,
    KandinskyV22PriorPipeline,
    PriorTransformer,
    UnCLIPScheduler,
    UNet2DConditionModel,
    VQModel,
)
from image_prompts import image_encoder, processor
from PIL import Image
from pipelines import end, liven, publish, read_files, root, text_encoder, write_tokenizer

width, scale = 20, 2


def prior(folder):
    tokenizer, words = write_tokenizer(folder / "tokenizer", end)
    network = PriorTransformer(num_attention_heads=2, attention_head_dim=8, embedding_dim=width, num_layers=2)
    scheduler = UnCLIPScheduler(variance_type="fixed_small_log", prediction_type="sample", clip_sample_range=10.0)
    return KandinskyV22PriorPipeline(
        prior=liven(network, 1.2), text_encoder=liven(text_encoder(words, width, 3, "gelu", width), 1.5), tokenizer=tokenizer,
        image_encoder=image_encoder(width), image_processor=processor(), scheduler=scheduler,
    )  # fmt: skip


def decoder(channels=4, kind=KandinskyV22Pipeline):
    unet = UNet2DConditionModel(
        sample_size=16, in_channels=channels, out_channels=8, block_out_channels=(8, 16), norm_num_groups=4, layers_per_block=1,
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"), attention_head_dim=4,
        mid_block_type="UNetMidBlock2DSimpleCrossAttn", up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        cross_attention_dim=8, encoder_hid_dim=width, encoder_hid_dim_type="image_proj", addition_embed_type="image",
        resnet_time_scale_shift="scale_shift",
    )  # fmt: skip
    movq = VQModel(
        block_out_channels=[32, 32], down_block_types=["DownEncoderBlock2D", "AttnDownEncoderBlock2D"], latent_channels=4,
        up_block_types=["AttnUpDecoderBlock2D", "UpDecoderBlock2D"], layers_per_block=1, norm_num_groups=8, norm_type="spatial",
        num_vq_embeddings=4, vq_embed_dim=4,
    )  # fmt: skip
    scheduler = DDPMScheduler(
        beta_schedule="linear", beta_start=0.00085, beta_end=0.012, variance_type="learned_range", clip_sample=True,
        clip_sample_range=2.0,
    )  # fmt: skip
    return kind(unet=liven(unet, 0.7), movq=liven(movq, 1.2), scheduler=scheduler)


# Of a case: what Nishiki is asked for.
plain = {"prompt": "the blue cat, by the Red sea", "negative": "", "seed": 7, "steps": 8, "guidance": 4, "prior": {"steps": 5, "guidance": 4}}
picture = "picture.png"
cases = {
    "plain": {},
    "negative": {"negative": "a red car", "seed": 3},
    "long": {"steps": 25, "prior": {"steps": 25, "guidance": 2}, "seed": 11},
    "unguided": {"guidance": 1, "prior": {"steps": 2, "guidance": 1}, "seed": 0},
    "unguided-negative": {"guidance": 1, "negative": "a red car", "seed": 8, "steps": 3},
    "unguided-blend": {"guidance": 1, "images": [picture], "weights": [0.6], "texts": ["a red car"], "textWeights": [0.4], "prompt": "", "seed": 9, "steps": 3},
    "wide": {"size": "48x24", "guidance": 6, "seed": 4294967295},
    "image": {"image": picture, "strength": 0.6, "seed": 5, "size": "64x64"},
    "mask": {"image": picture, "mask": "mask.png", "seed": 6, "size": "64x64", "steps": 6, "guidance": 3},
    "variation": {"prompt": "", "images": [picture], "seed": 21},
    "blend": {"images": [picture], "weights": [0.6], "texts": ["a red car"], "textWeights": [0.4], "prompt": "", "seed": 2},
    "blend-negative": {"images": [picture], "weights": [0.7], "texts": ["a red car"], "textWeights": [0.3], "prompt": "", "negative": "the sea", "seed": 2},
}  # fmt: skip
with_pixels = ("plain", "wide")


def embed(pipe, case, generator):
    steps, guidance = case["prior"]["steps"], case["prior"]["guidance"]
    options = dict(num_inference_steps=steps, guidance_scale=guidance, generator=generator)
    if "images" in case:
        texts = case.get("texts", [])
        images = [Image.open(root / name).convert("RGB") for name in case["images"]]
        weights = [*case.get("textWeights", []), *case.get("weights", [1.0])]
        output = pipe.interpolate([*texts, *images], weights, negative_prompt=case["negative"], **options)
    else:
        output = pipe(case["prompt"], negative_prompt=case["negative"] or None, **options)
    return output.image_embeds, output.negative_image_embeds


def draw(prior_pipe, pipe, inpaint, case, name):
    generator = torch.Generator().manual_seed(case["seed"])
    cond, uncond = embed(prior_pipe, case, generator)
    w, h = (int(side) for side in case.get("size", f"{16 * scale}x{16 * scale}").split("x"))
    options = dict(
        image_embeds=cond, negative_image_embeds=uncond, width=w, height=h, num_inference_steps=case["steps"],
        guidance_scale=case["guidance"], generator=generator,
    )  # fmt: skip
    if "mask" in case:
        pipe = inpaint
        options |= {key: Image.open(root / case[name]) for key, name in (("image", "image"), ("mask_image", "mask"))}
    elif "image" in case:
        pipe = KandinskyV22Img2ImgPipeline(**pipe.components)
        pipe.set_progress_bar_config(disable=True)
        options |= {"image": Image.open(root / case["image"]).convert("RGB"), "strength": case["strength"]}
    latents = pipe(**options, output_type="latent").images
    found = {f"{name}.embeddings": torch.cat([cond, uncond]), f"{name}.latents": latents[0]}
    if name in with_pixels:
        found[f"{name}.pixels"] = pipe.movq.decode(latents, force_not_quantize=True).sample[0]
    return found


def pass_movq(movq):
    torch.manual_seed(5)
    tensors = {}
    for i, (batch, height, wide) in enumerate(((1, 6, 4), (2, 3, 5))):
        tensors[f"movq.latents.{i}"] = torch.randn(batch, 4, height, wide)
        tensors[f"movq.decoded.{i}"] = movq.decode(tensors[f"movq.latents.{i}"], force_not_quantize=True).sample
        tensors[f"movq.pixels.{i}"] = torch.rand(batch, 3, 2 * height, 2 * wide) * 2 - 1
        tensors[f"movq.encoded.{i}"] = movq.encode(tensors[f"movq.pixels.{i}"]).latents
    return tensors


@torch.no_grad()
def main():
    folders = [root / f"kandinsky-2-2-{part}" for part in ("prior", "decoder", "decoder-inpaint")]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(0)
    made = prior(folders[0])
    with_statistics = made.prior
    with_statistics.clip_mean.data = 0.1 * torch.randn(1, width)
    with_statistics.clip_std.data = 0.5 + torch.rand(1, width)
    words = {"tokenizer": read_files(folders[0] / "tokenizer")}
    made.to(torch.float16).save_pretrained(folders[0])
    publish(folders[0], words)
    decoder().to(torch.float16).save_pretrained(folders[1])
    prior_pipe = KandinskyV22PriorPipeline.from_pretrained(folders[0], torch_dtype=torch.float32)
    pipe = KandinskyV22Pipeline.from_pretrained(folders[1], torch_dtype=torch.float32)
    decoder(9, KandinskyV22InpaintPipeline).to(torch.float16).save_pretrained(folders[2])
    shutil.rmtree(folders[2] / "movq")
    unet = UNet2DConditionModel.from_pretrained(folders[2] / "unet", torch_dtype=torch.float32)
    inpaint = KandinskyV22InpaintPipeline(unet=unet, scheduler=pipe.scheduler, movq=pipe.movq)
    for each in (prior_pipe, pipe, inpaint):
        each.set_progress_bar_config(disable=True)
    asked = {name: plain | more for name, more in cases.items()}
    tensors = pass_movq(pipe.movq)
    for name, case in asked.items():
        found = draw(prior_pipe, pipe, inpaint, case, name)
        print(name, {key: (tuple(value.shape), f"{value.std():.3f}") for key, value in found.items()})
        tensors |= found
    modules = (torch, diffusers, transformers, safetensors, np)
    versions = {module.__name__: module.__version__ for module in modules} | {"python": platform.python_version()}
    metadata = {"cases": json.dumps(asked), "versions": json.dumps(versions)}
    safetensors.torch.save_file({k: v.contiguous() for k, v in tensors.items()}, root / "kandinsky.safetensors", metadata)
    for folder in folders:
        print(folder.name, sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()), "bytes")


main()
