"""The mean over a few seeds and a few hundred images of one setting, with its interval. (Two settings: effects.py.)

An evaluation has its value on all images and bootstrap replicates, in which number b drew the same images everywhere
(metrics/bootstrap.py). The interval of a mean over n seeds resamples both: each draw moves the mean by the deviation of
one replicate, the same number for every seed, and by Student's t with n - 1 degrees of freedom times the standard error
over seeds. Drawing the seeds themselves with replacement would be the plain bootstrap; with two or three of them it
holds half of what it promises, while this is exact for normal seeds. Replicates count as deviations from their mean,
because resampling raises a Frechet distance by its own bias. With one seed there is no interval.
No torch: the report imports this.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import stdtrit

DRAWS = 4000
LEVEL = 0.95


@dataclass(frozen=True)
class Sample:
    """One metric of one evaluation: on all images, and its replicates (none where they were not made)."""

    value: float
    replicates: tuple[float, ...] = ()

    def through(self, function) -> "Sample":
        """The same of a function of the metric."""
        return Sample(float(function(self.value)), tuple(float(function(value)) for value in self.replicates))


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds; `low` and `high` bound it at LEVEL and are None with one seed."""

    mean: float
    seeds: int
    low: float | None = None
    high: float | None = None


def estimate(samples: list[Sample]) -> Estimate:
    """The mean over seeds of one metric; one sample a seed."""
    values = np.array([sample.value for sample in samples])
    mean, count = float(values.mean()), len(values)
    if count < 2:
        return Estimate(mean, count)
    random = np.random.default_rng(20)
    error = values.std(ddof=1) / count**0.5
    draws = mean + error * random.permutation(_student(count - 1)) + _image_noise(samples, random)
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(mean, count, float(low), float(high))


@cache
def _student(freedom: int) -> np.ndarray:
    """DRAWS quantiles of Student's t, evenly spaced: a sample without the luck of one."""
    return stdtrit(freedom, (np.arange(DRAWS) + 0.5) / DRAWS)


def _image_noise(samples: list[Sample], random: np.random.Generator) -> np.ndarray:
    """Deviations of the mean over seeds in DRAWS replicates drawn from those that there are."""
    shortest = min(len(sample.replicates) for sample in samples)
    if shortest == 0:
        return np.zeros(DRAWS)
    noise = np.array([sample.replicates[:shortest] for sample in samples]).mean(axis=0)
    return (noise - noise.mean())[random.integers(shortest, size=DRAWS)]


def positive(samples: list[Sample]) -> bool:
    """Whether a logarithm of all of them exists."""
    return all(min(sample.value, *sample.replicates, np.inf) > 0 for sample in samples)


def mean_of(samples: list[Sample], logarithmic: bool = False) -> Estimate:
    """The arithmetic mean over seeds; a logarithmic interval is never below zero."""
    mean = float(np.mean([sample.value for sample in samples]))
    if not logarithmic or not positive(samples):
        return estimate(samples)
    found = estimate([sample.through(np.log) for sample in samples])
    if found.low is None:
        return Estimate(mean, found.seeds)
    around = np.exp([found.low - found.mean, found.high - found.mean]) * mean
    return Estimate(mean, found.seeds, float(around[0]), float(around[1]))
