"""Golden outputs of the networks that unCLIP models have beside a U-Net, at tiny sizes with random weights (float32, CPU).

    pip install diffusers torch safetensors numpy
    python tests/golden/scripts/unclip_networks.py

Writes tests/golden/unclip-NAME.safetensors for diffusers' PriorTransformer and UnCLIPTextProjModel: `weights.<name>`, inputs
and outputs. The metadata holds the config and the versions.
"""

import json
import platform
from pathlib import Path

import diffusers
import safetensors.torch
import torch
from diffusers.pipelines.deprecated.unclip.text_proj import UnCLIPTextProjModel

GOLDEN = Path(__file__).resolve().parents[1]


def randomize(model):
    """Every parameter random, so that none can be left out or mistaken for another."""
    for name, parameter in model.named_parameters():
        with torch.no_grad():
            if "norm" in name and name.endswith("weight") and parameter.ndim == 1:
                value = 1 + 0.3 * torch.randn_like(parameter)
            elif name.endswith("bias") or parameter.ndim == 1:
                value = 0.2 * torch.randn_like(parameter)
            else:
                value = torch.randn_like(parameter) / parameter[0].numel() ** 0.5
            parameter.copy_(value)


def write(name, model, config, tensors):
    weights = {f"weights.{key}": value.contiguous() for key, value in model.state_dict().items()}
    metadata = {
        "config": json.dumps({"_class_name": type(model).__name__, **config}),
        "command": "python tests/golden/scripts/unclip_networks.py",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
    }
    path = GOLDEN / f"unclip-{name}.safetensors"
    tensors = {key: value.contiguous() for key, value in tensors.items()}
    safetensors.torch.save_file(weights | tensors, str(path), metadata)
    print(path.name, path.stat().st_size, "bytes")


@torch.no_grad()
def prior():
    config = dict(num_attention_heads=2, attention_head_dim=6, embedding_dim=8, num_layers=2, num_embeddings=7)
    model = diffusers.PriorTransformer(**config).eval()
    randomize(model)
    tensors = {
        "sample": torch.randn(2, 8),
        "timestep": torch.tensor([957.0, 0.0]),
        "text": torch.randn(2, 8),
        "states": torch.randn(2, 7, 8),
        "mask": torch.tensor([[1.0] * 4 + [0] * 3, [1.0] * 7]),
    }
    output = model(
        tensors["sample"], tensors["timestep"], tensors["text"], tensors["states"], tensors["mask"].bool()
    ).predicted_image_embedding
    write("prior", model, config, {**tensors, "prediction": output, "processed": model.post_process_latents(output)})


@torch.no_grad()
def text_projection():
    config = dict(clip_embeddings_dim=8, time_embed_dim=12, cross_attention_dim=6, clip_extra_context_tokens=3)
    model = UnCLIPTextProjModel(**config).eval()
    randomize(model)
    image, text, states = torch.randn(1, 8), torch.randn(2, 8), torch.randn(2, 5, 8)
    tokens, time = model(
        image_embeddings=image, prompt_embeds=text, text_encoder_hidden_states=states, do_classifier_free_guidance=True
    )
    tensors = {"image": image, "text": text, "states": states, "tokens": tokens, "time": time}
    write("text-projection", model, config, tensors)


torch.manual_seed(13)
prior()
text_projection()
