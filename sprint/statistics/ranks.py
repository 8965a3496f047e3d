"""Whether two lists put the same things in the same order: rank correlations of few points, and how sure they are.

Spearman's rho and Kendall's tau; tau's exact two-sided p-value (Kendall, Biometrika 30:81); an interval of tau by
drawing the points again with replacement, which with few points is wide and rough. No torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

FEWEST = 5  # points: with four even the same order has an exact p-value of 8%
DRAWS = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Order:
    """How far two lists agree in order; `low` and `high` bound tau."""

    points: int
    rho: float
    tau: float
    p: float
    low: float
    high: float


def order_of(first: Sequence[float], second: Sequence[float]) -> Order | None:
    """None with fewer points than FEWEST, or where one list is all alike."""
    if len(first) < FEWEST or len(set(first)) == 1 or len(set(second)) == 1:
        return None
    ties = len(set(first)) < len(first) or len(set(second)) < len(second)
    found = stats.kendalltau(first, second, method="asymptotic" if ties else "exact")
    low, high = _drawn_again(np.array(first), np.array(second))
    rho = stats.spearmanr(first, second).statistic
    return Order(len(first), float(rho), float(found.statistic), float(found.pvalue), low, high)


def _drawn_again(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """The middle 95% of tau over points drawn with replacement; draws of one point alone have none."""
    random, taus = np.random.default_rng(22), []
    for places in random.integers(len(first), size=(DRAWS, len(first))):
        if len({*first[places]}) > 1 and len({*second[places]}) > 1:
            taus.append(stats.kendalltau(first[places], second[places]).statistic)
    low, high = np.quantile(taus, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
