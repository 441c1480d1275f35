"""Whole trajectories of k-diffusion's DPM++ 2S a, DPM++ SDE and DPM++ 3M SDE on a fixed synthetic model, with noise that is given.

    pip install torch==2.15.0 numpy scipy tqdm
    pip install --no-deps k-diffusion==0.1.1.post1 torchdiffeq torchsde trampoline
    python tests/golden/scripts/k_diffusion_paths.py > tests/golden/k-diffusion-paths.json

The network is a formula that is curved in latents and in log sigma. Noise is drawn in the order in which each sampler asks for it;
of DPM++ SDE, which asks twice a step, the middle's first. Only `k_diffusion/sampling.py` is loaded, whose package asks for more.
"""

import importlib.util
import json
import platform
import sys
import types
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

root = Path(next(iter(importlib.util.find_spec("k_diffusion").submodule_search_locations)))
package = types.ModuleType("k_diffusion")
package.__path__ = [str(root)]
package.utils = types.ModuleType("k_diffusion.utils")  # of which one function is asked for
package.utils.append_dims = lambda x, dims: x.reshape(x.shape + (1,) * (dims - x.ndim))
sys.modules |= {"k_diffusion": package, "k_diffusion.utils": package.utils}
from k_diffusion import sampling  # noqa: E402

torch.manual_seed(0)
COUNT = 4
START = torch.randn(1, COUNT, dtype=torch.float64)
NOISE = torch.randn(40, 1, COUNT, dtype=torch.float64)


def network(x, sigma):
    clean = x / (1 + sigma**2).sqrt()
    return 0.8 * clean + 0.3 * torch.sin(2 * clean + sigma.log()) - 0.2 * torch.cos(sigma.log() / 2)


def follow(name, sigmas, eta):
    draws = iter(NOISE)
    path = []

    def watch(state):
        if state["i"] > 0:
            path.append(state["x"][0].tolist())

    sample = getattr(sampling, f"sample_{name}")
    last = sample(network, START * sigmas[0], sigmas, callback=watch, disable=True, eta=eta, noise_sampler=lambda *_: next(draws))
    return {"sampler": name, "eta": eta, "sigmas": sigmas.tolist(), "path": [*path, last[0].tolist()]}


def main():
    karras = sampling.get_sigmas_karras(10, 0.0292, 14.6146).double()
    exponential = sampling.get_sigmas_exponential(6, 0.0292, 14.6146).double()
    names = ("dpmpp_2s_ancestral", "dpmpp_sde", "dpmpp_3m_sde")
    cases = [follow(name, sigmas, eta) for name in names for sigmas in (karras, exponential) for eta in (1.0, 0.5, 0.0)]
    versions = {"k-diffusion": metadata.version("k-diffusion"), "torch": torch.__version__, "numpy": np.__version__}
    shared = {"versions": versions | {"python": platform.python_version()}, "start": START[0].tolist(), "noise": NOISE[:, 0].tolist()}
    json.dump(shared | {"cases": cases}, sys.stdout)


main()
