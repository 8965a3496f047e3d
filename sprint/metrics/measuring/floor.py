"""The floor of every metric: one random half of the real images against the other, the mean over several splits."""

import statistics
from collections.abc import Iterable

import torch

from sprint.metrics import Evidence
from sprint.metrics.maths.frechet import Gaussian
from sprint.metrics.measuring import Reasons, Values, evidence_of, measure

SPLITS = 5


def halves(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Indices of two random halves of `count` images, disjoint, of equal size (an odd one out is left)."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return order[: count // 2], order[count // 2 : count // 2 * 2]


def floor_of(
    features: dict[str, torch.Tensor | Gaussian], told: Evidence, apart: Iterable[str]
) -> tuple[Values, Reasons, Values]:
    """The floor of all extractors; those `apart` have images of their own, without labels, or no more than a Gaussian,
    which has no floor."""
    apart = list(apart)
    found = [floor({name: rows for name, rows in features.items() if name.partition("/")[0] not in apart}, told)]
    for extractor in apart:
        rows = {name: one for name, one in features.items() if name.partition("/")[0] == extractor}
        if not any(isinstance(one, Gaussian) for one in rows.values()):
            found.append(floor(rows, Evidence()))
    values, reasons, deviations = (
        {key: one for part in parts for key, one in part.items()} for parts in zip(*found, strict=True)
    )
    return values, reasons, deviations


def floor(features: dict[str, torch.Tensor], told: Evidence, splits: int = SPLITS) -> tuple[Values, Reasons, Values]:
    """Metrics of a half of the real features {extractor: (m, d)} against the other half: the mean over random splits,
    the reasons of those missing, and the standard deviation between splits.

    told: of the real images, their labels as those asked for.
    """
    if not features:
        return {}, {}, {}
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
    ours, theirs = halves(len(next(iter(features.values()))), seed)
    of_images = ("labels", "predicted", "cells", "obeyed")
    mine = {name: getattr(told, name)[ours] for name in of_images if getattr(told, name) is not None}
    labels = None if told.labels is None else told.labels[theirs]
    return measure(
        evidence_of(
            {name: rows[ours] for name, rows in features.items()},
            {name: rows[theirs] for name, rows in features.items()},
            Evidence(reference_labels=labels, **mine),
        )
    )
