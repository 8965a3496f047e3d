"""Bootstrap replicates of an evaluation: the metrics again, over generated images drawn with replacement.

Replicate number b draws the same image indices for every run, method and guidance, because the draw is a function of b,
the number of images and their labels alone. As index i is the same noise and the same label everywhere, differences
between runs can be taken replicate by replicate (paired). Labels keep their shares: each class is drawn from itself.
The reference images stay as they are: they are the same for all. A metric that has them says so with
`replicates`.
"""

import math
from itertools import groupby

import torch

from sprint.metrics import METRICS, Evidence, Unavailable
from sprint.metrics.measuring import applies
from sprint.runtime.rng import generator

REPLICATES = 200


def resample(labels: torch.Tensor, replicates: int = REPLICATES) -> torch.Tensor:
    """How often each replicate draws each image: int64 (replicates, n), rows and classes keeping their sums.

    Classes are drawn from one after the other; neighbours of one size together, which gives the same numbers.
    """
    counts = torch.zeros(replicates, len(labels), dtype=torch.int64)
    sizes = labels.unique(return_counts=True)[1].tolist()
    runs = [torch.stack(list(run)) for _, run in groupby(labels.argsort(stable=True).split(sizes), len)]
    for number in range(replicates):
        draws = generator("bootstrap", number)
        for classes in runs:
            drawn = classes.gather(1, torch.randint(classes.shape[1], classes.shape, generator=draws)).flatten()
            counts[number].scatter_add_(0, drawn, torch.ones_like(drawn))
    return counts


def bootstrap(evidence: dict[str, Evidence], count: int, replicates: int = REPLICATES) -> dict[str, list[float]]:
    """{"fd/<extractor>": [...], "accuracy": [...]} of `count` images, each `replicates` long.

    A metric that cannot be had is left out. Where no labels were asked for, all images count as of one class.
    """
    asked = next((seen.labels for seen in evidence.values()), None)
    counts = resample(torch.zeros(count) if asked is None else asked, replicates)
    values = {}
    for extractor, seen in evidence.items():
        for name, metric in METRICS.items():
            if metric.replicates is not None and applies(metric, seen, extractor):
                found = _replicates(metric, seen, counts)
                if found and all(map(math.isfinite, found)):
                    values[f"{name}/{extractor}" if extractor else name] = found
    return values


def _replicates(metric, evidence: Evidence, counts: torch.Tensor) -> list[float]:
    try:
        return [rounded_off(value) for value in metric.replicates(evidence, counts)]
    except Unavailable:
        return []


def rounded_off(value: float) -> float:
    """Five significant digits: finer than the spread of replicates, and a file that can be read."""
    return float(f"{value:.5g}")
