"""Which shares of its tokens a rule of nn/tokens.py can drop, and how many it then keeps. No torch."""

import math

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


def _is_count(value: float) -> bool:
    return value > 0.5 and math.isclose(value, round(value), abs_tol=1e-6)
