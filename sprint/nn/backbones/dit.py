"""DiT (arXiv 2212.09748) and SiT (arXiv 2401.08740): adaLN-Zero blocks, conditioned on the sum of time and label.

Positions are fixed 2-D sin-cos waves added once, or, as in SPRINT's backbone, a 2-D rotary turn of q and k.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from sprint.nn.backbones import Backbone
from sprint.nn.layers import (
    Attention,
    Block,
    Context,
    Projection,
    TimeEmbedding,
    grid_places,
    patchify,
    sincos_positions,
)


@dataclass(frozen=True)
class DiT(Backbone):
    title = "DiT / SiT"
    cites = "arXiv 2212.09748, 2401.08740"

    def embedding(self, channels: int, classes: int) -> dict[str, nn.Module]:
        return {
            "patches": nn.Linear(self.patch**2 * channels, self.width),
            "time": TimeEmbedding(self.width),
            "labels": nn.Embedding(classes + 1, self.width),
            "places": Places(self.width, self.grid, self.positions == "rope2d"),
        }

    def embed(self, network: nn.Module, x_BCHW, t_B, y_B) -> tuple[torch.Tensor, Context]:
        tokens = network.patches(patchify(x_BCHW, self.patch))
        if network.places.positions_ND is not None:
            tokens = tokens + network.places.positions_ND
        condition_BD = F.silu(network.time(t_B) + network.labels(y_B))
        return tokens, Context(condition_BD, network.places.places_1N2, t_B)

    def output(self, width: int, channels: int) -> nn.Module:
        return Projection(width, self.width, self.patch**2 * channels, zero=True)

    def block(self, number: int, width: int = 0, heads: int = 0, attention: nn.Module | None = None) -> Block:
        width, heads = width or self.width, heads or self.heads
        return Block(attention or Attention(width, heads, self.qk_norm), width, self.width, number, self.mlp_ratio)


class Places(nn.Module):
    """Where tokens stand: for rotary positions their rows and columns, else the waves to be added. Not saved."""

    def __init__(self, width: int, grid: int, rotary: bool):
        super().__init__()
        places_1N2, positions_ND = grid_places(grid).unsqueeze(0), sincos_positions(width, grid)
        self.register_buffer("places_1N2", places_1N2 if rotary else None, persistent=False)
        self.register_buffer("positions_ND", None if rotary else positions_ND, persistent=False)
