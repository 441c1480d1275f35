"""Golden quantiles and thresholds of pictures, by torch.quantile and diffusers' DDPMScheduler.

    pip install torch diffusers numpy
    python tests/golden/scripts/thresholding.py

Writes tests/golden/thresholding.json: for each case how its numbers are made, and what they are after `_threshold_sample`; of long
ones, only every 97th.
"""

import json
import platform
from pathlib import Path

import diffusers
import torch
from diffusers import DDPMScheduler

GOLDEN = Path(__file__).resolve().parents[1]


def picture(count, scale):
    # The order is that of multiples of a prime, so that other programs can make the same numbers.
    order = (torch.arange(count) * 7919) % count
    ramp = (order.double() + 0.5) / count * 2 - 1
    return (scale * ramp / (1.02 - ramp.abs())).float()


cases = []
for count, scale, ratio, most in [
    (12, 1.0, 0.95, 1.5),
    (12, 0.2, 0.95, 1.5),
    (48, 0.7, 0.95, 100.0),
    (48, 0.7, 0.5, 100.0),
    (3072, 0.4, 0.95, 1.5),
    (12288, 0.11, 0.95, 1.5),
    (12288, 0.11, 0.995, 100.0),
    (196608, 0.13, 0.95, 4.0),
    (7, 2.0, 0.0, 9.0),
    (7, 2.0, 1.0, 1000.0),
    (1, 3.0, 0.95, 1.5),
]:
    values = picture(count, scale)
    scheduler = DDPMScheduler(thresholding=True, dynamic_thresholding_ratio=ratio, sample_max_value=most)
    limited = scheduler._threshold_sample(values.reshape(1, 1, 1, -1)).flatten()
    quantile = torch.quantile(values.abs(), ratio).item()
    every = 97 if count > 100 else 1
    cases.append(
        {"count": count, "scale": scale, "ratio": ratio, "most": most, "quantile": quantile, "every": every, "limited": limited[::every][:40].tolist()}
    )  # fmt: skip
versions = {"python": platform.python_version(), "torch": torch.__version__, "diffusers": diffusers.__version__}
path = GOLDEN / "thresholding.json"
path.write_text(json.dumps({"command": "python tests/golden/scripts/thresholding.py", "versions": versions, "cases": cases}) + "\n")
print(path.stat().st_size, [(case["count"], case["quantile"]) for case in cases])
