"""Golden pictures of DeepFloyd IF at tiny sizes with random weights, drawn by diffusers (float32, CPU).

    pip install torch diffusers transformers sentencepiece protobuf safetensors numpy pillow
    OMP_NUM_THREADS=1 python tests/golden/scripts/deepfloyd_if.py [--cases]

With --cases, it draws with the folders that are there. Stage 3 is that of upscaler.py, which must have been run before.

Writes, under tests/golden/pipelines/, the folders if-1 and if-2 as `save_pretrained` lays them out (float16 weights, the text
encoder of the first in shards, a vocabulary of letters and a few syllables in spiece.model), and if.safetensors with what each
stage of every case gave, [3, height, width] in about [-1, 1]; the metadata says what each case asked for, and which versions
made it. Stage 2 goes on with the generator of stage 1, unless the case begins with a picture.
"""

import json
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import diffusers
import numpy as np
import safetensors.torch
import sentencepiece
import torch
import transformers
from diffusers import (
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    IFImg2ImgPipeline,
    IFImg2ImgSuperResolutionPipeline,
    IFInpaintingPipeline,
    IFInpaintingSuperResolutionPipeline,
    IFPipeline,
    IFSuperResolutionPipeline,
    StableDiffusionUpscalePipeline,
    UNet2DConditionModel,
)
from diffusers.pipelines.deepfloyd_if import fast27_timesteps
from diffusers.pipelines.deepfloyd_if.timesteps import super27_timesteps
from PIL import Image
from transformers import T5Config, T5EncoderModel, T5Tokenizer

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
diffusers.logging.set_verbosity_error()
diffusers.logging.disable_progress_bar()
root = Path(__file__).resolve().parents[1] / "pipelines"
small, large = 8, 32

DOWN, SIMPLE = "ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"
UP, SIMPLE_UP = "ResnetUpsampleBlock2D", "SimpleCrossAttnUpBlock2D"
corpus = "a blue cat and the red sea in a small house of stone by an old tree with green leaves".split()


def tokenizer(folder):
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        text = Path(scratch) / "text.txt"
        text.write_text("\n".join(" ".join(corpus[i:] + corpus[:i]) for i in range(len(corpus))))
        sentencepiece.SentencePieceTrainer.train(
            input=str(text), model_prefix=str(Path(scratch) / "spiece"), vocab_size=48, model_type="unigram", pad_id=0,
            eos_id=1, unk_id=2, bos_id=-1, normalization_rule_name="identity", hard_vocab_limit=False, minloglevel=2,
        )  # fmt: skip
        shutil.copy(Path(scratch) / "spiece.model", folder)
    return T5Tokenizer.from_pretrained(folder)


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


def unet(deviation, **more):
    options = dict(
        block_out_channels=(8, 16), norm_num_groups=4, attention_head_dim=4, cross_attention_dim=128, encoder_hid_dim=16,
        down_block_types=(DOWN, SIMPLE), mid_block_type="UNetMidBlock2DSimpleCrossAttn", up_block_types=(SIMPLE_UP, UP),
        out_channels=6, addition_embed_type="text", addition_embed_type_num_heads=4, cross_attention_norm="group_norm",
        resnet_time_scale_shift="scale_shift", act_fn="gelu",
    )  # fmt: skip
    return liven(UNet2DConditionModel(**{**options, **more}), deviation)


def first():
    return unet(0.6, sample_size=small, in_channels=3, layers_per_block=1)


def second():
    return unet(
        0.45, sample_size=large, in_channels=6, layers_per_block=[1, 2], class_embed_type="timestep", mid_block_scale_factor=1.414,
        time_embedding_act_fn="gelu", time_embedding_dim=16, only_cross_attention=True, resnet_skip_time_act=True,
        resnet_out_scale_factor=1.414,
    )  # fmt: skip


def scheduler(most):
    return DDPMScheduler(
        beta_schedule="squaredcos_cap_v2", thresholding=True, dynamic_thresholding_ratio=0.95, sample_max_value=most,
        variance_type="learned_range", prediction_type="epsilon",
    )  # fmt: skip


absent = dict(safety_checker=None, feature_extractor=None, watermarker=None, requires_safety_checker=False)


def write_folders():
    words = tokenizer(root / "if-1" / "tokenizer")
    config = T5Config(
        vocab_size=len(words) + 12, d_model=16, d_kv=5, num_heads=3, d_ff=24, num_layers=2, feed_forward_proj="gated-gelu"
    )
    text = liven(T5EncoderModel(config), 1.2)
    spiece = (root / "if-1" / "tokenizer" / "spiece.model").read_bytes()
    one = IFPipeline(tokenizer=words, text_encoder=text, unet=first(), scheduler=scheduler(1.5), **absent)
    two = IFSuperResolutionPipeline(
        tokenizer=words, text_encoder=text, unet=second(), scheduler=scheduler(1.0),
        image_noising_scheduler=DDPMScheduler(beta_schedule="squaredcos_cap_v2"), **absent,
    )  # fmt: skip
    for name, pipe in ("if-1", one), ("if-2", two):
        folder = root / name
        shutil.rmtree(folder, ignore_errors=True)
        pipe.to(torch.float16).save_pretrained(folder)
        if name == "if-1":
            (folder / "text_encoder" / "model.safetensors").unlink()
            pipe.text_encoder.save_pretrained(folder / "text_encoder", max_shard_size="5KB")
        # The published configs have this for solvers, and DDPM ignores it.
        config = folder / "scheduler" / "scheduler_config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), "lambda_min_clipped": -5.1}, indent=2) + "\n")
        # The layout in which the models were published: the vocabulary as SentencePiece writes it.
        shutil.rmtree(folder / "tokenizer")
        (folder / "tokenizer").mkdir()
        (folder / "tokenizer" / "spiece.model").write_bytes(spiece)


plain = {"prompt": "a blue CAT in the red sea", "negative": "stone", "seed": 7, "steps": 8, "guidance": 7.0, "stages": 2}
stage_two = {"steps2": 6, "guidance2": 4.0, "noise": 250}
cases = {
    "plain": {},
    "seed": {"seed": 123456},
    "no-negative": {"negative": ""},
    "unguided": {"guidance": 1.0, "guidance2": 1.0},
    "strong": {"guidance": 10.0, "steps": 10},
    "wide": {"width": 16, "steps": 5},
    "tall": {"height": 12, "steps": 5, "stages": 1},
    "listed": {"timesteps": "fast27", "stages": 1},
    "noise": {"noise": 40, "steps2": 9, "guidance2": 6.0},
    "long": {"prompt": "a red cat, " * 60, "stages": 1, "steps": 4},
    "image": {"strength": 0.6, "stages": 2},
    "image-weak": {"strength": 0.3, "steps": 12, "stages": 1},
    "listed-twice": {"timesteps": "fast27", "timesteps2": "super27"},
    "third": {"stages": 3, "steps": 4, "steps2": 3},
    "third-alone": {"from": True, "stages": 3, "steps2": 3},
    "image-twice": {"strength": 0.6, "strength2": 0.5, "steps": 10, "steps2": 8},
    "mask": {"strength": 1.0, "strength2": 0.8, "mask": True, "seed": 11},
    "mask-weak": {"strength": 0.7, "strength2": 0.5, "mask": True, "steps": 10, "steps2": 8, "noise": 0, "negative": ""},
    "mask-small": {"strength": 0.9, "mask": True, "stages": 1},
    "solver": {"solver": 2, "guidance": 4.0},
    "solver-third": {"solver": 3, "steps": 12, "seed": 5, "stages": 1},
    "solver-image": {"solver": 2, "strength": 0.7, "steps": 10, "stages": 1},
    "from-picture": {"from": True},
    "from-picture-wide": {"from": True, "width": 12, "noise": 0, "seed": 3},
}


def picture(width, height):
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 2 + y / 3), np.cos(x / 1.5 - y / 4), np.sin((x - 3) * (y - 2) / 9)]
    return Image.fromarray(((np.stack(waves, -1) + 1) * 127.5).round().astype(np.uint8))


def mask(width, height):
    """White is redrawn; its edges are those of stage 1's pixels."""
    cells = np.zeros((height, width), np.uint8)
    cells[height // 4 : height // 2, width // 8 : width * 5 // 8] = 255
    return Image.fromarray(cells)


def load(kind, folder):
    pipe = kind.from_pretrained(folder, torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def solve(pipe, folder, order):
    """The pipeline with DPM-Solver++, configured by the file, or with its own scheduler for order 0."""
    config = json.loads((root / folder / "scheduler" / "scheduler_config.json").read_text())
    if order == 0:
        pipe.scheduler = DDPMScheduler.from_config(config)
    else:
        pipe.scheduler = DPMSolverMultistepScheduler.from_config(config, solver_order=order)


def draw(case, pipes):
    for name, pipe in pipes.items():
        if name != "three":
            solve(pipe, "if-2" if "two" in name else "if-1", case.get("solver", 0))
    generator = torch.Generator().manual_seed(case["seed"])
    width, height = case.get("width", small), case.get("height", small)
    words = {"prompt": case["prompt"], "negative_prompt": case["negative"] or None, "clean_caption": False}
    common = {**words, "generator": generator, "output_type": "pt"}
    results = []
    if "from" in case:
        image = picture(width, height)
    else:
        arguments = {**common, "guidance_scale": case["guidance"]}
        if "timesteps" in case:
            arguments["timesteps"] = fast27_timesteps
        else:
            arguments["num_inference_steps"] = case["steps"]
        # Where both stages begin with the picture, it has the size of the second.
        size = (large, large) if "strength2" in case else (width, height)
        begin = {"image": picture(*size), "strength": case.get("strength")}
        if "mask" in case:
            image = pipes["mask"](**arguments, **begin, mask_image=mask(*size)).images
        elif "strength" in case:
            image = pipes["image"](**arguments, **begin).images
        else:
            image = pipes["one"](**arguments, width=width, height=height).images
        results.append(image[0])
    if case["stages"] >= 2:
        times = large // small
        listed = {"timesteps": super27_timesteps} if "timesteps2" in case else {"num_inference_steps": case["steps2"]}
        arguments = {**common, "image": image, **listed, "guidance_scale": case["guidance2"], "noise_level": case["noise"]}
        begin = {"original_image": picture(large, large), "strength": case.get("strength2")}
        if "strength2" not in case:
            image = pipes["two"](**arguments, width=times * width, height=times * height).images
        elif "mask" in case:
            image = pipes["mask two"](**arguments, **begin, mask_image=mask(large, large)).images
        else:
            image = pipes["image two"](**arguments, **begin).images
        results.append(image[0])
    if case["stages"] == 3:
        latents = pipes["three"](
            case["prompt"], negative_prompt=case["negative"] or None, image=image, num_inference_steps=3, guidance_scale=9.0,
            noise_level=100, generator=generator, output_type="latent",
        ).images  # fmt: skip
        results.append(latents[0])
    return results


def main():
    torch.manual_seed(0)
    if "--cases" not in sys.argv:
        for name in ("if-1", "if-2"):
            shutil.rmtree(root / name, ignore_errors=True)
        write_folders()
    pipes = {
        "one": load(IFPipeline, root / "if-1"),
        "two": load(IFSuperResolutionPipeline, root / "if-2"),
        "image": load(IFImg2ImgPipeline, root / "if-1"),
        "mask": load(IFInpaintingPipeline, root / "if-1"),
        "three": load(StableDiffusionUpscalePipeline, root / "x4"),
    }
    for name, kind in ("image two", IFImg2ImgSuperResolutionPipeline), ("mask two", IFInpaintingSuperResolutionPipeline):
        parts = {key: value for key, value in pipes["two"].components.items() if key not in absent}
        pipes[name] = kind(**parts, **absent)
        pipes[name].set_progress_bar_config(disable=True)
    picture(small, small).save(root / "if-picture.png")
    picture(12, small).save(root / "if-picture-wide.png")
    picture(large, large).save(root / "if-picture-large.png")
    mask(large, large).save(root / "if-mask-large.png")
    mask(small, small).save(root / "if-mask.png")
    asked, tensors = {}, {}
    for name, more in cases.items():
        case = asked[name] = {**plain, **stage_two, **more}
        results = draw(case, pipes)
        for stage, result in zip((1, 2, 3) if "from" not in case else (2, 3), results):
            tensors[f"{name}.{stage}"] = result.contiguous()
            print(name, stage, tuple(result.shape), f"{result.std():.3f} {result.abs().max():.3f}")
    modules = (torch, diffusers, transformers, safetensors, sentencepiece, np)
    versions = {module.__name__: module.__version__ for module in modules} | {"python": platform.python_version()}
    metadata = {"cases": json.dumps(asked), "versions": json.dumps(versions)}
    safetensors.torch.save_file(tensors, root / "if.safetensors", metadata)
    for name in ("if-1", "if-2"):
        print(name, sum(file.stat().st_size for file in (root / name).rglob("*") if file.is_file()), "bytes")
    print((root / "if.safetensors").stat().st_size)


main()
