"""What nearest neighbours tell: precision and recall, density and coverage, and the distance to the nearest."""

from collections.abc import Iterator

import torch

from sprint.data.vision import ensure_torchvision
from sprint.metrics import Evidence, Unavailable
from sprint.metrics.maths import rows
from sprint.metrics.maths.rows import ours, theirs

PRECISION, COVERAGE = 3, 5  # neighbours that a ball reaches to


def precision_recall(evidence: Evidence) -> tuple[float, float]:
    """Share of images within the other set's balls, both ways (torch-fidelity's)."""
    features, reference = evidence.once(ours), evidence.once(theirs)
    _check(PRECISION, features, reference)
    ensure_torchvision()
    from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

    settings = {"prc_neighborhood": PRECISION, "prc_batch_size": rows.BLOCK, "save_cpu_ram": True}
    result = prc_features_to_metric(features, reference, verbose=False, **settings)
    return result[KEY_METRIC_PRECISION], result[KEY_METRIC_RECALL]


def density_coverage(evidence: Evidence) -> tuple[float, float]:
    """Density: reference balls around a sample, over their neighbours. Coverage: reference balls that hold a sample."""
    features, reference = evidence.once(ours), evidence.once(theirs)
    _check(COVERAGE, reference)
    radius = torch.cat([far.kthvalue(COVERAGE + 1).values for far in _distances(reference, reference)])
    inside = [
        far < ball.unsqueeze(1)
        for far, ball in zip(_distances(reference, features), radius.split(rows.BLOCK), strict=True)
    ]
    held = torch.cat([block.sum(1) for block in inside])
    return float(held.sum() / (COVERAGE * len(features))), float((held > 0).double().mean())


def nearest(evidence: Evidence) -> float:
    """Mean distance of a sample to the nearest reference image."""
    features, reference = evidence.once(ours), evidence.once(theirs)
    return float(torch.cat([far.amin(1) for far in _distances(features, reference)]).mean())


def nearest_of_real(evidence: Evidence) -> float:
    """Mean distance of a reference image to the nearest other. Raises Unavailable where each has a twin."""
    reference = evidence.once(theirs)
    own = float(torch.cat([far.kthvalue(2).values for far in _distances(reference, reference)]).mean())
    if own == 0:
        raise Unavailable("all reference images have a twin: their distance to the nearest is 0")
    return own


def _distances(first: torch.Tensor, second: torch.Tensor) -> Iterator[torch.Tensor]:
    """Euclidean distances (rows, m) from a few rows of the first set at a time to all of the second."""
    return (torch.cdist(block, second) for block in first.split(rows.BLOCK))


def _check(neighbours: int, *sets: torch.Tensor) -> None:
    for features in sets:
        if len(features) <= neighbours:
            raise Unavailable(
                f"needs more than {neighbours} images to have {neighbours} neighbours, got {len(features)}"
            )
