"""Golden outputs of transformers' CLIP text encoders at tiny sizes with random weights (float32, CPU).

    pip install transformers torch safetensors numpy
    python tests/golden/scripts/clip_text.py

Writes tests/golden/clip-text-{plain,projected}.safetensors: `weights.<name>` by the names of published files, `ids`, `end`,
the states after each layer (`hidden.0` …), the last ones after the final normalisation (`states`) and `pooled`. The
metadata holds the config and says which versions made the file.
"""

import json
import platform
from pathlib import Path

import safetensors.torch
import torch
import transformers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

GOLDEN = Path(__file__).resolve().parents[1]
END = 40

COMMON = {"vocab_size": 41, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4}
FORMS = {
    "plain": (CLIPTextModel, {**COMMON, "hidden_act": "quick_gelu", "max_position_embeddings": 9}),
    "projected": (CLIPTextModelWithProjection, {**COMMON, "hidden_act": "gelu", "projection_dim": 10, "max_position_embeddings": 9}),
}  # fmt: skip


@torch.no_grad()
def write(name, form, options):
    torch.manual_seed(3)
    model = form(CLIPTextConfig(**options, eos_token_id=END, bos_token_id=39)).eval()
    for key, parameter in model.named_parameters():
        centre = 1 if "norm" in key and key.endswith("weight") else 0
        parameter.copy_(centre + 0.3 * torch.randn_like(parameter))
    ids = torch.randint(0, 38, (2, 9))
    ids[:, 0] = 39
    ids[0, 5:] = END
    ids[1, 8:] = END
    out = model(ids, output_hidden_states=True)
    pooled = out.text_embeds if hasattr(out, "text_embeds") else out.pooler_output
    published = lambda key: key if key.startswith("text_") else f"text_model.{key}"  # noqa: E731
    tensors = {f"weights.{published(key)}": value for key, value in model.named_parameters()}
    tensors |= {"ids": ids.int(), "end": torch.tensor([5, 8]).int(), "states": out.last_hidden_state, "pooled": pooled}
    tensors |= {f"hidden.{i}": value for i, value in enumerate(out.hidden_states)}
    metadata = {
        "config": json.dumps({"architectures": [form.__name__], **options}),
        "command": "python tests/golden/scripts/clip_text.py",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    path = GOLDEN / f"clip-text-{name}.safetensors"
    safetensors.torch.save_file({key: value.contiguous() for key, value in tensors.items()}, str(path), metadata)
    print(path.name, path.stat().st_size, sorted(key for key in tensors if "layers" not in key))


for name, (form, options) in FORMS.items():
    write(name, form, options)
