"""Distances between two sets of features: what torch-fidelity computes, and beside it what it lacks.

    fd, fd_infinity       Frechet distance, and the same for infinitely many images (frechet.py)
    kid, kid_error        mean and standard deviation of the unbiased squared MMD over random subsets
                          (Binkowski et al., arXiv 1801.01401)
    kid_full              the same estimate once over all pairs, without the luck of subsets
    precision, recall     share of images within the other set's 3-nearest-neighbour balls (torch-fidelity;
                          Kynkaanniemi et al., arXiv 1904.06991)
    density, coverage     Naeem et al., arXiv 2002.09797, eq. 3 and 4, 5 nearest neighbours
    nearest               mean distance to the nearest reference image, in units of the features
    nearest_ratio         that over the same of reference images among themselves: near 0 where images are copies

Features are first put into an order of their own, so that the order of images changes no bit of any number. A number
that cannot be computed is None and has a reason, a sentence; nothing has a default.
"""

import math
from collections.abc import Callable

import numpy
import torch

from sprint.metrics.frechet import Gaussian, fd_infinity, fd_per_class, frechet_distance, statistics
from sprint.metrics.vision import ensure_torchvision

NAMES = (
    *("fd", "fd_infinity", "kid", "kid_error", "kid_full"),
    *("precision", "recall", "density", "coverage", "nearest", "nearest_ratio"),
)
SEED = 2020  # of every random subset; torch-fidelity's default
KID_SUBSETS, KID_SUBSET_SIZE = 100, 1000
KID_FULL_PAIRS = 10**8  # most pairs for kid_full: a minute at 2048 dimensions
PRECISION_NEIGHBOURS, COVERAGE_NEIGHBOURS = 3, 5
ROWS = 2048  # rows of a distance matrix held at once

Values = dict[str, float | None]
Reasons = dict[str, str]


def compute(features: torch.Tensor, reference: torch.Tensor | Gaussian) -> tuple[Values, Reasons]:
    """All NAMES for features (n, d) of samples against a reference: features (m, d), or a Gaussian (then only FD)."""
    values: Values = dict.fromkeys(NAMES)
    reasons: Reasons = {}
    try:
        features = canonical(_checked(features, "samples"))
        if not isinstance(reference, Gaussian):
            reference = canonical(_checked(reference, "reference images"))
    except Unavailable as reason:
        return values, dict.fromkeys(NAMES, str(reason))
    for names, group in GROUPS.items():
        try:
            values.update(zip(names, group(features, reference), strict=True))
        except Unavailable as reason:
            reasons.update(dict.fromkeys(names, str(reason)))
    for name, value in values.items():
        if value is not None and not math.isfinite(value):
            values[name], reasons[name] = None, f"came out as {value}"
    return values, reasons


class Unavailable(Exception):
    """Why a number cannot be computed from these features: a sentence without a full stop."""


def _checked(features: torch.Tensor, what: str) -> torch.Tensor:
    if len(features) < 2:
        raise Unavailable(f"needs at least 2 {what}, got {len(features)}")
    if not features.isfinite().all():
        raise Unavailable(f"features of the {what} hold values that are not finite")
    return features


def _needs_features(reference: torch.Tensor | Gaussian) -> None:
    if isinstance(reference, Gaussian):
        raise Unavailable("needs features of reference images; the reference holds only their mean and covariance")


def canonical(features: torch.Tensor) -> torch.Tensor:
    """The rows of features (n, d) in float64, in an order that depends on their values and not on how they came."""
    features = features.double()
    direction = torch.arange(1, features.shape[1] + 1, dtype=torch.float64).cos()
    return features[(features * direction).sum(1).argsort(stable=True)]


def _gaussian(reference: torch.Tensor | Gaussian) -> Gaussian:
    return reference if isinstance(reference, Gaussian) else statistics(reference)


def _frechet(features, reference) -> tuple[float]:
    return (frechet_distance(*_gaussian(reference), *statistics(features)),)


def _frechet_infinity(features, reference) -> tuple[float]:
    count, dimensions = features.shape
    if count <= 2 * dimensions:
        raise Unavailable(f"needs more than {2 * dimensions} samples (twice the dimensions), got {count}")
    return (fd_infinity(features, _gaussian(reference), SEED),)


def _kid(features, reference) -> tuple[float, float]:
    """Subsets hold at most half of either set, so that they differ from one another.

    The same subsets and numbers as torch-fidelity's, a twentieth of its time: it raises to a power, here we multiply.
    """
    _needs_features(reference)
    size = min(KID_SUBSET_SIZE, len(features) // 2, len(reference) // 2)
    if size < 2:
        raise Unavailable(f"needs at least 4 images on both sides, got {len(features)} and {len(reference)}")
    random = numpy.random.RandomState(SEED)
    found = torch.empty(KID_SUBSETS, dtype=torch.float64)
    for number in range(KID_SUBSETS):
        ours, theirs = (random.choice(len(rows), size, replace=False) for rows in (features, reference))
        found[number] = unbiased_mmd(features[ours], reference[theirs])
    return float(found.mean()), float(found.std(correction=0))


def _kid_full(features, reference) -> tuple[float]:
    _needs_features(reference)
    pairs = max(len(features), len(reference)) ** 2
    if pairs > KID_FULL_PAIRS:
        raise Unavailable(f"would take {pairs:.0e} pairs of images, more than {KID_FULL_PAIRS:.0e}; see kid")
    return (unbiased_mmd(features, reference),)


def unbiased_mmd(first: torch.Tensor, second: torch.Tensor) -> float:
    """Unbiased squared MMD of (n, d) and (m, d) with the kernel (x.y / d + 1)^3 (arXiv 1801.01401, eq. 3 and 4)."""

    def total(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        kernels = (rows @ b.T / b.shape[1] + 1 for rows in a.split(ROWS))
        return sum((kernel * kernel * kernel).sum() for kernel in kernels)

    def within(a: torch.Tensor) -> torch.Tensor:
        alone = (a.square().sum(1) / a.shape[1] + 1).pow(3).sum()
        return (total(a, a) - alone) / (len(a) * (len(a) - 1))

    return float(within(first) + within(second) - 2 * total(first, second) / (len(first) * len(second)))


def _precision_recall(features, reference) -> tuple[float, float]:
    _check_neighbours(PRECISION_NEIGHBOURS, features, reference)
    ensure_torchvision()
    from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

    settings = {"prc_neighborhood": PRECISION_NEIGHBOURS, "prc_batch_size": ROWS, "save_cpu_ram": True}
    result = prc_features_to_metric(features, reference, verbose=False, **settings)
    return result[KEY_METRIC_PRECISION], result[KEY_METRIC_RECALL]


def _density_coverage(features, reference) -> tuple[float, float]:
    """Density: reference balls around a sample, over k. Coverage: reference balls that hold a sample."""
    _check_neighbours(COVERAGE_NEIGHBOURS, reference)
    radius = torch.cat(
        [distances.kthvalue(COVERAGE_NEIGHBOURS + 1).values for distances in _rows(reference, reference)]
    )
    inside = [
        distances < ball.unsqueeze(1)
        for distances, ball in zip(_rows(reference, features), radius.split(ROWS), strict=True)
    ]
    held = torch.cat([rows.sum(1) for rows in inside])
    return float(held.sum() / (COVERAGE_NEIGHBOURS * len(features))), float((held > 0).double().mean())


def _nearest(features, reference) -> tuple[float]:
    _needs_features(reference)
    return (float(torch.cat([distances.amin(1) for distances in _rows(features, reference)]).mean()),)


def _nearest_ratio(features, reference) -> tuple[float]:
    _needs_features(reference)
    own = float(torch.cat([distances.kthvalue(2).values for distances in _rows(reference, reference)]).mean())
    if own == 0:
        raise Unavailable("all reference images have a twin: their distance to the nearest is 0")
    return (_nearest(features, reference)[0] / own,)


def _rows(first: torch.Tensor, second: torch.Tensor):
    """Euclidean distances (rows, m) from a few rows of the first set at a time to all of the second."""
    return (torch.cdist(rows, second) for rows in first.split(ROWS))


def _check_neighbours(neighbours: int, *sets: torch.Tensor | Gaussian) -> None:
    for features in sets:
        _needs_features(features)
        if len(features) <= neighbours:
            raise Unavailable(
                f"needs more than {neighbours} images to have {neighbours} neighbours, got {len(features)}"
            )


def class_frechet(
    features: torch.Tensor, labels: torch.Tensor, reference: torch.Tensor | Gaussian, reference_labels: torch.Tensor
) -> tuple[float | None, str]:
    """Mean over classes of the FD within a class, or None and the reason; arguments as in frechet.fd_per_class."""
    try:
        _needs_features(reference)
        features, reference = _checked(features, "samples"), _checked(reference, "reference images")
    except Unavailable as reason:
        return None, str(reason)
    per_class = fd_per_class(features, labels, reference, reference_labels)
    missing = sorted(set(reference_labels.tolist()) - per_class.keys())
    if missing:
        return None, f"needs at least 2 samples and 2 reference images of every class; class {missing[0]} has fewer"
    return sum(per_class.values()) / len(per_class), ""


GROUPS: dict[tuple[str, ...], Callable] = {
    ("fd",): _frechet,
    ("fd_infinity",): _frechet_infinity,
    ("kid", "kid_error"): _kid,
    ("kid_full",): _kid_full,
    ("precision", "recall"): _precision_recall,
    ("density", "coverage"): _density_coverage,
    ("nearest",): _nearest,
    ("nearest_ratio",): _nearest_ratio,
}
