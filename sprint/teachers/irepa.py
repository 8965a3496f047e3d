"""iREPA (arXiv 2512.10794): what matters of features is where they differ over the image.

Tokens are projected by one 3 x 3 convolution over their grid, on which dropped ones are zero; features lose their mean
over the image and are divided by their deviation.
"""

from dataclasses import dataclass

import torch
from torch import nn

from sprint.nn.tokens import put_back, take
from sprint.teachers import Teacher

EPSILON = 1e-6


@dataclass(frozen=True)
class IRepa(Teacher):
    title = "iREPA"
    cites = "arXiv 2512.10794"

    def projection(self, backbone):
        return GridConvolution(backbone.width, self.dim, backbone.grid)

    def target(self, features_BND):
        centred = features_BND - features_BND.mean(1, keepdim=True)
        return centred / (features_BND.std(1, keepdim=True) + EPSILON)


class GridConvolution(nn.Module):
    """The projection of tokens with their neighbours."""

    def __init__(self, width: int, dim: int, grid: int):
        super().__init__()
        self.grid, self.layer = grid, nn.Conv2d(width, dim, 3, padding=1)

    def forward(self, tokens_BLD: torch.Tensor, keep_BK: torch.Tensor | None) -> torch.Tensor:
        nowhere = tokens_BLD.new_zeros(1, self.grid**2, tokens_BLD.shape[-1])
        image = put_back(tokens_BLD, keep_BK, nowhere).transpose(1, 2).unflatten(2, (self.grid, self.grid))
        return take(self.layer(image).flatten(2).transpose(1, 2), keep_BK)
