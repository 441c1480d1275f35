"""Golden pipelines: Stable Diffusion of every family at tiny sizes with random weights, drawn by diffusers (float32, CPU).

    pip install torch diffusers transformers safetensors numpy pillow
    OMP_NUM_THREADS=1 python tests/golden/scripts/pipelines.py [NAME of cases to draw again with a folder that is there ...]

Writes, under tests/golden/pipelines/, a folder for each family as `save_pretrained` lays it out (float16 weights, a
tokenizer of letters and a few syllables) and NAME.safetensors with the final latents of every case, [channels, height,
width]; the metadata says what each case asked for, and which versions made it. Sizes of the networks are the smallest that
still have every kind of block of their family.
"""

import json
import platform
import shutil
import sys
from pathlib import Path

import diffusers
import numpy as np
import safetensors.torch
import torch
import transformers
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from PIL import Image
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
diffusers.logging.set_verbosity_error()
diffusers.logging.disable_progress_bar()
# transformers 5 has no text_model in there any more, which diffusers 0.42 asks for where layers are skipped.
if not hasattr(CLIPTextModel, "text_model"):
    CLIPTextModel.text_model = property(lambda self: self)
root = Path(__file__).resolve().parents[1] / "pipelines"
size = 64


# --- words -----------------------------------------------------------------------------------------------------------


def byte_letters():
    """The printable stand-ins for bytes of GPT-2's byte-level tokenizers, in CLIP's order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]


merges = ["c a", "ca t</w>", "b l", "bl u", "blu e</w>", "t h", "th e</w>", "s e", "se a</w>", "r e", "re d</w>", "a n"]
start, end = "<|startoftext|>", "<|endoftext|>"


def write_tokenizer(folder, pad):
    letters = byte_letters()
    pieces = letters + [f"{letter}</w>" for letter in letters] + [merge.replace(" ", "") for merge in merges]
    vocabulary = {piece: i for i, piece in enumerate([*pieces, start, end])}
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    special = {"bos_token": start, "eos_token": end, "unk_token": end, "pad_token": pad}
    config = {**special, "model_max_length": 77, "tokenizer_class": "CLIPTokenizer", "add_prefix_space": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2))
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2))
    return CLIPTokenizer.from_pretrained(folder), len(vocabulary)


def text_encoder(words, width, layers, act, projection=None):
    config = CLIPTextConfig(
        vocab_size=words, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=layers,
        num_attention_heads=2, max_position_embeddings=77, hidden_act=act, bos_token_id=words - 2,
        eos_token_id=words - 1, pad_token_id=words - 1, projection_dim=projection or width,
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config)


# --- networks --------------------------------------------------------------------------------------------------------


def autoencoder(factor):
    return AutoencoderKL(
        block_out_channels=(4, 4, 8, 8), norm_num_groups=2, latent_channels=4, layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        sample_size=size, scaling_factor=factor,
    )  # fmt: skip


def unet(**more):
    options = dict(
        sample_size=size // 8, in_channels=4, out_channels=4, block_out_channels=(8, 16), norm_num_groups=4,
        layers_per_block=1, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), cross_attention_dim=16, attention_head_dim=2,
    )  # fmt: skip
    return UNet2DConditionModel(**{**options, **more})


def liven(network, deviation):
    """Normal weights, wide enough that words and times matter to what comes out."""
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


trained = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}
pndm = {**trained, "steps_offset": 1, "skip_prk_steps": True, "set_alpha_to_one": False}
ddim = {**trained, "steps_offset": 1, "clip_sample": False, "set_alpha_to_one": False}


def one_encoder(folder, scheduler, act="quick_gelu", pad=end, **more):
    tokenizer, words = write_tokenizer(folder / "tokenizer", pad)
    return dict(
        tokenizer=tokenizer, text_encoder=liven(text_encoder(words, 16, 3, act), 1.5), vae=liven(autoencoder(0.18215), 1.2),
        unet=liven(unet(**more), 1.2), scheduler=scheduler, safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip


def sd1(folder):
    return StableDiffusionPipeline(**one_encoder(folder, PNDMScheduler(**pndm)))


def sd2_v(folder):
    scheduler = DDIMScheduler(**ddim, prediction_type="v_prediction")
    parts = one_encoder(folder, scheduler, "gelu", "!", use_linear_projection=True, attention_head_dim=[2, 4])
    return StableDiffusionPipeline(**parts)


def inpaint(folder):
    return StableDiffusionInpaintPipeline(**one_encoder(folder, PNDMScheduler(**pndm), in_channels=9))


def lcm(folder):
    parts = one_encoder(folder, LCMScheduler(**ddim), time_cond_proj_dim=8)
    return diffusers.LatentConsistencyModelPipeline(**parts)


def xl(folder):
    tokenizer, words = write_tokenizer(folder / "tokenizer", end)
    tokenizer_2, _ = write_tokenizer(folder / "tokenizer_2", "!")
    network = unet(
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        use_linear_projection=True, attention_head_dim=[2, 4], transformer_layers_per_block=[1, 2],
        cross_attention_dim=28, addition_embed_type="text_time", addition_time_embed_dim=4,
        projection_class_embeddings_input_dim=6 * 4 + 12,
    )  # fmt: skip
    return StableDiffusionXLPipeline(
        tokenizer=tokenizer, tokenizer_2=tokenizer_2, text_encoder=liven(text_encoder(words, 16, 3, "quick_gelu"), 1.5),
        text_encoder_2=liven(text_encoder(words, 12, 3, "gelu", 12), 1.5), vae=liven(autoencoder(0.13025), 1.2),
        unet=liven(network, 1.2), force_zeros_for_empty_prompt=True,
        scheduler=EulerDiscreteScheduler(**trained, steps_offset=1, timestep_spacing="leading"),
    )  # fmt: skip


# --- cases -----------------------------------------------------------------------------------------------------------

# Of a case: what Nishiki is asked for, and (after "!") what diffusers needs besides.
plain = {"prompt": "the blue cat, by the Red sea", "negative": "a red car", "seed": 7, "steps": 20, "guidance": 5}
scheduler_of = {
    ("dpmpp-2m", "karras"): ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    ("euler-ancestral", None): ("EulerAncestralDiscreteScheduler", {}),
    ("euler", None): ("EulerDiscreteScheduler", {}),
    ("ddim", None): ("DDIMScheduler", {}),
    ("ddpm", None): ("DDPMScheduler", {}),
    ("heun", None): ("HeunDiscreteScheduler", {}),
    ("lms", None): ("LMSDiscreteScheduler", {}),
    ("dpm2", None): ("KDPM2DiscreteScheduler", {}),
    ("dpm2-ancestral", None): ("KDPM2AncestralDiscreteScheduler", {}),
    ("dpmpp-2m", None): ("DPMSolverMultistepScheduler", {}),
    ("dpmpp-2m-sde", None): ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    ("unipc", None): ("UniPCMultistepScheduler", {}),
    ("euler", "karras"): ("EulerDiscreteScheduler", {"use_karras_sigmas": True}),
    ("euler", "exponential"): ("EulerDiscreteScheduler", {"use_exponential_sigmas": True}),
    ("euler", "beta"): ("EulerDiscreteScheduler", {"use_beta_sigmas": True}),
    ("euler", "trailing"): ("EulerDiscreteScheduler", {"timestep_spacing": "trailing"}),
    ("ddim", "trailing"): ("DDIMScheduler", {"timestep_spacing": "trailing"}),
    ("tcd", None): ("TCDScheduler", {}),
    ("dpmpp-2m", "linspace"): ("DPMSolverMultistepScheduler", {"timestep_spacing": "linspace"}),
}
drawn = {"image": True}
parts = {**drawn, "mask": True}
families = {
    "sd1": (sd1, {
        "plain": {},
        "empty-negative": {"negative": ""},
        "dpmpp-2m-karras": {"sampler": "dpmpp-2m", "schedule": "karras"},
        "euler-ancestral": {"sampler": "euler-ancestral"},
        "clip-skip": {"clipSkip": 1, "sampler": "ddim"},
        "unguided": {"guidance": 1, "sampler": "euler"},
        "tile": {"tile": True, "sampler": "ddim", "size": "64x80"},
        "image": {**drawn, "strength": 0.6, "sampler": "ddim"},
        "image-whole": {**drawn, "strength": 1, "sampler": "euler"},
        "mask": {**parts, "strength": 1, "sampler": "ddim"},
        "mask-weak": {**parts, "strength": 0.7, "sampler": "euler-ancestral"},
    }),
    "samplers": ("sd1", {
        "-".join(name for name in names if name): {"sampler": names[0], **({"schedule": names[1]} if names[1] else {})}
        for names in scheduler_of
    }),
    "starts": ("sd1", {
        "-".join(name for name, value in request.items() if value is True) + f"-{request['sampler'] or 'own'}-{request['strength']}": {
            key: value for key, value in request.items() if value is not None
        }
        for sampler in (None, "lms", "dpm2", "dpm2-ancestral", "heun", "unipc")
        for request in ({**drawn, "sampler": sampler, "strength": 0.75}, {**parts, "sampler": sampler, "strength": 0.6})
    }),
    "lcm-image": ("lcm", {
        f"image-{strength}": {**drawn, "strength": strength, "steps": 4, "guidance": 8, "negative": ""} for strength in (0.4, 0.8)
    }),
    "sd2-v": (sd2_v, {
        "plain": {},
        "rescaled": {"guidanceRescale": 0.7},
        "euler": {"sampler": "euler"},
        "image": {**drawn, "strength": 0.6},
        "mask": {**parts, "strength": 1},
    }),
    "inpaint": (inpaint, {
        "mask": {**parts, "strength": 1},
        "mask-weak": {**parts, "strength": 0.6, "sampler": "ddim"},
    }),
    "lcm": (lcm, {"plain": {"steps": 4, "guidance": 8, "negative": ""}}),
    "xl": (xl, {
        "plain": {},
        "empty-negative": {"negative": ""},
        "clip-skip": {"clipSkip": 1},
        "unguided": {"guidance": 1, "steps": 4},
        "wide": {"size": "96x64"},
        "image": {**drawn, "strength": 0.6},
        "mask": {**parts, "strength": 1},
    }),
}  # fmt: skip
variants = {
    StableDiffusionPipeline: (StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline),
    StableDiffusionInpaintPipeline: (None, StableDiffusionInpaintPipeline),
    StableDiffusionXLPipeline: (StableDiffusionXLImg2ImgPipeline, StableDiffusionXLInpaintPipeline),
    diffusers.LatentConsistencyModelPipeline: (diffusers.LatentConsistencyModelImg2ImgPipeline, None),
}


def write_pictures():
    y, x = np.mgrid[0:size, 0:size]
    waves = [np.sin(x / 7 + y / 11), np.cos(x / 5 - y / 13), np.sin((x - 30) * (y - 20) / 400)]
    Image.fromarray(((np.stack(waves, -1) + 1) * 127.5).round().astype(np.uint8)).save(root / "picture.png")
    mask = ((x - 36) ** 2 + (y - 30) ** 2 < 19**2) * 255
    Image.fromarray(mask.astype(np.uint8)).save(root / "mask.png")


def read_files(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def publish(folder, words):
    """The layout in which the models were published, which today's libraries no longer write."""
    for part, files in words.items():
        shutil.rmtree(folder / part)
        (folder / part).mkdir()
        for file, content in files.items():
            (folder / part / file).write_bytes(content)
    for file in folder.glob("text_encoder*/model.safetensors"):
        tensors = safetensors.torch.load_file(file)
        kept = ("text_model.", "text_projection.")
        named = {name if name.startswith(kept) else f"text_model.{name}": value for name, value in tensors.items()}
        safetensors.torch.save_file(named, file, {"format": "pt"})
    file = folder / "scheduler/scheduler_config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps({"clip_sample": False, **config}, indent=2))  # as PNDM's is published too


def draw(folder, kind, case):
    image_kind, mask_kind = variants.get(kind, (None, None))
    chosen = mask_kind if "mask" in case else image_kind if "image" in case else kind
    pipe = chosen.from_pretrained(folder, torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    if case.get("sampler"):
        name, options = scheduler_of[case["sampler"], case.get("schedule")]
        pipe.scheduler = getattr(diffusers, name).from_config(pipe.scheduler.config, **options)
    if case.get("tile"):
        for layer in pipe.unet.modules():
            if isinstance(layer, torch.nn.Conv2d):
                layer.padding_mode = "circular"
    arguments = {
        "prompt": case["prompt"], "num_inference_steps": case["steps"], "guidance_scale": case["guidance"],
        "generator": torch.Generator().manual_seed(case["seed"]), "output_type": "latent",
    }  # fmt: skip
    if case.get("sampler") == "tcd":
        arguments["eta"] = 0.3
    if kind is not diffusers.LatentConsistencyModelPipeline:
        arguments["negative_prompt"] = case["negative"] or None
    names = {"clipSkip": "clip_skip", "guidanceRescale": "guidance_rescale", "strength": "strength"}
    arguments |= {names[key]: value for key, value in case.items() if key in names}
    width, height = (int(side) for side in case.get("size", f"{size}x{size}").split("x"))
    if "image" not in case or "mask" in case:
        arguments |= {"width": width, "height": height}
    if "image" in case:
        arguments["image"] = Image.open(root / "picture.png").convert("RGB")
    if "mask" in case:
        arguments["mask_image"] = Image.open(root / "mask.png")
    return pipe(**arguments).images[0]


def draw_cases(name, folder, kind, cases, versions):
    asked = {case: plain | more for case, more in cases.items()}
    latents = {case: draw(folder, kind, request).contiguous() for case, request in asked.items()}
    for case, value in latents.items():
        print(name, case, tuple(value.shape), f"deviation {value.std():.3f}", f"most {value.abs().max():.2f}")
    metadata = {"cases": json.dumps(asked), "versions": json.dumps(versions)}
    safetensors.torch.save_file(latents, root / f"{name}.safetensors", metadata)


def main():
    chosen = sys.argv[1:]
    if not chosen:
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        write_pictures()
    modules = (torch, diffusers, transformers, safetensors, np)
    versions = {module.__name__: module.__version__ for module in modules} | {"python": platform.python_version()}
    for name, (make, cases) in families.items():
        if chosen and name not in chosen:
            continue
        torch.manual_seed(0)
        if isinstance(make, str):  # another family's model once more, for other cases
            kind = json.loads((root / make / "model_index.json").read_text())["_class_name"]
            draw_cases(name, root / make, getattr(diffusers, kind), cases, versions)
            continue
        folder = root / name
        pipe = make(folder)
        words = {part: read_files(folder / part) for part in ("tokenizer", "tokenizer_2") if (folder / part).exists()}
        pipe.to(torch.float16).save_pretrained(folder)
        publish(folder, words)
        draw_cases(name, folder, type(pipe), cases, versions)
        print(name, sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()), "bytes")


if __name__ == "__main__":
    main()
