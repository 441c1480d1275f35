"""Golden outputs of transformers' T5 and UMT5 encoders at tiny sizes with random weights (float32, CPU).

    pip install transformers torch safetensors numpy
    python tests/golden/scripts/t5_encoder.py

Writes tests/golden/t5-encoder-{gated,relu,umt5}.safetensors: `weights.<name>` by the names of published files, `ids`,
`mask`, the states with the mask (`states`) and without (`unmasked`), and `buckets.<n>`, the buckets of n tokens. The metadata
holds the config and says which versions made the file.
"""

import json
import platform
from pathlib import Path

import safetensors.torch
import torch
import transformers
from transformers import T5Config, T5EncoderModel, UMT5Config, UMT5EncoderModel
from transformers.models.t5.modeling_t5 import T5Attention

GOLDEN = Path(__file__).resolve().parents[1]
COMMON = {"vocab_size": 50, "d_model": 16, "d_kv": 6, "num_heads": 3, "d_ff": 20, "num_layers": 3}
FORMS = {
    "gated": (T5EncoderModel, T5Config, {**COMMON, "feed_forward_proj": "gated-gelu"}),
    "relu": (T5EncoderModel, T5Config, {**COMMON, "feed_forward_proj": "relu", "relative_attention_num_buckets": 16}),
    "umt5": (UMT5EncoderModel, UMT5Config, {**COMMON, "feed_forward_proj": "gated-gelu"}),
}  # fmt: skip


@torch.no_grad()
def write(name, form, make, options):
    torch.manual_seed(5)
    config = make(**options)
    model = form(config).eval()
    for key, parameter in model.named_parameters():
        centre = 1 if "norm" in key else 0
        parameter.copy_(centre + 0.3 * torch.randn_like(parameter))
    ids = torch.randint(3, 50, (2, 40))
    mask = torch.ones(2, 40, dtype=torch.long)
    ids[1, 11:], mask[1, 11:] = 0, 0
    tensors = {f"weights.{key}": value for key, value in model.named_parameters()}
    tensors |= {
        "ids": ids.int(),
        "mask": mask.float(),
        "states": model(ids, attention_mask=mask).last_hidden_state,
        "unmasked": model(ids).last_hidden_state,
    }
    if name != "umt5":
        for tokens in (1, 300):
            relative = torch.arange(tokens)[None, :] - torch.arange(tokens)[:, None]
            rows = T5Attention._relative_position_bucket(
                relative, True, config.relative_attention_num_buckets, config.relative_attention_max_distance
            )
            # Rows of the first and the last query hold every distance.
            tensors[f"buckets.{tokens}"] = rows[[0, -1]].int()
    metadata = {
        "config": json.dumps({"architectures": [form.__name__], "model_type": config.model_type, **options}),
        "command": "python tests/golden/scripts/t5_encoder.py",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    path = GOLDEN / f"t5-encoder-{name}.safetensors"
    safetensors.torch.save_file({key: value.contiguous() for key, value in tensors.items()}, str(path), metadata)
    print(path.name, path.stat().st_size, sorted(tensors))


for name, (form, make, options) in FORMS.items():
    write(name, form, make, options)
