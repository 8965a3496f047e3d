"""One threshold per claim, three outcomes: met, not met, not enough data; and the seeds that would be enough.

A claim says that an effect is at most a threshold, or at least (a ratio, a difference). Whether it is below or above is
asked by a two-sided t test of the effect against the threshold. Holm's step-down procedure over all claims tested
together keeps the chance that any decision is wrong below 5% (Holm, Scand. J. Stat. 6:65). No torch.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from sprint.statistics.blocks import Comparison

LEVEL = 0.95
POWER = 0.8  # with which `seeds_needed` seeds would decide
MOST_SEEDS = 1000  # past which no number is named

MET, NOT_MET, NOT_ENOUGH = "met", "not met", "not enough data"


@dataclass(frozen=True)
class Hypothesis:
    """An effect held against "at most `threshold`", or at least, on the scale on which it was compared."""

    comparison: Comparison
    threshold: float
    settings: int  # of the study whose variance is pooled; 2 where it is not
    upper: bool = True  # whether the effect may be at most as much; else at least

    @property
    def p(self) -> float:
        """Two-sided."""
        below = self.comparison.below(self.threshold)
        return 2 * min(below, 1 - below)

    @property
    def side(self) -> str:
        return within(self.comparison.difference, self.threshold, self.upper)


def within(effect: float, threshold: float, upper: bool) -> str:
    """MET or NOT_MET, of an effect that is known exactly."""
    return MET if (effect <= threshold if upper else effect >= threshold) else NOT_MET


def holm(p_values: list[float]) -> list[float]:
    """Adjusted p-values, each to be held against 1 - LEVEL."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def decide(tests: dict[str, Hypothesis]) -> dict[str, str]:
    """The outcome of every claim, all together."""
    adjusted = dict(zip(tests, holm([test.p for test in tests.values()]), strict=True))
    return {name: test.side if adjusted[name] < 1 - LEVEL else NOT_ENOUGH for name, test in tests.items()}


def seeds_needed(test: Hypothesis, alpha: float = 1 - LEVEL) -> int | None:
    """The least number of seeds that decides at `alpha` with POWER if effect and noise are as estimated.

    None where MOST_SEEDS would not do. With Holm over m claims the most careful `alpha` is (1 - LEVEL) / m.
    """
    comparison = test.comparison
    noise = comparison.error * (comparison.seeds / 2) ** 0.5  # of one value
    distance = abs(comparison.difference - test.threshold)
    if noise == 0:
        return comparison.seeds

    def power(seeds: int) -> float:
        freedom = (test.settings - 1) * (seeds - 1)
        shift = distance / (noise * (2 / seeds) ** 0.5)
        return float(stats.nct.sf(stats.t.ppf(1 - alpha / 2, freedom), freedom, shift))

    low, high = 2, MOST_SEEDS
    if not power(high) >= POWER:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= POWER else (middle + 1, high)
    return low
