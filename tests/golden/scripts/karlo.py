"""Golden pipelines of Karlo at tiny sizes with random weights, drawn by diffusers (float32, CPU).

    pip install torch diffusers transformers safetensors numpy pillow
    OMP_NUM_THREADS=1 python tests/golden/scripts/karlo.py

Writes, under tests/golden/pipelines/ and after pipelines.py, whose image it takes: karlo/ as `save_pretrained` lays it out
(float16 weights, and the image encoder of the variation pipeline), and karlo.safetensors with the image embedding of every
case, [1, numbers], its small image and its large one, [3, height, width]; the metadata says what each case asked for, and which
versions made it.
"""

import functools
import json
import platform
import shutil

import diffusers
import numpy as np
import safetensors.torch
import torch
import transformers
from diffusers import PriorTransformer, UnCLIPScheduler, UNet2DConditionModel, UNet2DModel
from diffusers.pipelines.deprecated.unclip import pipeline_unclip, pipeline_unclip_image_variation
from diffusers.pipelines.deprecated.unclip.text_proj import UnCLIPTextProjModel
from image_prompts import image_encoder, processor
from PIL import Image
from pipelines import end, liven, publish, read_files, root, text_encoder, write_tokenizer

width, time_width, cross = 20, 32, 12
folder = root / "karlo"


def large():
    return UNet2DModel(
        sample_size=32, in_channels=6, out_channels=3, block_out_channels=(8, 16), norm_num_groups=4, layers_per_block=1,
        down_block_types=("ResnetDownsampleBlock2D",) * 2, up_block_types=("ResnetUpsampleBlock2D",) * 2, add_attention=False,
    )  # fmt: skip


def make():
    tokenizer, words = write_tokenizer(folder / "tokenizer", end)
    prior = liven(PriorTransformer(num_attention_heads=2, attention_head_dim=8, embedding_dim=width, num_layers=2), 1.2)
    prior.clip_mean.data, prior.clip_std.data = 0.1 * torch.randn(1, width), 0.5 + torch.rand(1, width)
    decoder = UNet2DConditionModel(
        sample_size=8, in_channels=3, out_channels=6, block_out_channels=(8, 16), norm_num_groups=4, layers_per_block=1,
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"), attention_head_dim=4,
        mid_block_type="UNetMidBlock2DSimpleCrossAttn", up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        cross_attention_dim=cross, class_embed_type="identity", resnet_time_scale_shift="scale_shift",
    )  # fmt: skip
    projection = UnCLIPTextProjModel(clip_embeddings_dim=width, time_embed_dim=time_width, cross_attention_dim=cross)
    first, last = liven(large(), 0.8), liven(large(), 0.7)
    last.conv_in.bias.data += 0.5  # the two differ
    return pipeline_unclip.UnCLIPPipeline(
        prior=prior, decoder=liven(decoder, 0.7), text_proj=liven(projection, 1.2), tokenizer=tokenizer,
        text_encoder=liven(text_encoder(words, width, 3, "quick_gelu", width), 1.5), super_res_first=first, super_res_last=last,
        prior_scheduler=UnCLIPScheduler(variance_type="fixed_small_log", prediction_type="sample", clip_sample_range=5.0),
        decoder_scheduler=UnCLIPScheduler(variance_type="learned_range"),
        super_res_scheduler=UnCLIPScheduler(variance_type="fixed_small_log"),
    )  # fmt: skip


# Of a case: what Nishiki is asked for.
plain = {"prompt": "the blue cat, by the Red sea", "seed": 7, "steps": 6, "guidance": 4, "prior": {"steps": 5, "guidance": 4}, "superResolution": {"steps": [7]}}
cases = {
    "plain": {},
    "long": {"steps": 25, "prior": {"steps": 25, "guidance": 2}, "seed": 11},
    "unguided": {"guidance": 1, "prior": {"steps": 2, "guidance": 1}, "superResolution": {"steps": [2]}, "seed": 0},
    "half-guided": {"guidance": 1, "seed": 3},
    "strong": {"guidance": 8, "seed": 4294967295, "prior": {"steps": 10, "guidance": 6}},
    "variation": {"prompt": "", "images": ["picture.png"], "seed": 21},
}  # fmt: skip


def hear(pipe, keep):
    """Keeps what the prior gives and what super-resolution is given."""
    project, enlarge = pipe.text_proj.forward, torch.nn.functional.interpolate

    def hear_embedding(**given):
        keep["embedding"] = given["image_embeddings"].clone()
        return project(**given)

    @functools.wraps(enlarge)  # the pipeline looks for `antialias` in the signature
    def hear_small(x, *more, **options):
        if options.get("mode") == "bicubic":
            keep["small"] = x[0].clone()
        return enlarge(x, *more, **options)

    pipe.text_proj.forward = hear_embedding
    torch.nn.functional.interpolate = hear_small

    def stop():
        pipe.text_proj.forward = project
        torch.nn.functional.interpolate = enlarge

    return stop


def draw(pipe, variations, case, name):
    keep = {}
    chosen = variations if "images" in case else pipe
    stop = hear(chosen, keep)
    options = dict(
        decoder_num_inference_steps=case["steps"], decoder_guidance_scale=case["guidance"],
        super_res_num_inference_steps=case["superResolution"]["steps"][0], output_type="np",
        generator=torch.Generator().manual_seed(case["seed"]),
    )  # fmt: skip
    if "images" in case:
        options["image"] = Image.open(root / case["images"][0]).convert("RGB")
    else:
        steps, guidance = case["prior"]["steps"], case["prior"]["guidance"]
        options |= dict(prompt=case["prompt"], prior_num_inference_steps=steps, prior_guidance_scale=guidance)
    last = {}
    step = chosen.super_res_scheduler.step

    def hear_step(*given, **more):
        output = step(*given, **more)
        last["image"] = output.prev_sample
        return output

    chosen.super_res_scheduler.step = hear_step
    chosen(**options)
    chosen.super_res_scheduler.step = step
    stop()
    return {f"{name}.embedding": keep["embedding"], f"{name}.small": keep["small"], f"{name}.large": last["image"][0]}


@torch.no_grad()
def main():
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(0)
    pipe = make()
    eyes = image_encoder(width)
    words = {"tokenizer": read_files(folder / "tokenizer")}
    pipe.to(torch.float16).save_pretrained(folder)
    publish_schedulers = folder / "scheduler"
    publish_schedulers.mkdir()  # `publish` adds what older configs say to this one
    (publish_schedulers / "scheduler_config.json").write_text("{}")
    publish(folder, words)
    shutil.rmtree(publish_schedulers)
    eyes.to(torch.float16).save_pretrained(folder / "image_encoder")
    processor().save_pretrained(folder / "feature_extractor")
    index = json.loads((folder / "model_index.json").read_text())
    index |= {"image_encoder": ["transformers", "CLIPVisionModelWithProjection"], "feature_extractor": ["transformers", "CLIPImageProcessor"]}
    parts = {name: getattr(pipe, name).to(torch.float32) if hasattr(getattr(pipe, name), "to") else getattr(pipe, name) for name in pipe.components}
    variations = pipeline_unclip_image_variation.UnCLIPImageVariationPipeline(
        **{name: part for name, part in parts.items() if not name.startswith("prior")},
        image_encoder=eyes.to(torch.float32), feature_extractor=processor(),
    )  # fmt: skip
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    for each in (pipe, variations):
        each.set_progress_bar_config(disable=True)
    asked = {name: plain | more for name, more in cases.items()}
    tensors = {}
    for name, case in asked.items():
        found = draw(pipe, variations, case, name)
        print(name, {key: (tuple(value.shape), f"{value.std():.3f}") for key, value in found.items()})
        tensors |= found
    modules = (torch, diffusers, transformers, safetensors, np)
    versions = {module.__name__: module.__version__ for module in modules} | {"python": platform.python_version()}
    metadata = {"cases": json.dumps(asked), "versions": json.dumps(versions)}
    safetensors.torch.save_file({k: v.contiguous() for k, v in tensors.items()}, root / "karlo.safetensors", metadata)
    print(sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()), "bytes")


main()
