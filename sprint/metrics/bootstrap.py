"""Bootstrap replicates of an evaluation: the metrics again, over generated images drawn with replacement.

Replicate number b draws the same image indices for every run, method and guidance, because the draw is a function of b,
the number of images and their labels alone. As index i is the same noise and the same label everywhere, differences
between runs can be taken replicate by replicate (paired). Labels keep their shares: each class is drawn from itself.
The reference images stay as they are: they are the same for all.
"""

import math

import torch

from sprint.metrics.frechet import Gaussian, frechet_distances, frechet_influence, statistics
from sprint.runtime.rng import generator

REPLICATES = 200
EXACT = 256  # most dimensions at which every replicate's distance is computed; above, it is linearised


def resample(labels: torch.Tensor, replicates: int = REPLICATES) -> torch.Tensor:
    """How often each replicate draws each image: int64 (replicates, n), rows and classes keeping their sums."""
    counts = torch.zeros(replicates, len(labels), dtype=torch.int64)
    classes = [(labels == label).nonzero().squeeze(1) for label in labels.unique()]
    for number in range(replicates):
        draws = generator("bootstrap", number)
        for members in classes:
            drawn = members[torch.randint(len(members), (len(members),), generator=draws)]
            counts[number].scatter_add_(0, drawn, torch.ones_like(drawn))
    return counts


def bootstrap(
    features: dict[str, torch.Tensor],
    reference: dict[str, torch.Tensor | Gaussian],
    predicted: torch.Tensor | None,
    labels: torch.Tensor,
    replicates: int = REPLICATES,
) -> dict[str, list[float]]:
    """{"fd/<extractor>": [...], "accuracy": [...]}, each `replicates` long; a metric that cannot be had is left out."""
    counts, values = resample(labels, replicates), {}
    for name, rows in features.items():
        theirs = reference[name] if isinstance(reference[name], Gaussian) else statistics(reference[name])
        enough = len(rows) >= 2 and (rows.shape[1] <= EXACT or len(rows) > rows.shape[1])
        if enough and rows.isfinite().all():
            values[f"fd/{name}"] = distances(rows.double(), theirs, counts)
    if predicted is not None and len(labels):
        values["accuracy"] = (counts.double() @ (predicted == labels).double() / len(labels)).tolist()
    rounded = {name: [rounded_off(value) for value in found] for name, found in values.items()}
    return {name: found for name, found in rounded.items() if all(map(math.isfinite, found))}


def distances(rows: torch.Tensor, reference: Gaussian, counts: torch.Tensor) -> list[float]:
    """FD of each replicate of features (n, d) float64 to the reference.

    Beyond EXACT dimensions a replicate's distance is that of all images plus the first-order change with its weights
    (the infinitesimal jackknife): one eigendecomposition in all instead of one a replicate. It needs more images than
    dimensions: where a covariance is singular, its root has no derivative.
    """
    if rows.shape[1] <= EXACT:
        return frechet_distances(reference, (weighted(rows, weights) for weights in counts))
    distance, influence = frechet_influence(rows, reference)
    return (distance + counts.double() @ influence / len(rows)).tolist()


def weighted(rows: torch.Tensor, weights: torch.Tensor) -> Gaussian:
    """The Gaussian of features (n, d) float64 where row i stands weights[i] times."""
    count, weights = int(weights.sum()), weights.double().unsqueeze(1)
    mean = (rows * weights).sum(0) / count
    centred = rows - mean
    return Gaussian(mean, (centred * weights).T @ centred / (count - 1))


def rounded_off(value: float) -> float:
    """Five significant digits: finer than the spread of replicates, and a file that can be read."""
    return float(f"{value:.5g}")
