"""Frechet distance between Gaussians fitted to features (Heusel et al., arXiv 1706.08500, eq. 6), in float64.

    FD = |m1 - m2|^2 + tr C1 + tr C2 - 2 tr (C1^1/2 C2 C1^1/2)^1/2

The last trace is the sum of the square roots of the eigenvalues of a symmetric matrix. torch-fidelity takes the same
trace from the eigenvalues of C1 C2, which is not symmetric: equal to 12 digits, and slower.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch

SUBSETS = 15  # sizes between half and all of the images, as many as Chong & Forsyth take


class Gaussian(NamedTuple):
    """Mean (d,) and covariance (d, d) of features, float64."""

    mean: torch.Tensor
    covariance: torch.Tensor


def statistics(features: torch.Tensor) -> Gaussian:
    """The Gaussian of features (n, d), n >= 2; covariance normalised by n - 1, as FID has it."""
    features = features.double()
    return Gaussian(features.mean(0), torch.cov(features.T).reshape(features.shape[1], features.shape[1]))


def frechet_distance(
    mean1: torch.Tensor, covariance1: torch.Tensor, mean2: torch.Tensor, covariance2: torch.Tensor
) -> float:
    """Frechet distance of two Gaussians given as (d,), (d, d) each; singular covariances are allowed."""
    return _distance(Gaussian(mean1, covariance1), _root(covariance1), Gaussian(mean2, covariance2))


def frechet_distances(reference: Gaussian, others: Iterable[Gaussian]) -> list[float]:
    """FD of each of many Gaussians to one reference, whose root is taken once."""
    root = _root(reference.covariance)
    return [_distance(reference, root, other) for other in others]


def frechet_influence(features: torch.Tensor, reference: Gaussian) -> tuple[float, torch.Tensor]:
    """FD of features (n, d) to the reference, and its derivative (n,) with respect to the weight of each row.

    With R the root of the reference covariance and P = (R C R)^1/2, d FD = 2 (m - m_ref) dm + tr[(1 - R P^-1 R) dC].
    The derivatives add up to zero; where P is singular its pseudo-inverse stands in.
    """
    own, root = statistics(features), _root(reference.covariance)
    product = root @ own.covariance @ root
    values, vectors = torch.linalg.eigh((product + product.T) / 2)
    inverse = torch.where(values > values.max() * 1e-10, values, torch.inf).rsqrt()
    half = root @ vectors
    centred = features.double() - own.mean
    outer = centred.square().sum(1) - ((centred @ half).square() * inverse).sum(1)
    change = 2 * centred @ (own.mean - reference.mean) + outer
    return _distance(reference, root, own), change - change.mean()


def fd_infinity(features: torch.Tensor, reference: Gaussian, seed: int) -> float:
    """FD of features (n, d) extrapolated to infinitely many (Chong & Forsyth, arXiv 1911.07023, section 3.1).

    The bias of FD goes as 1/n: a line through FD against 1/n, over random subsets of growing size, meets 1/n = 0 there.
    Needs n > 2 d, so that every subset's covariance has full rank.
    """
    count = len(features)
    generator = torch.Generator().manual_seed(seed)
    root = _root(reference.covariance)
    sizes = torch.linspace(count / 2, count, SUBSETS).long()
    subsets = (features[torch.randperm(count, generator=generator)[:size]] for size in sizes)
    distances = torch.tensor([_distance(reference, root, statistics(s)) for s in subsets], dtype=torch.float64)
    return _intercept(1 / sizes.double(), distances)


def fd_per_class(
    features: torch.Tensor, labels: torch.Tensor, reference: torch.Tensor, reference_labels: torch.Tensor
) -> dict[int, float]:
    """FD within each class that has at least two images on both sides; features (n, d) and (m, d), labels (n,), (m,).

    Its bias is that of the images per class, so compare it only between sets of equal size.
    """
    distances = {}
    for label in sorted(set(labels.tolist()) & set(reference_labels.tolist())):
        ours, theirs = features[labels == label], reference[reference_labels == label]
        if min(len(ours), len(theirs)) >= 2:
            distances[label] = frechet_distance(*statistics(theirs), *statistics(ours))
    return distances


def weighted(rows: torch.Tensor, weights: torch.Tensor) -> Gaussian:
    """The Gaussian of features (n, d) float64 where row i stands weights[i] times."""
    count, weights = int(weights.sum()), weights.double().unsqueeze(1)
    mean = (rows * weights).sum(0) / count
    centred = rows - mean
    return Gaussian(mean, (centred * weights).T @ centred / (count - 1))


def _distance(first: Gaussian, root: torch.Tensor, second: Gaussian) -> float:
    """FD where `root` is the symmetric square root of the first covariance."""
    product = root @ second.covariance.double() @ root
    cross = torch.linalg.eigvalsh((product + product.T) / 2).clamp(min=0).sqrt().sum()
    shift = first.mean.double() - second.mean.double()
    return float(shift @ shift + first.covariance.trace() + second.covariance.trace() - 2 * cross)


def _intercept(x: torch.Tensor, y: torch.Tensor) -> float:
    """Where the least-squares line through points (n,), (n,) meets x = 0. LAPACK's solver differs in its last bits from
    call to call, with the alignment of its memory; this does not."""
    deviation = x - x.mean()
    slope = (deviation * (y - y.mean())).sum() / deviation.square().sum()
    return float(y.mean() - slope * x.mean())


def _root(covariance: torch.Tensor) -> torch.Tensor:
    """Symmetric square root of a positive semi-definite matrix (d, d); rounding below zero counts as zero."""
    values, vectors = torch.linalg.eigh(covariance.double())
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T
