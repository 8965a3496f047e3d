"""The vision transformer of DINOv2 (Oquab et al., arXiv 2304.07193) with the parameter names of its published weights.

torch-fidelity fetches DINOv2's code from the network each first time; this is enough of it to read a weights file.
"""

import torch
import torch.nn.functional as F
from torch import nn

SIZES = {"s": (384, 12, 6), "b": (768, 12, 12), "l": (1024, 24, 16)}  # width, depth, heads
PATCH = 14
GRID = 37  # side of the grid of positions in the published weights: images of 518 / 14


class Attention(nn.Module):
    """Multi-head self-attention, queries, keys and values from one matrix."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x_BND: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x_BND).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Scale(nn.Module):
    """LayerScale: one factor per channel."""

    def __init__(self, width: int):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x_BND: torch.Tensor) -> torch.Tensor:
        return x_BND * self.gamma


class Block(nn.Module):
    """Pre-norm transformer block with LayerScale on both branches."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.ls1, self.ls2 = Scale(width), Scale(width)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})

    def forward(self, x_BND: torch.Tensor) -> torch.Tensor:
        x_BND = x_BND + self.ls1(self.attn(self.norm1(x_BND)))
        return x_BND + self.ls2(self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x_BND)))))


class VisionTransformer(nn.Module):
    """Normalised images (n, 3, H, W), sides multiples of 14, to the normalised class token (n, width)."""

    def __init__(self, width: int, depth: int, heads: int):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.mask_token = nn.Parameter(torch.zeros(1, width))  # in the published file; used in its training only
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + GRID**2, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, PATCH, stride=PATCH)})
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        patches = self.patch_embed["proj"](images)
        x = torch.cat([self.cls_token.expand(len(images), -1, -1), patches.flatten(2).mT], dim=1)
        x = x + self.positions(*patches.shape[2:])
        for block in self.blocks:
            x = block(x)
        return self.norm(x)[:, 0]

    def positions(self, height: int, width: int) -> torch.Tensor:
        """Positions (1, 1 + height * width, D): the learned grid resized bicubically, by a factor that counts 0.1 more
        patches than there are, as the published model does."""
        if (height, width) == (GRID, GRID):
            return self.pos_embed
        grid = self.pos_embed[:, 1:].unflatten(1, (GRID, GRID)).permute(0, 3, 1, 2)
        factors = ((height + 0.1) / GRID, (width + 0.1) / GRID)
        grid = F.interpolate(grid, scale_factor=factors, mode="bicubic")
        return torch.cat([self.pos_embed[:, :1], grid.flatten(2).mT], dim=1)
