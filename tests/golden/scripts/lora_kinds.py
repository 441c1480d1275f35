"""Golden outputs of a tiny Stable Diffusion denoiser with the decompositions that LyCORIS and PEFT write (float32, CPU).

    pip install diffusers transformers peft lycoris-lora torch safetensors
    python tests/golden/scripts/lora_kinds.py

Takes tests/golden/pipelines/sd1 and the inputs in tests/golden/lora/expected.safetensors, and writes
tests/golden/lora/kinds/*.safetensors: one file for each decomposition, and expected.safetensors with what the denoiser then gives.
Every tensor is random, and none is zero: no part of a formula goes unnoticed.
"""

import json
import platform
import warnings
from pathlib import Path

import diffusers
import lycoris
import peft
import torch
from diffusers import UNet2DConditionModel
from importlib.metadata import version
from lycoris.modules.full import FullModule
from lycoris.modules.glora import GLoRAModule
from lycoris.modules.ia3 import IA3Module
from lycoris.modules.locon import LoConModule
from lycoris.modules.loha import LohaModule
from lycoris.modules.lokr import LokrModule
from lycoris.modules.norms import NormModule
from safetensors.torch import load_file, save_file

warnings.filterwarnings("ignore")
GOLDEN = Path(__file__).resolve().parents[1]
OUT = GOLDEN / "lora/kinds"
OUT.mkdir(exist_ok=True)
torch.manual_seed(11)
inputs = {key[4:]: value for key, value in load_file(GOLDEN / "lora/expected.safetensors").items() if key.startswith("sd1.")}
expected = {}


def fresh():
    return UNet2DConditionModel.from_pretrained(GOLDEN / "pipelines/sd1/unet", torch_dtype=torch.float32)


@torch.no_grad()
def predict(unet):
    return unet(inputs["sample"], inputs["timestep"], inputs["states"]).sample


def randomize(module):
    for parameter in module.parameters():
        parameter.data = 0.3 * torch.randn(parameter.shape)


CHOSEN = {
    "linear": lambda n, m: isinstance(m, torch.nn.Linear) and (n.endswith(("to_q", "to_out.0", "ff.net.2"))),
    "conv": lambda n, m: isinstance(m, torch.nn.Conv2d) and n.endswith(("conv1", "proj_in")),
    "norm": lambda n, m: isinstance(m, (torch.nn.GroupNorm, torch.nn.LayerNorm)) and ("norm1" in n or "norm3" in n),
}


@torch.no_grad()
def lycoris_file(name, make, choose, prefix="lora_unet_"):
    """make(layer's name, module) → a module of LyCORIS."""
    unet = fresh()
    tensors = {}
    for layer, module in list(unet.named_modules()):
        if not choose(layer, module):
            continue
        key = prefix + layer.replace(".", "_")
        made = make(key, module)
        own = [p for p in made.parameters() if not any(p is q for q in module.parameters())]
        dora = getattr(made, "dora_scale", None)
        for parameter in own:
            if parameter is dora:
                parameter.data = parameter.data * (0.5 + torch.rand(parameter.shape))
            else:
                parameter.data = 0.3 * torch.randn(parameter.shape)
        made.eval()
        made.apply_to()  # what is trained is this forward pass
        tensors |= {f"{key}.{part}": value.detach().clone().contiguous() for part, value in (made.custom_state_dict() or made.state_dict()).items()}
    save_file(tensors, OUT / f"{name}.safetensors")
    expected[name] = predict(unet)


linear, conv, norm = CHOSEN["linear"], CHOSEN["conv"], CHOSEN["norm"]
both = lambda n, m: linear(n, m) or conv(n, m)
lycoris_file("locon-tucker", lambda k, m: LoConModule(k, m, 1.0, 3, 2.0, use_tucker=True), both)
lycoris_file("loha", lambda k, m: LohaModule(k, m, 1.0, 3, 2.0), both)
lycoris_file("loha-tucker", lambda k, m: LohaModule(k, m, 1.0, 3, 2.0, use_tucker=True), both)
lycoris_file("lokr", lambda k, m: LokrModule(k, m, 1.0, 1, 0.5, factor=2, decompose_both=True), both)
lycoris_file("lokr-full", lambda k, m: LokrModule(k, m, 1.0, 10000, 1, factor=2, full_matrix=True), both)
lycoris_file("lokr-tucker", lambda k, m: LokrModule(k, m, 1.0, 1, 0.5, factor=2, use_tucker=True), both)
lycoris_file("glora", lambda k, m: GLoRAModule(k, m, 1.0, 2, 1.0), both)
lycoris_file("full", lambda k, m: FullModule(k, m, 1.0), both)
lycoris_file("norms", lambda k, m: NormModule(k, m, 1.0), norm)
lycoris_file("ia3", lambda k, m: IA3Module(k, m, 1.0, train_on_input="to_q" in k or "conv1" in k), both)
lycoris_file("dora", lambda k, m: LoConModule(k, m, 1.0, 3, 2.0, weight_decompose=True, wd_on_out=True), both)
lycoris_file("dora-inputs", lambda k, m: LoConModule(k, m, 1.0, 3, 2.0, weight_decompose=True, wd_on_out=False), both)
lycoris_file("loha-dora", lambda k, m: LohaModule(k, m, 1.0, 3, 2.0, weight_decompose=True, wd_on_out=True), both)
lycoris_file("lokr-dora", lambda k, m: LokrModule(k, m, 1.0, 1, 0.5, factor=2, weight_decompose=True, wd_on_out=True), both, "lycoris_")


@torch.no_grad()
def peft_file(name, config):
    unet = fresh()
    unet = peft.inject_adapter_in_model(config, unet, "trained")
    for key, parameter in unet.named_parameters():
        if "trained" in key and "magnitude" not in key:
            parameter.data = 0.3 * torch.randn(parameter.shape)
        elif "trained" in key:
            parameter.data = parameter.data * (0.5 + torch.rand(parameter.shape))
    state = peft.get_peft_model_state_dict(unet, adapter_name="trained")
    said = {f"unet.{key}": sorted(value) if isinstance(value, set) else getattr(value, "value", value) for key, value in config.to_dict().items()}
    save_file({f"unet.{key}": value.contiguous() for key, value in state.items()}, OUT / f"{name}.safetensors",
              {"lora_adapter_metadata": json.dumps(said, default=str)})  # fmt: skip
    expected[name] = predict(unet)


peft_file("peft-bias", peft.LoraConfig(r=3, lora_alpha=6, target_modules=["to_q", "to_out.0", "conv1"], lora_bias=True, init_lora_weights=False))
peft_file("peft-dora", peft.LoraConfig(r=3, lora_alpha=6, target_modules=["to_q", "to_out.0", "conv1"], use_dora=True, init_lora_weights=False))
peft_file("peft-loha", peft.LoHaConfig(r=3, alpha=6, target_modules=["to_q", "conv1"], alpha_pattern={"mid_block.*": 3}, init_weights=False))
peft_file("peft-lokr", peft.LoKrConfig(r=2, alpha=6, target_modules=["to_q", "ff.net.2", "conv1"], init_weights=False))
peft_file("peft-ia3", peft.IA3Config(target_modules=["to_q", "ff.net.2"], feedforward_modules=["ff.net.2"], init_ia3_weights=False))

source = (f"diffusers {diffusers.__version__}, peft {peft.__version__}, lycoris {version('lycoris-lora')}, torch {torch.__version__}, "
          f"python {platform.python_version()}, tests/golden/scripts/lora_kinds.py")  # fmt: skip
save_file({key: value.contiguous() for key, value in expected.items()}, OUT / "expected.safetensors", {"source": source})
