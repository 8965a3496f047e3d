"""Which tokens to keep, taking them out, and putting them back. Tokens are numbered row-major over a square grid.

A rule draws keep_BK (B, K) int64: the kept tokens of each sample. Random keeps any K of N. Structured (SPRINT, arXiv
2510.21986) cuts the grid into n x n groups and keeps k tokens of each, at random, so that r = 1 - k / n^2.
"""

import math

import torch

from sprint.runtime.errors import UserError

RULES = ("random", "structured")


def kept_count(rule: str, grid: int, drop: float) -> int:
    """K, the number of tokens that remain. Raises UserError, naming what is possible, for an impossible ratio."""
    if rule not in RULES:
        raise UserError(f"subsampling is {rule!r}; allowed: {', '.join(RULES)}")
    if rule == "structured":
        side, kept = group(grid, drop)
        return kept * (grid // side) ** 2
    kept = grid * grid * (1 - drop)
    if not _is_count(kept) or not 0 <= drop < 1:
        raise UserError(
            f"drop is {drop}; {grid * grid} tokens can drop k/{grid * grid} for k = 0 to {grid * grid - 1}, "
            f"such as {nearest_ratios(rule, grid, drop)}"
        )
    return round(kept)


def group(grid: int, drop: float) -> tuple[int, int]:
    """(n, k): the smallest side n of groups, dividing the grid, of which k whole tokens make up 1 - drop."""
    for side in range(1, grid + 1):
        kept = side * side * (1 - drop)
        if grid % side == 0 and _is_count(kept) and 0 <= drop < 1:
            return side, round(kept)
    raise UserError(
        f"drop is {drop}; structured subsampling of a {grid} x {grid} grid can drop 1 - k/n^2 with n dividing {grid}, "
        f"such as {nearest_ratios('structured', grid, drop)}"
    )


def nearest_ratios(rule: str, grid: int, drop: float, count: int = 6) -> str:
    """The realisable ratios nearest to `drop`, as text."""
    sides = [n for n in range(1, grid + 1) if grid % n == 0] if rule == "structured" else [grid]
    ratios = {1 - k / (n * n) for n in sides for k in range(1, n * n + 1)}
    return ", ".join(f"{ratio:.10g}" for ratio in sorted(sorted(ratios, key=lambda ratio: abs(ratio - drop))[:count]))


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


def _is_count(value: float) -> bool:
    return value > 0.5 and math.isclose(value, round(value), abs_tol=1e-6)
