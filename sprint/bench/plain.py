"""The yardstick of speed: DiT written the published way (arXiv 2212.09748), in plain eager PyTorch.

Modulation, gate and residual are passes of their own, every block applies its own SiLU to the condition, optimiser and
moving average go tensor by tensor. Attention is written out, as it was when DiT was published, or is PyTorch's fused
one, as libraries have it since. The same network as `dense`, so that the same weights give the same numbers.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from sprint.diffusion.denoiser import ModelConfig
from sprint.nn.layers import sincos_positions
from sprint.plan.schema import Training
from sprint.training.batches import Batch


class PlainAttention(nn.Module):
    def __init__(self, width: int, heads: int, fused: bool):
        super().__init__()
        self.heads, self.fused = heads, fused
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        if self.fused:
            x = F.scaled_dot_product_attention(q, k, v)
        else:
            x = (q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        return self.proj(x.transpose(1, 2).reshape(batch, tokens, width))


class PlainBlock(nn.Module):
    def __init__(self, width: int, heads: int, fused: bool, ratio: float = 4.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.norm2 = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.attention = PlainAttention(width, heads, fused)
        inner = int(ratio * width)
        self.mlp = nn.Sequential(nn.Linear(width, inner), nn.GELU(approximate="tanh"), nn.Linear(inner, width))
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(self, x, c):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).chunk(6, dim=1)
        x = x + gate1.unsqueeze(1) * self.attention(modulated(self.norm1(x), shift1, scale1))
        return x + gate2.unsqueeze(1) * self.mlp(modulated(self.norm2(x), shift2, scale2))


class PlainDiT(nn.Module):
    """Takes what `Model` takes and gives an image (B, channels, H, W)."""

    def __init__(self, config: ModelConfig, fused: bool):
        super().__init__()
        width, patch = config.backbone.width, config.backbone.patch
        self.patch, self.channels = patch, config.channels
        self.patches = nn.Conv2d(config.channels, width, patch, stride=patch)
        self.register_buffer("positions", sincos_positions(width, config.backbone.grid).unsqueeze(0))
        self.time = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))
        self.labels = nn.Embedding(config.classes + 1, width)
        self.blocks = nn.ModuleList(
            PlainBlock(width, config.backbone.heads, fused) for _ in range(config.backbone.depth)
        )
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))
        self.final = nn.Linear(width, patch * patch * config.channels)

    def forward(self, x, t, y):
        x = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        half = 128
        frequencies = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32, device=t.device) / half)
        angles = t[:, None].float() * frequencies[None]
        c = self.time(torch.cat([torch.cos(angles), torch.sin(angles)], dim=-1)) + self.labels(y)
        for block in self.blocks:
            x = block(x, c)
        shift, scale = self.modulation(c).chunk(2, dim=1)
        x = self.final(modulated(self.norm(x), shift, scale))
        side = math.isqrt(x.shape[1])
        x = x.reshape(x.shape[0], side, side, self.patch, self.patch, self.channels)
        x = torch.einsum("nhwpqc->nchpwq", x)
        return x.reshape(x.shape[0], self.channels, side * self.patch, side * self.patch)


def modulated(x, shift, scale):
    return x * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)


class PlainTraining:
    """Its weights, their average and its optimiser."""

    def __init__(self, config: ModelConfig, fused: bool, settings: Training, device: torch.device):
        self.model, self.settings = PlainDiT(config, fused).to(device), settings
        self.average = [parameter.detach().clone() for parameter in self.model.parameters()]
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay, foreach=False
        )

    def step(self, batch: Batch) -> None:
        """One step, tensor by tensor."""
        place = self.average[0].device
        x, noise, t, y = (part.to(place) for part in (batch.x_BCHW, batch.noise_BCHW, batch.t_B, batch.y_B))
        at = t.view(-1, 1, 1, 1)
        with torch.autocast(place.type, torch.bfloat16, enabled=self.settings.precision == "bfloat16"):
            predicted = self.model((1 - at) * x + at * noise, t, y)
        loss = ((predicted.float() - (noise - x)) ** 2).mean(dim=(1, 2, 3)).mean()
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip, foreach=False)
        self.optimizer.step()
        with torch.no_grad():
            for average, parameter in zip(self.average, self.model.parameters(), strict=True):
                average.mul_(self.settings.ema).add_(parameter, alpha=1 - self.settings.ema)
