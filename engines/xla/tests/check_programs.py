"""Computes programs and compares with what ONNX Runtime gave for the same inputs: check_programs.py FOLDER.

For each NAME.onnx there is a NAME.safetensors with the inputs as "in:…" and the outputs as "out:…". Prints one line of JSON.
"""

import glob
import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from nishiki_xla import safetensors  # noqa: E402
from nishiki_xla.program import Program  # noqa: E402


def worst_error(path: str) -> float:
    tensors, _ = safetensors.read(path.replace(".onnx", ".safetensors"))
    given = {name[3:]: value for name, value in tensors.items() if name.startswith("in:")}
    found = Program(path)(given)
    worst = 0.0
    for name, value in tensors.items():
        if not name.startswith("out:"):
            continue
        result = np.asarray(found[name[4:]])
        if result.shape != value.shape:
            raise ValueError(f"{name}: {result.shape} in the place of {value.shape}")
        scale = 1 + float(np.abs(value).max(initial=0))
        error = float(np.abs(result.astype(np.float64) - value).max(initial=0)) / scale
        worst = max(worst, error if np.isfinite(error) else np.inf)
    return worst


def main(folder: str) -> None:
    errors: dict[str, float] = {}
    failures: dict[str, str] = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.onnx"))):
        name = os.path.basename(path)
        try:
            errors[name] = worst_error(path)
        except Exception as error:  # every program is tried
            failures[name] = f"{type(error).__name__}: {error}"
    print(json.dumps({"errors": errors, "failures": failures}))


if __name__ == "__main__":
    main(sys.argv[1])
