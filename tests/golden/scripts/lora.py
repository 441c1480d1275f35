"""Golden outputs of a tiny Stable Diffusion with LoRAs, by diffusers and peft (float32, CPU).

    pip install diffusers transformers peft torch safetensors
    python tests/golden/scripts/lora.py

Takes the models tests/golden/pipelines/{sd1,xl} and writes tests/golden/lora/: LoRA files in kohya's form (attention, feed-forward and
convolutions, with alpha; XL's with the names of single-file checkpoints) and in diffusers' form, and expected.safetensors with what the
denoiser and the text encoders then give, for each alone and for both together with weights; and one that peft made, with alphas in
the file's metadata.
"""

import platform
import warnings
from pathlib import Path

import diffusers
import peft
import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from safetensors.torch import save_file

warnings.filterwarnings("ignore")
GOLDEN = Path(__file__).resolve().parents[1]
OUT = GOLDEN / "lora"
OUT.mkdir(exist_ok=True)
torch.manual_seed(5)


def pair(weight, rank, kernel=None):
    out, inner = weight.shape[:2]
    down = 0.2 * torch.randn(rank, inner, *weight.shape[2:])
    up = 0.2 * torch.randn(out, rank, *([1, 1] if weight.dim() == 4 else []))
    return down, up


def single_file_name(name, unet):
    """diffusers' name of an XL layer → the single file's, of tests/golden/scripts/single_file.py."""
    layers = unet.config.layers_per_block
    side, rest = name.split(".", 1)
    if side == "mid_block":
        kind, i, inside = rest.split(".", 2)
        return f"middle_block.{1 if kind == 'attentions' else 2 * int(i)}.{inside}"
    level, kind, i, inside = rest.split(".", 3)
    first = int(level) * (layers + 1) + int(i)
    return f"{'output_blocks.' + str(first) if side == 'up_blocks' else 'input_blocks.' + str(1 + first)}.{1 if kind == 'attentions' else 0}.{inside}"


def kohya(model, prefix, choose, rank, alpha, rename=lambda name: name):
    tensors = {}
    for name, module in model.named_modules():
        if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)) and choose(name):
            down, up = pair(module.weight, rank)
            key = prefix + rename(name).replace(".", "_")
            tensors |= {f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up, f"{key}.alpha": torch.tensor(alpha)}
    return tensors


def dotted(model, prefix, choose, rank):
    tensors = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and choose(name):
            down, up = pair(module.weight, rank)
            tensors |= {f"{prefix}.{name}.lora_A.weight": down, f"{prefix}.{name}.lora_B.weight": up}
    return tensors


@torch.no_grad()
def run(pipe, inputs):
    added = {"text_embeds": inputs["vector"], "time_ids": inputs["sizes"]} if "vector" in inputs else None
    out = {"prediction": pipe.unet(inputs["sample"], inputs["timestep"], inputs["states"], added_cond_kwargs=added).sample}
    out["text1"] = pipe.text_encoder(inputs["ids"].long()).last_hidden_state
    return out


def text_name(name):
    return name if name.startswith("text_model.") else f"text_model.{name}"


expected = {}
sd1 = StableDiffusionPipeline.from_pretrained(GOLDEN / "pipelines/sd1", safety_checker=None, torch_dtype=torch.float32)
inputs = {
    "sample": torch.randn(1, 4, 8, 8), "timestep": torch.tensor([501.0]),
    "states": torch.randn(1, 5, sd1.unet.config.cross_attention_dim),
    "ids": torch.randint(0, 20, (1, sd1.text_encoder.config.max_position_embeddings)).int(),
}  # fmt: skip
style = kohya(sd1.unet, "lora_unet_", lambda n: "attn" in n or "ff.net" in n or "proj_in" in n or ".conv1" in n, 2, 1.0)
style |= kohya(sd1.text_encoder, "lora_te_", lambda n: "self_attn" in n or "mlp" in n, 2, 4.0, text_name)
subject = dotted(sd1.unet, "unet", lambda n: n.endswith(("to_q", "to_v", "to_out.0")), 3)
save_file(style, OUT / "kohya.safetensors", {"ss_network_module": "networks.lora"})
save_file(subject, OUT / "diffusers.safetensors")
expected |= {f"sd1.{key}": value for key, value in inputs.items()}
expected |= {f"sd1.plain.{key}": value for key, value in run(sd1, inputs).items()}
sd1.load_lora_weights(str(OUT / "kohya.safetensors"), adapter_name="style")
expected |= {f"sd1.kohya.{key}": value for key, value in run(sd1, inputs).items()}
sd1.load_lora_weights(str(OUT / "diffusers.safetensors"), adapter_name="subject")
sd1.set_adapters(["subject"])
expected |= {f"sd1.diffusers.{key}": run(sd1, inputs)[key] for key in ["prediction"]}
sd1.set_adapters(["style", "subject"], [0.7, -0.4])
expected |= {f"sd1.both.{key}": value for key, value in run(sd1, inputs).items()}

# As training scripts save them: ranks and alphas of some layers differ, and are written as text beside the tensors.
state = torch.get_rng_state()
fresh = StableDiffusionPipeline.from_pretrained(GOLDEN / "pipelines/sd1", safety_checker=None, torch_dtype=torch.float32)
config = peft.LoraConfig(
    r=3, lora_alpha=6, target_modules=["to_q", "to_out.0", "ff.net.2", "conv2"], init_lora_weights=False,
    alpha_pattern={"mid_block.attentions.0.transformer_blocks.0.attn1.to_q": 1.5}, rank_pattern={"ff.net.2": 2}, use_rslora=True,
)  # fmt: skip
words = peft.LoraConfig(r=2, lora_alpha=1, target_modules=["q_proj", "out_proj"], init_lora_weights=False)
fresh.unet.add_adapter(config, "trained")
fresh.text_encoder.add_adapter(words, "trained")
for module in [*fresh.unet.modules(), *fresh.text_encoder.modules()]:
    for half in ("lora_A", "lora_B"):
        for layer in getattr(module, half, {}).values():
            layer.weight.data = 0.2 * torch.randn(layer.weight.shape)
StableDiffusionPipeline.save_lora_weights(
    OUT, weight_name="trained.safetensors",
    unet_lora_layers=peft.get_peft_model_state_dict(fresh.unet, adapter_name="trained"),
    text_encoder_lora_layers=peft.get_peft_model_state_dict(fresh.text_encoder, adapter_name="trained"),
    unet_lora_adapter_metadata={**config.to_dict(), "base_model_name_or_path": None},
    text_encoder_lora_adapter_metadata={**words.to_dict(), "base_model_name_or_path": None},
)  # fmt: skip
found = run(fresh, inputs)
again = StableDiffusionPipeline.from_pretrained(GOLDEN / "pipelines/sd1", safety_checker=None, torch_dtype=torch.float32)
again.load_lora_weights(str(OUT / "trained.safetensors"))
for key, value in run(again, inputs).items():
    assert torch.allclose(value, found[key], atol=1e-5), key
expected |= {f"sd1.trained.{key}": value for key, value in found.items()}
torch.set_rng_state(state)

xl = StableDiffusionXLPipeline.from_pretrained(GOLDEN / "pipelines/xl", torch_dtype=torch.float32)
width = xl.unet.config.projection_class_embeddings_input_dim - 6 * xl.unet.config.addition_time_embed_dim
inputs = {
    "sample": torch.randn(1, 4, 8, 8), "timestep": torch.tensor([301.0]),
    "states": torch.randn(1, 5, xl.unet.config.cross_attention_dim), "vector": torch.randn(1, width),
    "sizes": torch.tensor([[64.0, 64, 0, 0, 64, 64]]),
    "ids": torch.randint(0, 20, (1, xl.text_encoder.config.max_position_embeddings)).int(),
}  # fmt: skip
names = kohya(xl.unet, "lora_unet_", lambda n: "attn" in n or "ff.net" in n or "proj_" in n and "time" not in n, 2, 2.0, lambda n: single_file_name(n, xl.unet))
names |= kohya(xl.text_encoder, "lora_te1_", lambda n: "self_attn" in n, 2, 2.0, text_name)
save_file(names, OUT / "kohya-xl.safetensors")
expected |= {f"xl.{key}": value for key, value in inputs.items()}
# Converted by hand, for the reference's converter knows only the full size's numbers of blocks: the same pairs by diffusers' names.
table = {}
for name, _ in xl.unet.named_modules():
    if name.startswith(("down", "up", "mid")) and ".attentions." in name and name.count(".") >= 4 - name.startswith("mid"):
        key = "lora_unet_" + single_file_name(name, xl.unet).replace(".", "_")
        if f"{key}.lora_down.weight" in names:
            table[name] = key
with torch.no_grad():
    for name, key in table.items():
        down, up = names[f"{key}.lora_down.weight"], names[f"{key}.lora_up.weight"]
        scale = names[f"{key}.alpha"] / down.shape[0]
        weight = xl.unet.get_submodule(name).weight
        weight += scale * (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)
    for name, module in xl.text_encoder.named_modules():
        key = "lora_te1_" + text_name(name).replace(".", "_")
        if f"{key}.lora_down.weight" in names:
            down, up = names[f"{key}.lora_down.weight"], names[f"{key}.lora_up.weight"]
            module.weight += names[f"{key}.alpha"] / down.shape[0] * (up @ down)
expected |= {f"xl.kohya-xl.{key}": value for key, value in run(xl, inputs).items()}
assert len(table) + sum("lora_te1" in key and "down" in key for key in names) == len(names) // 3

versions = {"diffusers": diffusers.__version__, "peft": peft.__version__, "torch": torch.__version__, "python": platform.python_version()}
save_file({key: value.contiguous() for key, value in expected.items()}, OUT / "expected.safetensors", {"command": "python tests/golden/scripts/lora.py", **versions})
for path in sorted(OUT.iterdir()):
    print(path.name, path.stat().st_size)
