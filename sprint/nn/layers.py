"""Transformer layers of DiT (arXiv 2212.09748) and SiT (arXiv 2401.08740), with SPRINT's rotary positions and qk-norm.

Shape suffixes: B batch, N tokens of the whole grid, L tokens at hand, D width, H heads, P values per patch.
"""

import math
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import nn

EPSILON = 1e-6


class ZeroLinear(nn.Linear):
    """A linear layer that starts at zero (adaLN-Zero, arXiv 2212.09748 section 3.2)."""


class Context:
    """What a block is told beside its tokens: the conditioning, and where on the grid each token stands."""

    def __init__(self, condition_BD: torch.Tensor, places_BL2: torch.Tensor | None, t_B: torch.Tensor | None = None):
        """`condition_BD` after its SiLU; `places_BL2` (1 or B, L, row and column) for rotary positions, else None."""
        self.condition_BD, self.places_BL2, self.t_B = condition_BD, places_BL2, t_B
        self._rotations: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def at(self, keep_BK: torch.Tensor | None) -> "Context":
        """The same for the kept tokens only; None keeps all."""
        if keep_BK is None or self.places_BL2 is None:
            return self
        return Context(self.condition_BD, self.places_BL2[0][keep_BK], self.t_B)

    def standing(self, places_L2: torch.Tensor) -> "Context":
        """The same for tokens that stand at other places of the grid."""
        return self if self.places_BL2 is None else Context(self.condition_BD, places_L2.unsqueeze(0), self.t_B)

    def rotation(self, head_width: int) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Cosine and sine (1 or B, 1, L, head_width / 2) of the 2-D rotary embedding, or None; computed once."""
        if self.places_BL2 is None:
            return None
        if head_width not in self._rotations:
            frequencies = 10000.0 ** (
                -torch.arange(0, head_width // 2, 2, device=self.places_BL2.device) / (head_width // 2)
            )
            angles = (self.places_BL2.unsqueeze(-1) * frequencies).flatten(-2).unsqueeze(1)
            self._rotations[head_width] = (angles.cos(), angles.sin())
        return self._rotations[head_width]


def rotate(x_BHLd: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor] | None) -> torch.Tensor:
    """Turn neighbouring pairs of channels by the angle of their token's place (RoPE, arXiv 2104.09864 equation 34)."""
    if rotation is None:
        return x_BHLd
    cosine, sine = (part.to(x_BHLd.dtype) for part in rotation)
    first, second = x_BHLd.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((first * cosine - second * sine, first * sine + second * cosine), dim=-1).flatten(-2)


def modulate(x_BLD: torch.Tensor, shift_B1D: torch.Tensor, scale_B1D: torch.Tensor) -> torch.Tensor:
    """LayerNorm without affine, then (1 + scale) x + shift, in one pass after the norm."""
    return torch.addcmul(shift_B1D, F.layer_norm(x_BLD, x_BLD.shape[-1:], eps=EPSILON), 1 + scale_B1D)


class HeadNorm(nn.RMSNorm):
    """RMSNorm of each head's q or k, in the precision they come in: mixed with another it is not fused."""

    def __init__(self, width: int):
        super().__init__(width, eps=EPSILON)

    def forward(self, x_BHLd: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x_BHLd, self.normalized_shape, self.weight.to(x_BHLd.dtype), self.eps)


class Attention(nn.Module):
    """Multi-head self-attention; optionally RMSNorm on each head's q and k."""

    def __init__(self, width: int, heads: int, qk_norm: bool):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.q_norm = HeadNorm(width // heads) if qk_norm else nn.Identity()
        self.k_norm = HeadNorm(width // heads) if qk_norm else nn.Identity()
        self.proj = nn.Linear(width, width)

    def forward(self, x_BLD: torch.Tensor, context: Context) -> torch.Tensor:
        q, k, v = self.qkv(x_BLD).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        rotation = context.rotation(q.shape[-1])
        q, k = rotate(self.q_norm(q), rotation), rotate(self.k_norm(k), rotation)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """adaLN-Zero block: x += g1 Attn(mod(LN x)), x += g2 MLP(mod(LN x)). `number`, its depth, seeds its weights."""

    def __init__(self, attention: nn.Module, width: int, condition_width: int, number: int, mlp_ratio: float):
        super().__init__()
        self.number = number
        self.attention = attention
        inner = int(mlp_ratio * width)
        self.mlp = nn.Sequential(nn.Linear(width, inner), nn.GELU("tanh"), nn.Linear(inner, width))
        self.modulation = ZeroLinear(condition_width, 6 * width)

    def forward(self, x_BLD: torch.Tensor, context: Context) -> torch.Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = (
            self.modulation(context.condition_BD).unsqueeze(1).chunk(6, dim=-1)
        )
        x_BLD = torch.addcmul(x_BLD, gate1, self.attention(modulate(x_BLD, shift1, scale1), context))
        return torch.addcmul(x_BLD, gate2, self.mlp(modulate(x_BLD, shift2, scale2)))


class Blocks(nn.ModuleList):
    """Blocks one after the other."""

    def __init__(self, blocks: Iterable[Block] = ()):
        super().__init__(blocks)

    def forward(self, x_BLD: torch.Tensor, context: Context) -> torch.Tensor:
        for block in self:
            x_BLD = block(x_BLD, context)
        return x_BLD


class Projection(nn.Module):
    """Modulated norm, then a linear layer to another width: DiT's final layer, MaskDiT's way into its decoder."""

    def __init__(self, width: int, condition_width: int, out: int, zero: bool):
        super().__init__()
        self.modulation = ZeroLinear(condition_width, 2 * width)
        self.linear = (ZeroLinear if zero else nn.Linear)(width, out)

    def forward(self, x_BLD: torch.Tensor, context: Context) -> torch.Tensor:
        shift, scale = self.modulation(context.condition_BD).unsqueeze(1).chunk(2, dim=-1)
        return self.linear(modulate(x_BLD, shift, scale))


class TimeEmbedding(nn.Module):
    """256 sinusoids of t (cosines first, longest period 10000), then an MLP with one SiLU."""

    def __init__(self, width: int, sinusoids: int = 256):
        super().__init__()
        self.sinusoids = sinusoids
        self.mlp = nn.Sequential(nn.Linear(sinusoids, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, t_B: torch.Tensor) -> torch.Tensor:
        return self.mlp(sinusoids(t_B, self.sinusoids))


def sinusoids(t_B: torch.Tensor, count: int) -> torch.Tensor:
    """So many waves of t (B, count), cosines first, the longest period 10000."""
    half = count // 2
    frequencies = torch.exp(-math.log(10000.0) / half * torch.arange(half, dtype=torch.float32, device=t_B.device))
    angles = t_B.float().unsqueeze(1) * frequencies
    return torch.cat((angles.cos(), angles.sin()), dim=1)


def patchify(x_BCHW: torch.Tensor, patch: int) -> torch.Tensor:
    """Images to tokens (B, N, patch * patch * C), row-major over the grid, channels fastest inside a patch."""
    B, C, H, W = x_BCHW.shape
    x = x_BCHW.reshape(B, C, H // patch, patch, W // patch, patch)
    return x.permute(0, 2, 4, 3, 5, 1).reshape(B, -1, patch * patch * C)


def unpatchify(x_BNP: torch.Tensor, patch: int, channels: int) -> torch.Tensor:
    """The inverse of patchify, for square grids."""
    grid = math.isqrt(x_BNP.shape[1])
    x = x_BNP.reshape(x_BNP.shape[0], grid, grid, patch, patch, channels)
    return x.permute(0, 5, 1, 3, 2, 4).reshape(x_BNP.shape[0], channels, grid * patch, grid * patch)


def grid_places(grid: int) -> torch.Tensor:
    """(N, 2) row and column of each token, row-major."""
    axis = torch.arange(grid, dtype=torch.float32)
    return torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1).reshape(-1, 2)


def sincos_positions(width: int, grid: int) -> torch.Tensor:
    """Fixed 2-D sin-cos positions (N, width): first half for the column, second for the row, as in DiT and MAE."""
    frequencies = 10000.0 ** (-torch.arange(width // 4, dtype=torch.float64) / (width // 4))
    row, column = grid_places(grid).double().unbind(-1)
    angles = [place.unsqueeze(1) * frequencies for place in (column, row)]
    return torch.cat([wave for angle in angles for wave in (angle.sin(), angle.cos())], dim=1).float()
