"""A whole CLIP by transformers, tiny and random, with what it makes of images and texts (float32, CPU).

    pip install transformers torch safetensors numpy pillow
    python tests/golden/scripts/clip_model.py

Writes, after pipelines.py, whose images it takes: tests/golden/clip/, as `save_pretrained` lays it out (float16 weights), with a
tokenizer of letters and a few syllables; and tests/golden/clip.json: texts, the embeddings of the texts and of the images, not
normalised, `scores` (logits per image and text), and the versions.
"""

import json
import platform
import shutil

import PIL
import torch
import transformers
from PIL import Image
from pipelines import end, liven, root, write_tokenizer
from transformers import CLIPConfig, CLIPModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

folder = root.parent / "clip"
shutil.rmtree(folder, ignore_errors=True)
tokenizer, words = write_tokenizer(folder, end)
names = [file.name for file in folder.iterdir()]
kept = {name: (folder / name).read_bytes() for name in names}
common = {"intermediate_size": 24, "num_hidden_layers": 2, "hidden_act": "quick_gelu"}
config = CLIPConfig(
    text_config={
        **common, "hidden_size": 12, "num_attention_heads": 3, "vocab_size": words, "max_position_embeddings": 77,
        "bos_token_id": words - 2, "eos_token_id": words - 1, "pad_token_id": words - 1,
    },
    vision_config={**common, "hidden_size": 16, "num_attention_heads": 2, "image_size": 28, "patch_size": 7},
    projection_dim=20,
)  # fmt: skip
model = liven(CLIPModel(config), 1.5).eval()
model.logit_scale.data = torch.tensor(3.0)
model.half().save_pretrained(folder)
processor = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
processor.save_pretrained(folder)
for name, content in kept.items():
    (folder / name).write_bytes(content)
# As models are published: the tensors of both encoders and of the projections, by these names.
model = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
texts = ["a cat", "the blue sea", "Red cat by the sea, the cat", ""]
images = ["picture.png", "mask.png"]
with torch.no_grad():
    tokens = tokenizer(texts, padding="max_length", max_length=77, return_tensors="pt")
    pixels = processor([Image.open(root / name).convert("RGB") for name in images], return_tensors="pt").pixel_values
    out = model(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask, pixel_values=pixels)
    text = model.get_text_features(**tokens)
    image = model.get_image_features(pixel_values=pixels)
plain = lambda value: getattr(value, "pooler_output", value).tolist()  # noqa: E731
versions = {
    "command": "python tests/golden/scripts/clip_model.py", "python": platform.python_version(), "torch": torch.__version__,
    "transformers": transformers.__version__, "pillow": PIL.__version__,
}  # fmt: skip
content = {"texts": texts, "images": images, "text": plain(text), "image": plain(image), "scores": out.logits_per_image.tolist(), **versions}
(root.parent / "clip.json").write_text(json.dumps(content, indent=1) + "\n")
print(sum(file.stat().st_size for file in folder.iterdir()), "bytes", content["scores"])
