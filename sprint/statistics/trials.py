"""What a tuning chooses: the rate with the lowest mean loss, and whether better ones may lie beyond. No torch."""

import math
from statistics import fmean

Tried = dict[float, float]  # mean loss by rate, infinite where training diverged


def means(losses: dict[float, list[float]]) -> Tried:
    """The mean over seeds of every rate, in rising order of rates."""
    return {rate: fmean(losses[rate]) for rate in sorted(losses)}


def lowest(tried: Tried) -> tuple[float, bool] | None:
    """The rate with the lowest loss, and whether it is the first or last that was tried; None where all diverged."""
    best = min(tried, key=tried.__getitem__)
    return None if math.isinf(tried[best]) else (best, best in (min(tried), max(tried)))
