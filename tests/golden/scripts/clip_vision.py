"""Golden outputs of transformers' CLIP image encoders and image processor (float32, CPU; random weights, tiny sizes).

    pip install transformers torch safetensors numpy pillow
    python tests/golden/scripts/clip_vision.py

Writes tests/golden/clip-vision-{quick,exact}.safetensors: `weights.<name>` by the names of published files, `pixels`, the states
after each layer (`hidden.0` …) and `embedding`; the metadata holds the config and says which versions made the file. And
tests/golden/clip-images.safetensors: images of several sizes (`image.N`, 8-bit RGB), what Pillow makes of them at the size that
the processor asks for (`resized.N`, 8-bit) and what the processor returns (`pixels.N`); the metadata holds its config.
"""

import json
import platform
from pathlib import Path

import numpy as np
import PIL
import safetensors.numpy
import safetensors.torch
import torch
import transformers
from PIL import Image
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

GOLDEN = Path(__file__).resolve().parents[1]
VERSIONS = {
    "command": "python tests/golden/scripts/clip_vision.py",
    "python": platform.python_version(),
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "pillow": PIL.__version__,
}
COMMON = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4, "projection_dim": 10}
FORMS = {
    "quick": {**COMMON, "hidden_act": "quick_gelu", "image_size": 12, "patch_size": 4},
    "exact": {**COMMON, "hidden_act": "gelu", "image_size": 15, "patch_size": 7, "layer_norm_eps": 1e-6},
}  # fmt: skip


@torch.no_grad()
def write_network(name, options):
    torch.manual_seed(5)
    model = CLIPVisionModelWithProjection(CLIPVisionConfig(**options)).eval()
    for key, parameter in model.named_parameters():
        centre = 1 if "norm" in key and key.endswith("weight") else 0
        parameter.copy_(centre + 0.3 * torch.randn_like(parameter))
    side = options["image_size"]
    pixels = torch.randn(2, 3, side, side)
    out = model(pixels, output_hidden_states=True)
    tensors = {f"weights.{key}": value for key, value in model.named_parameters()}
    tensors |= {"pixels": pixels, "embedding": out.image_embeds}
    tensors |= {f"hidden.{i}": value for i, value in enumerate(out.hidden_states)}
    metadata = {"config": json.dumps({"architectures": ["CLIPVisionModelWithProjection"], **options}), **VERSIONS}
    path = GOLDEN / f"clip-vision-{name}.safetensors"
    safetensors.torch.save_file({key: value.contiguous() for key, value in tensors.items()}, str(path), metadata)
    print(path.name, path.stat().st_size, sorted(key for key in tensors if "layers" not in key))


def write_images():
    processor = CLIPImageProcessorPil(size={"shortest_edge": 20}, crop_size={"height": 20, "width": 20})
    random = np.random.default_rng(3)
    tensors = {}
    # Smaller and larger than asked for, upright, wide, of odd proportions, one not scaled, one whose height Pillow scales first.
    for i, (width, height) in enumerate([(20, 20), (33, 47), (71, 26), (7, 11), (90, 20), (20, 41), (101, 100), (37, 89)]):
        y, x = np.mgrid[0:height, 0:width]
        waves = np.stack([np.sin(x / 3 + y / 5), np.cos(x / 2 - y / 7), np.sin(x * y / 40)], -1)
        noise = random.integers(-60, 60, (height, width, 3))
        image = np.clip((waves + 1) * 127.5 + noise, 0, 255).astype(np.uint8)
        short = min(width, height)
        to = (20, int(20 * height / short)) if width <= height else (int(20 * width / short), 20)
        tensors[f"image.{i}"] = image
        tensors[f"resized.{i}"] = np.array(Image.fromarray(image).resize(to, Image.Resampling.BICUBIC))
        tensors[f"pixels.{i}"] = np.asarray(processor(Image.fromarray(image), return_tensors="np").pixel_values[0], np.float32)
    config = {key: value for key, value in processor.to_dict().items() if value is not None}
    metadata = {"config": json.dumps(config), **VERSIONS}
    path = GOLDEN / "clip-images.safetensors"
    safetensors.numpy.save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, str(path), metadata)
    print(path.name, path.stat().st_size, config)


for name, options in FORMS.items():
    write_network(name, options)
write_images()
