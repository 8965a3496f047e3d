"""REPA, representation alignment (arXiv 2410.06940): each token by itself, through an MLP of three layers with SiLU."""

from dataclasses import dataclass

import torch
from torch import nn

from sprint.teachers import Teacher


@dataclass(frozen=True)
class Repa(Teacher):
    title = "REPA"
    cites = "arXiv 2410.06940"

    def projection(self, backbone):
        return TokenMLP(backbone.width, self.hidden, self.dim)


class TokenMLP(nn.Module):
    """The projection of tokens one by one."""

    def __init__(self, width: int, hidden: int, dim: int):
        super().__init__()
        first, second, last = nn.Linear(width, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, dim)
        self.layers = nn.Sequential(first, nn.SiLU(), second, nn.SiLU(), last)

    def forward(self, tokens_BLD: torch.Tensor, keep_BK: torch.Tensor | None) -> torch.Tensor:
        return self.layers(tokens_BLD)
