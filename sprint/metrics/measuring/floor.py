"""The floor of every metric: one random half of the real images against the other, the mean over several splits."""

import statistics

import torch

from sprint.metrics import Evidence
from sprint.metrics.measuring import Reasons, Values, evidence_of, measure

SPLITS = 5


def halves(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Indices of two random halves of `count` images, disjoint, of equal size (an odd one out is left)."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return order[: count // 2], order[count // 2 : count // 2 * 2]


def floor(features: dict[str, torch.Tensor], told: Evidence, splits: int = SPLITS) -> tuple[Values, Reasons, Values]:
    """Metrics of a half of the real features {extractor: (m, d)} against the other half: the mean over random splits,
    the reasons of those missing, and the standard deviation between splits.

    told: of the real images, their labels as those asked for.
    """
    found = [_split(features, told, seed) for seed in range(splits)]
    means, deviations, reasons = {}, {}, {}
    for name in found[0][0]:
        values = [values[name] for values, _ in found if values[name] is not None]
        whole = len(values) == splits
        means[name] = sum(values) / splits if whole else None
        deviations[name] = statistics.stdev(values) if whole and splits > 1 else None
        if not whole:
            reasons[name] = next(said[name] for _, said in found if name in said)
    return means, reasons, deviations


def _split(features: dict[str, torch.Tensor], told: Evidence, seed: int) -> tuple[Values, Reasons]:
    ours, theirs = halves(len(told.labels), seed)
    of_images = ("labels", "predicted", "cells", "obeyed")
    mine = {name: getattr(told, name)[ours] for name in of_images if getattr(told, name) is not None}
    return measure(
        evidence_of(
            {name: rows[ours] for name, rows in features.items()},
            {name: rows[theirs] for name, rows in features.items()},
            Evidence(reference_labels=told.labels[theirs], **mine),
        )
    )
