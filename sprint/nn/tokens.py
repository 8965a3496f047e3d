"""Which tokens to keep, taking them out, and putting them back. Tokens are numbered row-major over a square grid.

A rule draws keep_BK (B, K) int64: the kept tokens of each sample. Random keeps any K of N. Structured (SPRINT, arXiv
2510.21986) cuts the grid into n x n groups and keeps k tokens of each, at random, so that r = 1 - k / n^2.
"""

import torch

from sprint.nn.ratios import group, kept_count


def draw(rule: str, batch: int, grid: int, drop: float, generator: torch.Generator) -> torch.Tensor | None:
    """keep_BK for a batch, or None when nothing is dropped."""
    if drop == 0:
        return None
    if rule == "random":
        order = torch.rand(batch, grid * grid, generator=generator).argsort(dim=1)
        return order[:, : kept_count(rule, grid, drop)].sort(dim=1).values
    return _draw_structured(batch, grid, *group(grid, drop), generator)


def _draw_structured(batch: int, grid: int, side: int, kept: int, generator: torch.Generator) -> torch.Tensor:
    groups = grid // side
    inside = torch.rand(batch, groups, groups, side * side, generator=generator).argsort(dim=-1)[..., :kept]
    first = side * torch.arange(groups)
    row = first.view(1, -1, 1, 1) + inside // side
    column = first.view(1, 1, -1, 1) + inside % side
    return (row * grid + column).flatten(1).sort(dim=1).values


def take(x_BND: torch.Tensor, keep_BK: torch.Tensor | None) -> torch.Tensor:
    """The kept tokens (B, K, D), in the order of keep_BK; None keeps all."""
    if keep_BK is None:
        return x_BND
    return x_BND.gather(1, keep_BK.unsqueeze(-1).expand(-1, -1, x_BND.shape[-1]))


def put_back(x_BKD: torch.Tensor, keep_BK: torch.Tensor | None, base_BND: torch.Tensor) -> torch.Tensor:
    """`base_BND` (or what broadcasts to it) with the kept tokens in their places."""
    if keep_BK is None:
        return x_BKD
    base = base_BND.to(x_BKD.dtype).expand(x_BKD.shape[0], -1, x_BKD.shape[-1])
    return base.scatter(1, keep_BK.unsqueeze(-1).expand_as(x_BKD), x_BKD)
