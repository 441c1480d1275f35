"""What torch.randn draws on the processor, as SHA-256 of its float32 bytes, for src/random/torch-cpu.test.ts.

    pip install torch==2.15.0
    python tests/golden/scripts/torch_normals.py

On an x86-64 processor with AVX2; ATEN_CPU_CAPABILITY=default gives the last bits of other processors.
"""

import hashlib

import torch

CASES = {
    0: [1 * 4 * 64 * 64, 1 * 4 * 64 * 64],
    42: [20, 3, 4, 17, 4096],
    1: [15, 15, 40, 1, 16, 1],
    123456789: [1 * 4 * 96 * 128],
    2**32 + 7: [1 * 4 * 64 * 64],
    2**53 - 1: [1 * 4 * 128 * 128, 31],
}

print(torch.__version__, torch.backends.cpu.get_cpu_capability())
for seed, counts in CASES.items():
    generator = torch.Generator().manual_seed(seed)
    digest = hashlib.sha256()
    for count in counts:
        digest.update(torch.randn(count, generator=generator).numpy().tobytes())
    print(seed, counts, digest.hexdigest())
