"""Latents enlarged by PyTorch, for src/pipeline/enlarge-latents.test.ts.

python tests/golden/scripts/enlarge_latents.py > tests/golden/enlarge-latents.json   (torch 2.15.0)
"""

import json

import torch

torch.manual_seed(3)
MODES = {
    "latent": "bilinear",
    "latent-bicubic": "bicubic",
    "latent-nearest": "nearest",
    "latent-nearest-exact": "nearest-exact",
}


def rounded(tensor):
    return [round(value, 6) for value in tensor.flatten().tolist()]


golden = {"tool": f"torch {torch.__version__}", "values": rounded(torch.randn(2, 3, 5))}
latents = torch.tensor(golden["values"]).reshape(1, 2, 3, 5)
for name, mode in MODES.items():
    align = {} if "nearest" in mode else {"align_corners": False}
    golden[name] = rounded(torch.nn.functional.interpolate(latents, size=(5, 8), mode=mode, **align))
print(json.dumps(golden))
