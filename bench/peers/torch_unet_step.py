"""A training step of a small convolutional U-Net (Ho and others, 2020, arXiv 2006.11239) in PyTorch, eager, on the CPU.

The twin of src/models/unet.ts at the sizes in unet-small.json: 3×3 convolutions, group norm, time and pooled text as scale
and shift, attention with the text tokens where the picture is small. See README.md.
"""

import torch
from torch import nn
from torch.nn import functional as F

from common import JointAttention, Modulation, arguments, measure


class ResidualBlock(nn.Module):
    def __init__(self, channels_in, channels_out, config):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(config["groups"], channels_in), nn.GroupNorm(config["groups"], channels_out)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.modulation = nn.Linear(config["modulationWidth"], 2 * channels_out)
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1) if channels_in != channels_out else nn.Identity()
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x, c):
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.modulation(F.silu(c))[:, :, None, None].chunk(2, 1)
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(h) * (1 + scale) + shift))


class AttentionBlock(nn.Module):
    def __init__(self, channels, config):
        super().__init__()
        self.norm = nn.GroupNorm(config["groups"], channels)
        self.attention = JointAttention(channels, channels // config["headWidth"], config["textWidth"])

    def forward(self, x, text, mask):
        tokens = self.norm(x).flatten(2).transpose(1, 2)  # [batch, height · width, channels]
        return x + self.attention(tokens, text, mask).transpose(1, 2).reshape(x.shape)


def plan(config):
    """Every stage in order: (kind, channels in, channels out, size), sizes in pixels at that stage's output."""
    size, channels, stages, skips = config["latentSize"], config["channels"], [], []
    current, last = channels[0], len(channels) - 1
    stages.append(("conv", config["latentChannels"], current, size))
    skips.append(current)
    for level, width in enumerate(channels):
        for _ in range(config["blocksPerLevel"]):
            stages.append(("residual", current, width, size))
            current = width
            if level in config["attentionLevels"]:
                stages.append(("attention", width, width, size))
            stages.append(("push", width, width, size))
            skips.append(width)
        if level < last:
            size //= 2
            stages += [("down", width, width, size), ("push", width, width, size)]
            skips.append(width)
    stages += [("residual", current, current, size), ("attention", current, current, size), ("residual", current, current, size)]
    for level in range(last, -1, -1):
        width = channels[level]
        for _ in range(config["blocksPerLevel"] + 1):
            stages += [("pop", current, current + skips[-1], size), ("residual", current + skips.pop(), width, size)]
            current = width
            if level in config["attentionLevels"]:
                stages.append(("attention", width, width, size))
        if level > 0:
            size *= 2
            stages.append(("up", width, width, size))
    return stages + [("out", current, config["latentChannels"], size)]


class Unet(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.stages = plan(config)
        self.condition = Modulation(config["timeFrequencies"], config["textWidth"], config["modulationWidth"])
        make = {
            "conv": lambda i, o: nn.Conv2d(i, o, 3, padding=1),
            "residual": lambda i, o: ResidualBlock(i, o, config),
            "attention": lambda i, o: AttentionBlock(o, config),
            "down": lambda i, o: nn.Conv2d(i, o, 3, stride=2, padding=1),
            "up": lambda i, o: nn.Conv2d(i, o, 3, padding=1),
            "out": lambda i, o: nn.Sequential(nn.GroupNorm(config["groups"], i), nn.SiLU(), nn.Conv2d(i, o, 3, padding=1)),
        }
        self.layers = nn.ModuleList(
            make[kind](i, o) if kind in make else nn.Identity() for kind, i, o, _ in self.stages
        )

    def forward(self, latents, t, text, mask):
        c = self.condition(t, text, mask)  # [batch, modulationWidth]
        x, skips = latents, []
        for (kind, *_), layer in zip(self.stages, self.layers):
            if kind == "residual":
                x = layer(x, c)
            elif kind == "attention":
                x = layer(x, text, mask)
            elif kind == "pop":
                x = torch.cat([x, skips.pop()], 1)
            else:
                x = layer(F.interpolate(x, scale_factor=2.0) if kind == "up" else x)
            if kind in ("conv", "push"):
                skips.append(x)
        return x  # [batch, latentChannels, latentSize, latentSize]


def forward_multiply_adds(config):
    """Of one sample, in convolutions, matrix products and attention only."""
    m, total = config["modulationWidth"], 0
    for kind, i, o, size in plan(config):
        pixels = size * size
        if kind in ("conv", "down", "up", "out"):
            total += 9 * i * o * pixels
        elif kind == "residual":
            total += 9 * (i + o) * o * pixels + (i * o * pixels if i != o else 0) + 2 * m * o
        elif kind == "attention":
            total += JointAttention.multiply_adds(pixels, config["textTokens"], o, config["textWidth"])
    return total + config["timeFrequencies"] * m + config["textWidth"] * m + 2 * m * m


if __name__ == "__main__":
    given, config = arguments("unet-small.json")
    size = config["latentSize"]
    measure(given, config, Unet(config), (config["latentChannels"], size, size), forward_multiply_adds(config))
