"""Names of single-file checkpoints beside those of diffusers, at the full sizes of the published models.

    pip install diffusers transformers torch
    python tests/golden/scripts/single_file.py

Writes tests/golden/single-file-names.json.gz: for every family the configs and the list [single-file name, its shape, part, diffusers'
name, its shape]. The single-file names are written down here, and checked with diffusers' own converters, which must turn
them into exactly the tensors of the networks; at tiny sizes with the values too.
"""

import gzip
import json
import platform
import warnings
from pathlib import Path

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders import single_file_utils as reference
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

warnings.filterwarnings("ignore")
ROOT = Path(__file__).resolve().parents[3]
CROSS, CROSS_UP = "CrossAttnDownBlock2D", "CrossAttnUpBlock2D"
VAE = {
    "block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "latent_channels": 4,
    "down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4,
}  # fmt: skip
CLIP_L = {
    "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
    "vocab_size": 49408, "max_position_embeddings": 77, "hidden_act": "quick_gelu",
}  # fmt: skip
CLIP_H = {**CLIP_L, "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 23, "num_attention_heads": 16, "hidden_act": "gelu"}
CLIP_G = {**CLIP_L, "hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20, "hidden_act": "gelu", "projection_dim": 1280}
SD1 = {"block_out_channels": [320, 640, 1280, 1280], "cross_attention_dim": 768, "attention_head_dim": 8, "sample_size": 64}
SD2 = {**SD1, "cross_attention_dim": 1024, "attention_head_dim": [5, 10, 20, 20], "use_linear_projection": True, "sample_size": 96}
XL = {
    "block_out_channels": [320, 640, 1280], "cross_attention_dim": 2048, "attention_head_dim": [5, 10, 20], "sample_size": 128,
    "down_block_types": ["DownBlock2D", CROSS, CROSS], "up_block_types": [CROSS_UP, CROSS_UP, "UpBlock2D"],
    "transformer_layers_per_block": [1, 2, 10], "use_linear_projection": True,
    "addition_embed_type": "text_time", "addition_time_embed_dim": 256, "projection_class_embeddings_input_dim": 2816,
}  # fmt: skip
FAMILIES = {
    "sd1": (SD1, 0.18215, ["hf1"], [CLIP_L]),
    "inpaint": ({**SD1, "in_channels": 9}, 0.18215, ["hf1"], [CLIP_L]),
    "sd2": (SD2, 0.18215, ["open2"], [CLIP_H]),
    "sdxl": (XL, 0.13025, ["hfxl", "openxl"], [CLIP_L, CLIP_G]),
}
PREFIX = {
    "hf1": "cond_stage_model.transformer.", "open2": "cond_stage_model.model.",
    "hfxl": "conditioner.embedders.0.transformer.", "openxl": "conditioner.embedders.1.model.",
}  # fmt: skip
RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0", "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
UNET = {
    "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2", "time_embedding.cond_proj": "time_embed.cond_proj",
    "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
}  # fmt: skip


def unet_name(name, config):
    """diffusers' name → the single file's."""
    stem, field = name.rsplit(".", 1)
    root = "model.diffusion_model."
    if stem in UNET:
        return f"{root}{UNET[stem]}.{field}"
    layers = config.get("layers_per_block", 2)
    side, rest = stem.split(".", 1)
    if side == "mid_block":
        kind, i, inside = rest.split(".", 2)
        at = f"middle_block.{1 if kind == 'attentions' else 2 * int(i)}"
    else:
        level, kind, i, inside = rest.split(".", 3)
        level, i = int(level), int(i)
        if kind == "downsamplers":
            return f"{root}input_blocks.{(level + 1) * (layers + 1)}.0.op.{field}"
        up = side == "up_blocks"
        block = level * (layers + 1) + i if up else 1 + level * (layers + 1) + i
        types = config.get("up_block_types", ["UpBlock2D", CROSS_UP, CROSS_UP, CROSS_UP])
        if kind == "upsamplers":
            block = level * (layers + 1) + layers
            return f"{root}output_blocks.{block}.{2 if types[level] == CROSS_UP else 1}.conv.{field}"
        at = f"{'output' if up else 'input'}_blocks.{block}.{1 if kind == 'attentions' else 0}"
    return f"{root}{at}.{inside if kind == 'attentions' else RESNET[inside]}.{field}"


def vae_name(name, levels):
    root = "first_stage_model."
    for old, new in (
        ("mid_block.resnets.0", "mid.block_1"), ("mid_block.resnets.1", "mid.block_2"), ("mid_block.attentions.0.group_norm", "mid.attn_1.norm"),
        ("mid_block.attentions.0.to_q", "mid.attn_1.q"), ("mid_block.attentions.0.to_k", "mid.attn_1.k"), ("mid_block.attentions.0.to_v", "mid.attn_1.v"),
        ("mid_block.attentions.0.to_out.0", "mid.attn_1.proj_out"), ("conv_norm_out", "norm_out"), ("conv_shortcut", "nin_shortcut"),
    ):  # fmt: skip
        name = name.replace(old, new)
    parts = name.split(".")
    if len(parts) > 3 and parts[1] in ("down_blocks", "up_blocks"):
        half, side, level, kind, i, *rest = parts
        up = side == "up_blocks"
        level = levels - 1 - int(level) if up else int(level)
        inside = f"block.{i}" if kind == "resnets" else ("upsample" if up else "downsample")
        name = ".".join([half, "up" if up else "down", str(level), inside, *rest])
    return root + name


def open_clip(tensors, prefix, extra_layer):
    """transformers' tensors → OpenCLIP's, with [name, tensor, [diffusers' names]]."""
    single = {
        "embeddings.token_embedding.weight": "token_embedding.weight", "embeddings.position_embedding.weight": "positional_embedding",
        "final_layer_norm.weight": "ln_final.weight", "final_layer_norm.bias": "ln_final.bias",
    }  # fmt: skip
    inside = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "self_attn.out_proj": "attn.out_proj", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
    rows = []
    for name, value in tensors.items():
        short = name.removeprefix("text_model.")
        if name == "text_projection.weight":
            rows.append([prefix + "text_projection", value.T, [name]])
        elif short in single:
            rows.append([prefix + single[short], value, [name]])
        else:
            _, _, layer, rest = short.split(".", 3)
            stem, field = rest.rsplit(".", 1)
            at = f"{prefix}transformer.resblocks.{layer}."
            if stem in inside:
                rows.append([f"{at}{inside[stem]}.{field}", value, [name]])
            elif stem == "self_attn.q_proj":
                names = [name.replace("q_proj", f"{kind}_proj") for kind in "qkv"]
                rows.append([f"{at}attn.in_proj_{field}", torch.cat([tensors[key] for key in names]), names])
    if extra_layer is not None:
        last = f"transformer.resblocks.{extra_layer - 1}."
        more = [row for row in rows if last in row[0]]
        rows += [[key.replace(last, f"transformer.resblocks.{extra_layer}."), value, []] for key, value, _ in more]
    return rows


def published(state):
    return {key if key.startswith("text_") else f"text_model.{key}": value for key, value in state.items() if not key.endswith("position_ids")}


def parts_of(unet_config, vae_scale, kinds, texts, shrink):
    """[part, [single name, tensor, [names]]] of a family's networks, checked against the converters."""
    unet = UNet2DConditionModel(**unet_config)
    vae = AutoencoderKL(**{**VAE, **shrink.get("vae", {}), "scaling_factor": vae_scale})
    rows = {"unet": [[unet_name(key, unet_config), value, [key]] for key, value in unet.state_dict().items()]}
    rows["vae"] = []
    for key, value in vae.state_dict().items():
        is_map = ".attentions." in key and ".to_" in key and key.endswith("weight")
        rows["vae"].append([vae_name(key, len(vae.config.block_out_channels)), value[:, :, None, None] if is_map else value, [key]])
    check("unet", reference.convert_ldm_unet_checkpoint({k: v for k, v, _ in rows["unet"]}, unet.config), unet.state_dict())
    found = reference.convert_ldm_vae_checkpoint({k: v for k, v, _ in rows["vae"]}, vae.config)
    check("vae", {key: value.reshape(vae.state_dict()[key].shape) for key, value in found.items()}, vae.state_dict())
    for i, (kind, config) in enumerate(zip(kinds, texts)):
        form = CLIPTextModelWithProjection if "projection_dim" in config else CLIPTextModel
        model = form(CLIPTextConfig(**config))
        state, prefix = published(model.state_dict()), PREFIX[kind]
        if kind.startswith("hf"):
            rows[f"text{i}"] = [[prefix + key, value, [key]] for key, value in state.items()]
            check(kind, reference.convert_ldm_clip_checkpoint({k: v for k, v, _ in rows[f"text{i}"]}), state)
        else:
            extra = config["num_hidden_layers"] if kind == "open2" else None
            rows[f"text{i}"] = open_clip(state, prefix, extra)
            # The converter knows the last layer of 2.x by its full-size name.
            if extra in (None, 23):
                converted = reference.convert_open_clip_checkpoint(model, {k: v for k, v, _ in rows[f"text{i}"]}, prefix=prefix)
                check(kind, converted, state)
    return rows


def check(what, found, expected):
    assert set(found) == set(expected), (what, sorted(set(found) ^ set(expected))[:6])
    for key, value in expected.items():
        assert found[key].shape == value.shape, (what, key)
        if value.device.type != "meta":
            assert torch.equal(found[key], value), (what, key)


def tiny(config):
    """The same network with few channels."""
    widths = [8 * (i + 1) for i, _ in enumerate(config["block_out_channels"])]
    small = {**config, "block_out_channels": widths, "norm_num_groups": 4, "attention_head_dim": 2, "cross_attention_dim": 8}
    if "projection_class_embeddings_input_dim" in small:
        small["projection_class_embeddings_input_dim"] = 40
    return small


lists = {}
for family, (unet_config, scale, kinds, texts) in FAMILIES.items():
    small = [{**text, "hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 2, "vocab_size": 30} for text in texts]
    small = [{**text, "projection_dim": 16} if "projection_dim" in text else text for text in small]
    parts_of(tiny(unet_config), scale, kinds, small, {"vae": {"block_out_channels": [8, 8, 8, 8], "norm_num_groups": 4}})
    with torch.device("meta"):
        rows = parts_of(unet_config, scale, kinds, texts, {})
    tensors = []
    for part, entries in rows.items():
        for key, value, names in entries:
            tensors.append([key, list(value.shape), part, names])
    lists[family] = {"unet": unet_config, "vaeScale": scale, "texts": texts, "tensors": tensors}
    print(family, len(tensors))

versions = {"diffusers": diffusers.__version__, "transformers": transformers.__version__, "torch": torch.__version__, "python": platform.python_version()}
content = {"command": "python tests/golden/scripts/single_file.py", "versions": versions, "families": lists}
path = ROOT / "tests/golden/single-file-names.json.gz"
path.write_bytes(gzip.compress(json.dumps(content, separators=(",", ":")).encode(), 9, mtime=0))
print(path.name, path.stat().st_size, "bytes")
