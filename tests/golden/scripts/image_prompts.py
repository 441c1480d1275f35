"""Golden pipelines with image prompts, drawn by diffusers (float32, CPU; tiny networks, random weights).

    pip install torch diffusers transformers safetensors numpy pillow
    OMP_NUM_THREADS=1 python tests/golden/scripts/image_prompts.py [unclip unclip-blends unclip-prior ip-adapter ...]

Writes, under tests/golden/pipelines/ and after pipelines.py, whose image it takes: unclip/, a Stable unCLIP model as
`save_pretrained` lays it out (float16 weights), and unclip.safetensors with the final latents of every case, [channels,
height, width]; unclip-blends.safetensors, of embeddings blended with those of the CLIP that clip_model.py made; the metadata says what each case asked for, and which versions made it; unclip-prior.safetensors, of texts through the prior of karlo/ (after karlo.py). And ip-adapter/, IP-Adapters under the
names of published files (their image encoder is unclip/image_encoder) and a denoiser like XL's with three levels, which takes
the place of xl/unet; with ip-adapter.safetensors, the latents of their cases.
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
from pipelines import ddim, liven, one_encoder, publish, read_files, root, unet
from transformers import CLIPModel, CLIPTextModelWithProjection, CLIPTokenizer, CLIPVisionConfig, CLIPVisionModelWithProjection
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


# Blends, by the formulas of the papers in numpy: Ramesh et al. 2022 (arXiv:2204.06125), sections 3.2 and 3.3.
blend_cases = {
    "two": {"images": ["picture.png", "mask.png"], "weights": [1, 3]},
    "sum": {"images": ["picture.png", "mask.png"], "weights": [0.8, -0.4], "blend": "sum"},
    "texts": {"images": ["picture.png"], "texts": ["a cat", "the blue sea"], "weights": [2], "textWeights": [1, 1]},
    "difference": {"images": ["mask.png"], "difference": {"from": "a red cat", "to": "the blue sea", "weight": 0.4}},
    "all": {
        "images": ["picture.png", "mask.png"], "texts": ["a cat"], "blend": "sum", "noiseLevel": 50,
        "difference": {"from": "a cat", "to": "the red sea"},
    },
}  # fmt: skip


def rotate(a, b, share):
    length = (1 - share) * np.linalg.norm(a) + share * np.linalg.norm(b)
    one, two = a / np.linalg.norm(a), b / np.linalg.norm(b)
    angle = np.arccos(np.dot(one, two))
    return length * (np.sin((1 - share) * angle) * one + np.sin(share * angle) * two) / np.sin(angle)


def draw_blend(pipe, case):
    clip = CLIPModel.from_pretrained(root.parent / "clip", dtype=torch.float32).eval()
    words = CLIPTokenizer.from_pretrained(root.parent / "clip")
    texts = [*case.get("texts", []), *(case["difference"][key] for key in ("from", "to") if "difference" in case)]
    with torch.no_grad():
        seen = processor()([Image.open(root / file).convert("RGB") for file in case["images"]], return_tensors="pt").pixel_values
        images = pipe.image_encoder(seen).image_embeds.double().numpy()
        if texts:
            tokens = words(texts, padding="max_length", max_length=77, return_tensors="pt")
            read = clip.get_text_features(**tokens)
            read = getattr(read, "pooler_output", read).double().numpy()
    mean = np.mean([np.linalg.norm(image) for image in images])
    blended = [*images, *(mean * text / np.linalg.norm(text) for text in (read[: len(case["texts"])] if case.get("texts") else []))]
    share = [1 / len(blended)] * len(blended)
    weights = [*case.get("weights", share[: len(images)]), *case.get("textWeights", share[len(images) :])]
    if case.get("blend") == "sum":
        z = sum(weight * value for weight, value in zip(weights, blended))
    else:
        z, total = blended[0], weights[0]
        for value, weight in zip(blended[1:], weights[1:]):
            total += weight
            z = rotate(z, value, weight / total)
    if "difference" in case:
        start, to = (text / np.linalg.norm(text) for text in read[-2:])
        direction = to - start
        length = np.linalg.norm(z)
        z = rotate(z, length * direction / np.linalg.norm(direction), case["difference"].get("weight", 0.3))
        z *= length / np.linalg.norm(z)
    return pipe(
        prompt=case["prompt"], negative_prompt=case["negative"], num_inference_steps=case["steps"], guidance_scale=case["guidance"],
        noise_level=case.get("noiseLevel", 0), width=64, height=64, image_embeds=torch.tensor(z[None], dtype=torch.float32),
        output_type="latent", generator=torch.Generator().manual_seed(case["seed"]),
    ).images[0]  # fmt: skip


def unclip_blends():
    asked = {key: value for key, value in drawn.items() if key != "image"}
    cases = {name: {**asked, "steps": 6, **more} for name, more in blend_cases.items()}
    write("unclip-blends", cases, lambda case: draw_blend(load_unclip(root / "unclip"), case))


# From words, by Karlo's prior, with its schedule sampled as DDPM: diffusers' documentation of StableUnCLIPPipeline.
prior_cases = {
    "plain": {},
    "negative": {"negative": "a red car", "seed": 3, "size": "96x64"},
    "settings": {"prior": {"steps": 9, "guidance": 2}, "seed": 11, "guidance": 3},
    "unguided": {"prior": {"steps": 4, "guidance": 1}, "guidance": 1, "seed": 0},
}  # fmt: skip


def draw_prior(case):
    pipe, karlo = load_unclip(root / "unclip"), root / "karlo"
    names = ("image_normalizer", "image_noising_scheduler", "tokenizer", "text_encoder", "unet", "scheduler", "vae")
    float32 = {"torch_dtype": torch.float32}
    pipe = diffusers.StableUnCLIPPipeline(
        prior_tokenizer=CLIPTokenizer.from_pretrained(karlo / "tokenizer"),
        prior_text_encoder=CLIPTextModelWithProjection.from_pretrained(karlo / "text_encoder", dtype=torch.float32),
        prior=diffusers.PriorTransformer.from_pretrained(karlo / "prior", **float32),
        prior_scheduler=DDPMScheduler.from_config(diffusers.UnCLIPScheduler.from_pretrained(karlo / "prior_scheduler").config),
        **{name: getattr(pipe, name) for name in names},
    )  # fmt: skip
    pipe.set_progress_bar_config(disable=True)
    wide, high = (int(part) for part in case.get("size", "64x64").split("x"))
    return pipe(
        prompt=case["prompt"], negative_prompt=case["negative"] or None, num_inference_steps=case["steps"],
        guidance_scale=case["guidance"], width=wide, height=high, prior_num_inference_steps=case["prior"]["steps"],
        prior_guidance_scale=case["prior"]["guidance"], output_type="latent", generator=torch.Generator().manual_seed(case["seed"]),
    ).images[0]  # fmt: skip


def unclip_prior():
    asked = {"prompt": "the blue cat", "negative": "", "seed": 7, "steps": 6, "guidance": 10, "prior": {"steps": 25, "guidance": 4}}
    write("unclip-prior", {name: asked | more for name, more in prior_cases.items()}, draw_prior)


def write(name, cases, draw):
    latents = {case: draw(request).contiguous() for case, request in cases.items()}
    for case, value in latents.items():
        print(name, case, tuple(value.shape), f"deviation {value.std():.3f}", f"most {value.abs().max():.2f}")
    modules = (torch, diffusers, transformers, safetensors, np)
    versions = {module.__name__: module.__version__ for module in modules} | {"python": platform.python_version()}
    metadata = {"cases": json.dumps(cases), "versions": json.dumps(versions)}
    safetensors.torch.save_file(latents, root / f"{name}.safetensors", metadata)


# --- IP-Adapter ------------------------------------------------------------------------------------------------------


def xl_unet():
    return liven(
        unet(
            block_out_channels=(8, 8, 16), layers_per_block=2,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), use_linear_projection=True,
            attention_head_dim=[2, 2, 4], transformer_layers_per_block=[1, 1, 2], cross_attention_dim=28,
            addition_embed_type="text_time", addition_time_embed_dim=4, projection_class_embeddings_input_dim=6 * 4 + 12,
        ),
        1.2,
    )  # fmt: skip


def cross_attentions(network):
    return [name for name in network.attn_processors if name.endswith("attn2.processor")]


def adapter(network, kind, cross):
    """Random numbers under the names of a published file."""
    generator = torch.Generator().manual_seed(6)
    tensors = {}

    def put(name, *shape, centre=0.0, deviation=None):
        spread = deviation or 1.2 / (shape[-1] ** 0.5)
        tensors[name] = (centre + spread * torch.randn(shape, generator=generator)).half()

    def put_norm(name, size):
        put(f"{name}.weight", size, centre=1.0, deviation=0.1)
        put(f"{name}.bias", size, deviation=0.1)

    if kind == "linear":
        put("image_proj.proj.weight", 4 * cross, width)
        put("image_proj.proj.bias", 4 * cross, deviation=0.1)
        put_norm("image_proj.norm", cross)
    elif kind == "layers":
        put("image_proj.proj.0.weight", 16, 16)
        put("image_proj.proj.0.bias", 16, deviation=0.1)
        put("image_proj.proj.2.weight", cross, 16)
        put("image_proj.proj.2.bias", cross, deviation=0.1)
        put_norm("image_proj.proj.3", cross)
    else:
        inner, hidden = 64, 6
        put("image_proj.latents", 1, 3, hidden, deviation=1)
        for name, out, into in [("proj_in", hidden, 16), ("proj_out", cross, hidden)]:
            put(f"image_proj.{name}.weight", out, into)
            put(f"image_proj.{name}.bias", out, deviation=0.1)
        put_norm("image_proj.norm_out", cross)
        for layer in range(4):
            base = f"image_proj.layers.{layer}"
            put_norm(f"{base}.0.norm1", hidden)
            put_norm(f"{base}.0.norm2", hidden)
            put(f"{base}.0.to_q.weight", inner, hidden)
            put(f"{base}.0.to_kv.weight", 2 * inner, hidden)
            put(f"{base}.0.to_out.weight", hidden, inner)
            put_norm(f"{base}.1.0", hidden)
            put(f"{base}.1.1.weight", 4 * hidden, hidden)
            put(f"{base}.1.3.weight", hidden, 4 * hidden)
    # The order of diffusers' processors numbers the layers: on the way down, up, in the middle.
    for number, name in enumerate(cross_attentions(network)):
        size = network.get_submodule(name.removesuffix(".processor")).to_k.weight.shape[0]
        put(f"ip_adapter.{2 * number + 1}.to_k_ip.weight", size, cross)
        put(f"ip_adapter.{2 * number + 1}.to_v_ip.weight", size, cross)
    return tensors


adapters = {"sd1": ("sd1", "linear"), "sd1-plus": ("sd1", "resampler"), "sd1-full": ("sd1", "layers"), "xl": ("xl3", "linear")}
# Blocks of InstantStyle (arXiv:2404.02733): XL's by the paper, the others' style by its code.
blocks = {"xl3": {"style": "up_blocks.0.attentions.1.", "layout": "down_blocks.2.attentions.1."}}
picture, mask = {"file": "picture.png"}, {"file": "mask.png"}
shown = {"prompt": "the blue cat", "negative": "a red car", "seed": 7, "steps": 8, "guidance": 5, "images": [picture]}
adapter_cases = {
    "sd1": {
        "plain": {},
        "weak": {"images": [{**picture, "weight": 0.4}], "seed": 2, "size": "96x64"},
        "two": {"images": [{**picture, "weight": 0.7}, {**mask, "weight": -0.5}], "steps": 5},
        "unguided": {"guidance": 1, "sampler": "euler"},
        "begun": {"image": True, "strength": 0.6},
    },
    "sd1-plus": {"plain": {}, "two": {"images": [{**picture, "weight": 1.2}, {**mask, "weight": 0.5}], "guidance": 3}},
    "sd1-full": {"plain": {"images": [{**mask, "weight": 0.8}]}},
    "xl": {
        "plain": {},
        "style": {"images": [{**picture, "aspect": "style", "weight": 1}]},
        "layout": {"images": [{**picture, "aspect": "layout", "weight": 1}]},
        "all": {
            "images": [
                {**picture, "weight": 0.3}, {**mask, "aspect": "style", "weight": 1.5}, {**picture, "aspect": "layout", "weight": 0.9},
            ],
            "negative": "",
        },
    },
}  # fmt: skip


def load_model(name):
    encoder = CLIPVisionModelWithProjection.from_pretrained(root / "unclip/image_encoder", dtype=torch.float32)
    more = {"image_encoder": encoder, "feature_extractor": processor()}
    if name == "xl3":
        more["unet"] = diffusers.UNet2DConditionModel.from_pretrained(root / "ip-adapter/xl3", torch_dtype=torch.float32)
        return diffusers.StableDiffusionXLPipeline.from_pretrained(root / "xl", torch_dtype=torch.float32, **more)
    return diffusers.StableDiffusionPipeline.from_pretrained(root / name, torch_dtype=torch.float32, **more)


def draw_adapted(name, case):
    model, _ = adapters[name]
    pipe = load_model(model)
    if case.get("image"):
        pipe = diffusers.StableDiffusionImg2ImgPipeline(**pipe.components, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    if case.get("sampler"):
        pipe.scheduler = diffusers.EulerDiscreteScheduler.from_config(pipe.scheduler.config)
    tensors = safetensors.torch.load_file(root / f"ip-adapter/{name}.safetensors")
    parts = {
        part: {key.removeprefix(f"{part}."): value.float() for key, value in tensors.items() if key.startswith(f"{part}.")}
        for part in ("image_proj", "ip_adapter")
    }
    images = case["images"]
    pipe.unet._load_ip_adapter_weights([parts] * len(images))
    for layer in cross_attentions(pipe.unet):
        prefix = [blocks[model][image["aspect"]] if "aspect" in image else "" for image in images]
        seen = [layer.startswith(start) * image.get("weight", 1.0) for start, image in zip(prefix, images)]
        pipe.unet.attn_processors[layer].scale = seen
    wide, high = (int(part) for part in case.get("size", "64x64").split("x"))
    size = {} if case.get("image") else {"width": wide, "height": high}
    begin = {"image": Image.open(root / "picture.png").convert("RGB"), "strength": case["strength"]} if case.get("image") else {}
    return pipe(
        prompt=case["prompt"], negative_prompt=case["negative"] or None, num_inference_steps=case["steps"],
        guidance_scale=case["guidance"], ip_adapter_image=[Image.open(root / one["file"]).convert("RGB") for one in images],
        output_type="latent", generator=torch.Generator().manual_seed(case["seed"]), **size, **begin,
    ).images[0]  # fmt: skip


def ip_adapter():
    folder = root / "ip-adapter"
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(0)
    xl_unet().half().save_pretrained(folder / "xl3")
    for name, (model, kind) in adapters.items():
        network = load_model(model).unet
        tensors = adapter(network, kind, network.config.cross_attention_dim)
        safetensors.torch.save_file(tensors, folder / f"{name}.safetensors")
    cases = {
        f"{name}-{case}": {"adapter": name, "model": adapters[name][0], **shown, **more}
        for name, all in adapter_cases.items()
        for case, more in all.items()
    }
    write("ip-adapter", cases, lambda case: draw_adapted(case["adapter"], case))
    print("ip-adapter", sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()), "bytes")


makers = {"unclip": unclip, "unclip-blends": unclip_blends, "unclip-prior": unclip_prior, "ip-adapter": ip_adapter}
if __name__ == "__main__":
    for name in sys.argv[1:] or makers:
        makers[name]()
