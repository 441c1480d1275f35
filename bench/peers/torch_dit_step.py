"""A training step of a transformer denoiser (DiT, Peebles and Xie, 2022, arXiv 2212.09748, with
one shared map of modulation and squared ReLU) in PyTorch, eager, on the CPU.

The twin of src/models/dit.ts at the sizes in dit-10m.json. See README.md.
"""

import torch
from torch import nn

from common import JointAttention, Modulation, arguments, measure


class SquaredRelu(nn.Module):
    def forward(self, x):
        return torch.relu(x).square()


class Block(nn.Module):
    def __init__(self, width, heads, mlp_ratio):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.norm2 = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.attention = JointAttention(width, heads, width)
        hidden = mlp_ratio * width
        self.mlp = nn.Sequential(nn.Linear(width, hidden), SquaredRelu(), nn.Linear(hidden, width))
        self.modulation = nn.Parameter(torch.zeros(6 * width))

    def forward(self, x, shared, text, mask):
        modulation = (shared + self.modulation)[:, None]
        shift1, scale1, gate1, shift2, scale2, gate2 = modulation.chunk(6, -1)  # each [batch, 1, width]
        x = x + gate1 * self.attention(self.norm1(x) * (1 + scale1) + shift1, text, mask)
        return x + gate2 * self.mlp(self.norm2(x) * (1 + scale2) + shift2)


class Dit(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config["width"]
        self.latents_in = nn.Linear(config["latentChannels"], width)
        self.positions = nn.Parameter(0.02 * torch.randn(config["latentTokens"], width))
        self.text_in = nn.Linear(config["textWidth"], width)
        self.condition = Modulation(config["timeFrequencies"], config["textWidth"], width)
        self.blocks = nn.ModuleList(Block(width, config["heads"], config["mlpRatio"]) for _ in range(config["depth"]))
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.block_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))
        self.latents_out = nn.Linear(width, config["latentChannels"])
        # adaLN-zero: every block begins as the identity
        for layer in (self.block_modulation[1], self.modulation[1], self.latents_out):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, latents, t, text, mask):
        x = self.latents_in(latents) + self.positions  # [batch, latentTokens, width]
        c = self.condition(t, text, mask)  # [batch, width]
        text = self.text_in(text)  # [batch, textTokens, width]
        shared = self.block_modulation(c)
        for block in self.blocks:
            x = block(x, shared, text, mask)
        shift, scale = self.modulation(c)[:, None].chunk(2, -1)
        return self.latents_out(self.norm(x) * (1 + scale) + shift)  # [batch, latentTokens, latentChannels]


def forward_multiply_adds(config):
    """Of one sample, in matrix products and attention only; norms, activations and the optimizer are not counted."""
    w, tokens, text = config["width"], config["latentTokens"], config["textTokens"]
    block = JointAttention.multiply_adds(tokens, text, w, w) + 2 * config["mlpRatio"] * w * w * tokens
    ends = 2 * config["latentChannels"] * w * tokens + config["textWidth"] * w * text + 8 * w * w
    condition = config["timeFrequencies"] * w + config["textWidth"] * w + 2 * w * w
    return config["depth"] * block + ends + condition


if __name__ == "__main__":
    given, config = arguments("dit-10m.json")
    measure(given, config, Dit(config), (config["latentTokens"], config["latentChannels"]), forward_multiply_adds(config))
