"""A training step of the embedded model's denoiser in PyTorch, eager, on the CPU: the twin of src/models/denoiser.ts ("small").

    python bench/peers/torch_denoiser_step.py [--batch 128] [--threads 2]

Answers every line on its input with one step: a JSON object of its seconds and its processor seconds. The first line that it
prints has the number of parameters. `npm run bench -- training --python PATH` lets it take turns with Nishiki's trainer.
"""

import argparse
import json
import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

SIZE, CHANNELS, WIDTHS, HEAD = 16, 16, (128, 384), 32
TEXT, WORDS, CONDITION, GRID, REGION = 384, 192, 384, 4, 128
DOWN, MIDDLE, UP = "cacc", "cac", "cacac"  # c: convolution, a: attention
parser = argparse.ArgumentParser()
parser.add_argument("--batch", type=int, default=128)
parser.add_argument("--tokens", type=int, default=16)
parser.add_argument("--threads", type=int, default=torch.get_num_threads())
given = parser.parse_args()
torch.set_num_threads(given.threads)
torch.manual_seed(0)


def normal(x):
    return F.layer_norm(x, x.shape[-1:])


def fold(x, n):
    """[batch, h, w, c] → [batch, h/n, w/n, n·n·c]"""
    b, h, w, c = x.shape
    return x.view(b, h // n, n, w // n, n, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h // n, w // n, n * n * c)


def unfold(x, n):
    b, h, w, c = x.shape
    return x.view(b, h, w, n, n, c // n // n).permute(0, 1, 3, 2, 4, 5).reshape(b, h * n, w * n, c // n // n)


def spread(grid, x):
    """A grid's cells over the parts of an image that they cover."""
    n = x.shape[1] // grid.shape[1]
    return grid.repeat_interleave(n, 1).repeat_interleave(n, 2) if n > 1 else grid


def mlp(inner, hidden, width):
    return nn.Sequential(nn.Linear(inner, hidden), nn.SiLU(), nn.Linear(hidden, width))


class Conv(nn.Conv2d):
    """3×3, of images [batch, h, w, c]: PyTorch's channels-last memory format."""

    def __init__(self, inner, out):
        super().__init__(inner, out, 3, padding=1)

    def forward(self, x):
        return super().forward(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class Modulated(nn.Module):
    def __init__(self, width, parts):
        super().__init__()
        self.parts, self.modulation = parts, nn.Linear(CONDITION, parts * width)

    def modulate(self, x, condition):
        parts = [spread(part, x) for part in self.modulation(F.silu(condition)).chunk(self.parts, -1)]
        return normal(x) * (parts[0] + 1) + parts[1], parts[2:]


class ConvStage(Modulated):
    def __init__(self, width):
        super().__init__(width, 3)
        self.conv, self.out = Conv(width, width), nn.Linear(width, width)

    def forward(self, x, condition, words, mask):
        hidden, (gate,) = self.modulate(x, condition)
        return x + self.out(F.silu(self.conv(hidden))) * (gate + 1)


class AttentionStage(Modulated):
    def __init__(self, width):
        super().__init__(width, 2)
        self.q, self.k, self.v = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.words_k, self.words_v = (nn.Linear(WORDS, width, bias=False) for _ in range(2))
        self.out = nn.Linear(width, width)

    def forward(self, x, condition, words, mask):
        b, h, w, c = x.shape
        tokens = self.modulate(x, condition)[0].reshape(b, h * w, c)
        heads = lambda y: y.view(b, -1, c // HEAD, HEAD)
        unit = lambda y: F.rms_norm(heads(y), (HEAD,), eps=1e-6)
        k = torch.cat([unit(self.k(tokens)), unit(self.words_k(words))], 1)
        v = torch.cat([heads(self.v(tokens)), heads(self.words_v(words))], 1)
        bias = F.pad((mask - 1) * 1e4, (h * w, 0))[:, None, None]
        q, k, v = (y.transpose(1, 2) for y in (unit(self.q(tokens)), k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.expand(b, 1, h * w, -1))
        return x + self.out(mixed.transpose(1, 2).reshape(b, h * w, c)).view(x.shape)


class Stages(nn.ModuleList):
    def __init__(self, kinds, width):
        super().__init__([ConvStage(width) if kind == "c" else AttentionStage(width) for kind in kinds])

    def forward(self, x, *context):
        for stage in self:
            x = stage(x, *context)
        return x


class Regions(nn.Module):
    """The words of every cell of a grid."""

    def __init__(self, image_width):
        super().__init__()
        self.enter, self.position = nn.Linear(TEXT, REGION), nn.Parameter(torch.randn(given.tokens, REGION))
        self.q, self.k, self.v, self.key = (nn.Linear(REGION, REGION, bias=False) for _ in range(4))
        self.out, self.mlp = nn.Linear(REGION, REGION), mlp(REGION, 2 * REGION, REGION)
        side = SIZE // 2 // GRID
        self.seen, self.known = nn.Linear(side * side * image_width, REGION), nn.Linear(CONDITION, REGION)
        self.place, self.query = nn.Parameter(torch.randn(GRID * GRID, REGION)), mlp(REGION, 2 * REGION, REGION)

    def forward(self, image, text, mask, condition):
        hidden = (mask - 1) * 1e4
        x = self.enter(text) + self.position
        heads = lambda y: y.view(*y.shape[:2], 4, REGION // 4).transpose(1, 2)
        q, k, v = (heads(f(normal(x))) for f in (self.q, self.k, self.v))
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=hidden[:, None, None].expand(-1, 1, x.shape[1], -1))
        x = x + self.out(seen.transpose(1, 2).reshape(x.shape))
        keys = self.key(normal(x + self.mlp(normal(x))))
        parts = fold(normal(image.detach()), SIZE // 2 // GRID)
        cells = self.seen(parts).flatten(1, 2) + self.known(F.silu(condition))[:, None] + self.place
        cells = normal(cells)
        scores = self.query(cells) @ keys.transpose(1, 2) / math.sqrt(REGION) + hidden[:, None]
        shares = scores.softmax(-1) * mask[:, None]
        return shares, shares @ text, cells


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        first, middle = WIDTHS
        self.words, self.stem = nn.Linear(TEXT, WORDS), Conv(4 * CHANNELS, first)
        self.position = nn.Parameter(0.02 * torch.randn(SIZE // 2, SIZE // 2, first))
        self.time, self.text = mlp(128, CONDITION, CONDITION), mlp(TEXT, CONDITION, CONDITION)
        self.regions, self.place = Regions(first), nn.Linear(REGION, CONDITION)
        self.down, self.middle, self.up = Stages(DOWN, first), Stages(MIDDLE, middle), Stages(UP, first)
        self.shrink, self.grow = nn.Linear(4 * first, middle), nn.Linear(middle, 4 * first)
        self.merge = nn.Linear(2 * first, first)
        self.last, self.velocity = Modulated(first, 2), Conv(first, 4 * CHANNELS)

    def forward(self, latents, t, text, mask):
        text = normal(text)
        words, x = self.words(text), self.stem(fold(latents, 2)) + self.position
        angles = 1000 * t[:, None] * torch.exp(-math.log(10000) * torch.arange(64) / 64)
        time = self.time(torch.cat([angles.cos(), angles.sin()], -1))
        whole = (mask[:, None] @ text)[:, 0] / mask.sum(1, keepdim=True).clamp(min=1)
        shares, means, cells = self.regions(x, text, mask, time + self.text(whole))
        condition = time[:, None] + self.text(means) + self.place(F.silu(cells))
        context = condition.view(-1, GRID, GRID, CONDITION), words, mask
        skip = self.down(x, *context)
        x = self.middle(self.shrink(fold(skip, 2)), *context)
        x = self.up(self.merge(torch.cat([unfold(self.grow(x), 2), skip], -1)), *context)
        return unfold(self.velocity(self.last.modulate(x, context[0])[0]), 2), shares


model, batch, tokens = Denoiser().to(memory_format=torch.channels_last), given.batch, given.tokens
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95), weight_decay=0.01)
latents, text = torch.randn(batch, SIZE, SIZE, CHANNELS), torch.randn(batch, tokens, TEXT)
mask = (torch.arange(tokens)[None] < torch.randint(4, tokens + 1, (batch, 1))).float()
elsewhere = (torch.rand(batch, GRID * GRID, tokens) < 0.1).float()


def step():
    """Rectified flow's squared error and the attention's loss; gradients, clipped; AdamW."""
    optimizer.zero_grad()
    t, noise = torch.randn(batch).sigmoid(), torch.randn_like(latents)
    at = t[:, None, None, None]
    velocity, shares = model((1 - at) * latents + at * noise, t, text, mask)
    strayed = -(1 - 0.99 * (shares * elsewhere).sum(-1)).log().mean()
    loss = F.mse_loss(velocity, noise - latents) + 0.1 * strayed
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1)
    optimizer.step()
    return loss.item()


print(json.dumps({"parameters": sum(p.numel() for p in model.parameters()), "torch": torch.__version__}), flush=True)
for _ in sys.stdin:
    began, used = time.perf_counter(), time.process_time()
    loss = step()
    print(json.dumps({"seconds": time.perf_counter() - began, "processorSeconds": time.process_time() - used, "loss": loss}), flush=True)
