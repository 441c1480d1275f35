"""Golden files for src/checkpoint, written by the reference libraries.

    pip install safetensors==0.8.0 numpy==2.4.6 ml_dtypes==0.6.0     (Python 3.11)
    python tests/golden/scripts/checkpoint.py tests/golden/checkpoint

all-dtypes.safetensors  every element type that the library can write, and metadata; all-dtypes.json says what is in it
half.safetensors        float32 numbers and what ml_dtypes and NumPy round them to as f16 and bf16
"""

import hashlib
import json
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import safetensors
from safetensors import TensorSpec, serialize_file

out = Path(sys.argv[1])
rng = np.random.default_rng(20260101)
versions = {"safetensors": safetensors.__version__, "numpy": np.__version__, "ml_dtypes": ml_dtypes.__version__}

# Our name, the name that TensorSpec takes, bits of an element.
DTYPES = [
    ("bool", "bool", 8), ("f4", "float4_e2m1fn_x2", 4), ("u8", "uint8", 8), ("i8", "int8", 8),
    ("f8_e5m2", "float8_e5m2", 8), ("f8_e4m3", "float8_e4m3fn", 8), ("f8_e8m0", "float8_e8m0fnu", 8),
    ("f8_e4m3fnuz", "float8_e4m3fnuz", 8), ("f8_e5m2fnuz", "float8_e5m2fnuz", 8),
    ("i16", "int16", 16), ("u16", "uint16", 16), ("f16", "float16", 16), ("bf16", "bfloat16", 16),
    ("i32", "int32", 32), ("u32", "uint32", 32), ("f32", "float32", 32), ("c64", "complex64", 64),
    ("f64", "float64", 64), ("i64", "int64", 64), ("u64", "uint64", 64),
]
FLOAT8 = {
    "f8_e5m2": ml_dtypes.float8_e5m2, "f8_e4m3": ml_dtypes.float8_e4m3fn, "f8_e8m0": ml_dtypes.float8_e8m0fnu,
    "f8_e4m3fnuz": ml_dtypes.float8_e4m3fnuz, "f8_e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
}


def numbers(array):
    """Float32 values as JSON can hold them."""
    return [float(v) if np.isfinite(v) else str(v) for v in array.astype(np.float32)]


keep, specs, said = [], {}, {}


def add(name, dtype, torch_name, shape, raw):
    keep.append(raw)  # TensorSpec holds a bare pointer
    specs[name] = TensorSpec(dtype=torch_name, shape=shape, data_ptr=raw.ctypes.data, data_len=raw.nbytes)
    said[name] = {"dtype": dtype, "shape": list(specs[name].shape), "hex": raw.tobytes().hex()}


for dtype, torch_name, bits in DTYPES:
    shape = (3, 4) if bits >= 8 else (3, 2)  # TensorSpec doubles the last dimension of the packed type
    raw = rng.integers(0, 2 if dtype == "bool" else 256, 12 * bits // 8, dtype=np.uint8)
    if dtype in FLOAT8:
        shape, raw = (256,), np.arange(256, dtype=np.uint8)
    add(f"{dtype}.tensor", dtype, torch_name, shape, raw)
    if dtype in FLOAT8:
        said[f"{dtype}.tensor"]["float32"] = numbers(raw.view(FLOAT8[dtype]))
add("scalar", "f32", "float32", (), np.frombuffer(np.float32(2.5).tobytes(), np.uint8))
add("empty", "f32", "float32", (0, 7), np.zeros(0, np.uint8))
add("名前 \"quoted\"\n\U0001f431", "i8", "int8", (1,), np.array([7], np.uint8))
add("\uffee", "i8", "int8", (1,), np.array([8], np.uint8))  # sorts before the one above as UTF-16, after it as UTF-8

metadata = {"note": "é ☃ \"quoted\"\t\x7f\x01"}
file = out / "all-dtypes.safetensors"
serialize_file(specs, str(file), metadata=metadata)
said = {"versions": versions, "metadata": metadata, "sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "tensors": said}
(out / "all-dtypes.json").write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

# Floats that are hard to round: ties of both formats and their neighbours, subnormals, the edges of overflow.
pattern = rng.integers(0, 2**32, 600, dtype=np.uint32)
half_ulp16 = (pattern & 0xFFFFE000) | 0x1000
half_ulpb = (pattern & 0xFFFF0000) | 0x8000
edges = np.array([0, -0.0, 65504, 65519.996, 65520, 65536, 1e30, np.inf, 2**-24, 2**-25, 2**-25 * (1 + 2**-20), 2**-26,
                  2**-14, 2**-14 - 2**-25, 6.1e-5, 3.4028235e38, 3.3961775e38, 3.3895314e38, 1e-45, 1e-40, 1.1754944e-38],
                 dtype=np.float32)
patterns = [half_ulp16, half_ulp16 - 1, half_ulp16 + 1, half_ulpb, half_ulpb - 1, half_ulpb + 1, pattern]
small = (rng.uniform(-1, 1, 600) * 2.0 ** rng.integers(-26, -13, 600)).astype(np.float32)
values = np.concatenate([p.astype(np.uint32).view(np.float32) for p in patterns] + [edges, -edges, small])
values = values[~np.isnan(values)]
with np.errstate(all="ignore"):
    f16, bf16 = values.astype(np.float16), values.astype(ml_dtypes.bfloat16)
    every = np.arange(65536, dtype=np.uint16)
    widened = {name: every.view(t).astype(np.float32) for name, t in (("f16", np.float16), ("bf16", ml_dtypes.bfloat16))}
arrays = {"values": values, "f16": f16, "bf16": bf16}
names = {"values": "float32", "f16": "float16", "bf16": "bfloat16"}
specs = {k: TensorSpec(dtype=names[k], shape=v.shape, data_ptr=v.ctypes.data, data_len=v.nbytes) for k, v in arrays.items()}
# The 65,536 widened values as a checksum: NaN replaced by 0, since its payload is nobody's business.
sums = {k: hashlib.sha256(np.nan_to_num(v, nan=0, posinf=np.inf, neginf=-np.inf).tobytes()).hexdigest() for k, v in widened.items()}
only = {"widened": json.dumps({"versions": versions, "sha256": sums})}
serialize_file(specs, str(out / "half.safetensors"), metadata=only)
