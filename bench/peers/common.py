"""What both benchmarks share: arguments, the timed loop, the matrix rate of the same run, the report."""

import argparse
import json
import math
import platform
import statistics
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F


def arguments(config_name):
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default=str(Path(__file__).parent / config_name))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--steps", type=int, default=20, help="timed steps, after three that are not counted")
    parser.add_argument("--batch", type=int, help="instead of the config's")
    parser.add_argument("--fused", action="store_true", help="AdamW as one kernel instead of PyTorch's default on the CPU")
    parser.add_argument("--check", action="store_true", help="compare the analytic FLOP with PyTorch's own counter")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    config = json.loads(Path(given.config).read_text())
    if given.batch:
        config["batch"] = given.batch
    return given, config


def sinusoids(t, count):
    """Time in [0, 1] as `count` cosines and sines, frequencies 1 … 1/10000 of t · 1000 (Ho and others, 2020)."""
    frequencies = torch.exp(-math.log(10000) * torch.arange(count // 2) / (count // 2))
    angles = 1000 * t[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1)  # [batch, count]


class Modulation(nn.Module):
    """Time and pooled text as one vector [batch, width]: two layers each, added. Padding is left out of the mean."""

    def __init__(self, frequencies, text_width, width):
        super().__init__()
        self.frequencies = frequencies
        self.time = nn.Sequential(nn.Linear(frequencies, width), nn.SiLU(), nn.Linear(width, width))
        self.text = nn.Sequential(nn.Linear(text_width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, t, text, mask):
        weights = mask / mask.sum(1, keepdim=True)  # [batch, text]
        pooled = (text * weights[:, :, None]).sum(1)  # [batch, textWidth]
        return self.time(sinusoids(t, self.frequencies)) + self.text(pooled)


class JointAttention(nn.Module):
    """Picture tokens attend to themselves and to the text tokens; queries and keys are RMS-normalised per head."""

    def __init__(self, width, heads, text_width):
        super().__init__()
        self.heads, self.head_width = heads, width // heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.text_kv = nn.Linear(text_width, 2 * width)
        self.query_norm, self.key_norm = nn.RMSNorm(self.head_width), nn.RMSNorm(self.head_width)

    def forward(self, x, text, mask):
        batch, tokens, width = x.shape
        split = lambda y, n: y.view(batch, -1, n, self.heads, self.head_width).permute(2, 0, 3, 1, 4)
        q, k, v = split(self.qkv(x), 3)  # each [batch, heads, tokens, headWidth]
        text_k, text_v = split(self.text_kv(text), 2)  # each [batch, heads, text, headWidth]
        q, k = self.query_norm(q), self.key_norm(torch.cat([k, text_k], 2))
        v = torch.cat([v, text_v], 2)
        seen = torch.cat([torch.ones(batch, tokens), mask], 1).bool()[:, None, None]  # [batch, 1, 1, tokens + text]
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        return self.out(attended.transpose(1, 2).reshape(batch, tokens, width))

    @staticmethod
    def multiply_adds(tokens, text_tokens, width, text_width):
        projections = 4 * width * width * tokens + 2 * text_width * width * text_tokens
        return projections + 2 * tokens * (tokens + text_tokens) * width


def flow_loss(model, latents, text, mask):
    """Rectified flow (Liu and others, 2022) with logit-normal times (Esser and others, 2024): the velocity's squared error."""
    batch = latents.shape[0]
    t = torch.randn(batch).sigmoid()
    noise = torch.randn_like(latents)
    at = t.view(-1, *[1] * (latents.dim() - 1))
    return F.mse_loss(model((1 - at) * latents + at * noise, t, text, mask), noise - latents)


def text_batch(config):
    text = torch.randn(config["batch"], config["textTokens"], config["textWidth"])
    lengths = torch.randint(4, config["textTokens"] + 1, (config["batch"], 1))
    return text, (torch.arange(config["textTokens"])[None] < lengths).float()


def matmul_rate(seconds=2.0):
    """GFLOP/s of float32 matrix products of 1024 × 1024, median of all that fit in `seconds`."""
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    a @ b
    times, began = [], time.perf_counter()
    while time.perf_counter() - began < seconds:
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    return 2 * 1024**3 / statistics.median(times) / 1e9


def measure(given, config, model, latents_shape, forward_multiply_adds):
    """Times the training step, the matrix rate before and after it, and prints the report."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95), weight_decay=0.01, fused=given.fused or None)
    text, mask = text_batch(config)
    latents = torch.randn(config["batch"], *latents_shape)

    def step():
        optimizer.zero_grad()
        loss = flow_loss(model, latents, text, mask)
        loss.backward()
        optimizer.step()
        return loss.item()

    if given.check:
        return check_flop(model, latents, text, mask, forward_multiply_adds * config["batch"] * 2)
    before = matmul_rate()
    losses, times = [step() for _ in range(3)], []
    for _ in range(given.steps):
        start = time.perf_counter()
        losses.append(step())
        times.append(time.perf_counter() - start)
    report(given, config, model, losses, statistics.median(times), forward_multiply_adds, [before, matmul_rate()])


def report(given, config, model, losses, seconds, forward_multiply_adds, matmul):
    flop = 3 * 2 * forward_multiply_adds * config["batch"]
    rate, peak = flop / seconds / 1e9, statistics.mean(matmul)
    result = {
        "name": config["name"], "batch": config["batch"], "parameters": sum(p.numel() for p in model.parameters()),
        "secondsPerStep": seconds, "samplesPerSecond": config["batch"] / seconds, "flopPerStep": flop, "gflops": rate,
        "matmul1024Gflops": peak, "matmul1024BeforeAndAfter": matmul, "shareOfMatmul": rate / peak,
        "firstLoss": losses[0], "lastLoss": losses[-1], "steps": given.steps, "fusedAdamW": given.fused,
        "threads": torch.get_num_threads(), "torch": torch.__version__, "python": platform.python_version(),
    }  # fmt: skip
    if given.json:
        return print(json.dumps(result))
    print(f"{config['name']}: {result['parameters'] / 1e6:.2f} M parameters, batch {config['batch']}, "
          f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads")  # fmt: skip
    print(f"  {seconds:.3f} s a step, {result['samplesPerSecond']:.1f} samples/s, {flop / 1e9:.1f} GFLOP a step")
    print(f"  {rate:.1f} GFLOP/s; torch.matmul 1024³ {peak:.1f} GFLOP/s in the same run; share {rate / peak:.2f}")


def check_flop(model, latents, text, mask, analytic):
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        flow_loss(model, latents, text, mask)
    counted = counter.get_total_flops()
    print(f"forward: analytic {analytic / 1e9:.4f} GFLOP, counted by PyTorch {counted / 1e9:.4f} GFLOP, ratio {analytic / counted:.4f}")
    assert abs(analytic / counted - 1) < 0.01
