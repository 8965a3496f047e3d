"""Frechet distance between Gaussians fitted to features (Heusel et al., arXiv 1706.08500, eq. 6), in float64.

    FD = |m1 - m2|^2 + tr C1 + tr C2 - 2 tr (C1^1/2 C2 C1^1/2)^1/2

The last trace is the sum of the square roots of the eigenvalues of a symmetric matrix. torch-fidelity takes the same
trace from the eigenvalues of C1 C2, which is not symmetric: equal to 12 digits, and slower.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import torch

SUBSETS = 15  # sizes between half and all of the images, as many as Chong & Forsyth take
WIDE = 256  # dimensions beyond which distances are taken in ways that make fewer covariances and roots
BLOCK = 8192  # rows whose products are taken at once; so many and fewer in one go
STRIP = 256  # rows of a symmetric matrix that are made at once, as far as its diagonal


class Gaussian(NamedTuple):
    """Mean (d,) and covariance (d, d) of features, float64."""

    mean: torch.Tensor
    covariance: torch.Tensor


def statistics(features: torch.Tensor) -> Gaussian:
    """The Gaussian of features (n, d), n >= 2; covariance normalised by n - 1, as FID has it."""
    count, width = features.shape
    if count <= BLOCK:
        features = features.double()
        return Gaussian(features.mean(0), torch.cov(features.T).reshape(width, width))
    moments = Moments(width)
    for block in features.split(BLOCK):
        moments.add(block)
    return moments.gaussian()


def frechet_distance(
    mean1: torch.Tensor, covariance1: torch.Tensor, mean2: torch.Tensor, covariance2: torch.Tensor
) -> float:
    """Frechet distance of two Gaussians given as (d,), (d, d) each; singular covariances are allowed."""
    return distance(Gaussian(mean1, covariance1), symmetric_root(covariance1), Gaussian(mean2, covariance2))


def frechet_distances(reference: Gaussian, others: Iterable[Gaussian]) -> list[float]:
    """FD of each of many Gaussians to one reference, whose root is taken once."""
    root = symmetric_root(reference.covariance)
    return [distance(reference, root, other) for other in others]


def frechet_influence(
    features: torch.Tensor, own: Gaussian, reference: Gaussian, root: torch.Tensor
) -> tuple[float, torch.Tensor]:
    """FD of features (n, d), whose Gaussian is `own`, to the reference, whose root is given, and the derivative (n,)
    of FD with respect to the weight of each row.

    With R the root of the reference covariance and P = (R C R)^1/2, d FD = 2 (m - m_ref) dm + tr[(1 - R P^-1 R) dC].
    The derivatives add up to zero; where P is singular its pseudo-inverse stands in.
    """
    product = root @ own.covariance @ root
    values, vectors = torch.linalg.eigh((product + product.T) / 2)
    inverse = torch.where(values > values.max() * 1e-10, values, torch.inf).rsqrt()
    half, shift = root @ vectors, own.mean - reference.mean
    parts = []
    for block in features.split(BLOCK):
        centred = block.double() - own.mean
        outer = centred.square().sum(1) - ((centred @ half).square_() * inverse).sum(1)
        parts.append(2 * centred @ shift + outer)
    change = torch.cat(parts)
    traces = reference.covariance.trace() + own.covariance.trace() - 2 * values.clamp(min=0).sqrt().sum()
    return float(shift @ shift + traces), change - change.mean()


def fd_infinity(
    features: torch.Tensor,
    reference: Gaussian,
    seed: int,
    root: torch.Tensor | None = None,
    own: Gaussian | None = None,
) -> float:
    """FD of features (n, d) extrapolated to infinitely many (Chong & Forsyth, arXiv 1911.07023, section 3.1).

    The bias of FD goes as 1/n: a line through FD against 1/n, over random subsets of growing size, meets 1/n = 0 there.
    Needs n > 2 d, so that every subset's covariance has full rank. `root` is that of the reference covariance, `own`
    the Gaussian of the features, if they are known. Beyond WIDE dimensions every subset holds the smaller ones, so that
    no image is looked at twice.
    """
    sizes = torch.linspace(len(features) / 2, len(features), SUBSETS).long()
    root = symmetric_root(reference.covariance) if root is None else root
    generator = torch.Generator().manual_seed(seed)
    if features.shape[1] > WIDE:
        order = torch.randperm(len(features), generator=generator)
        own = statistics(features) if own is None else own
        distances = list(_nested(features, order, sizes.flip(0).tolist(), own, reference, root))[::-1]
    else:
        distances = [distance(reference, root, subset) for subset in _apart(features, sizes, generator)]
    return _intercept(1 / sizes.double(), torch.tensor(distances, dtype=torch.float64))


def _apart(features: torch.Tensor, sizes: torch.Tensor, generator: torch.Generator) -> Iterator[Gaussian]:
    """The Gaussians of random subsets, each drawn by itself."""
    for size in sizes:
        yield statistics(features[torch.randperm(len(features), generator=generator)[:size]])


def _nested(
    features: torch.Tensor,
    order: torch.Tensor,
    sizes: list[int],
    own: Gaussian,
    reference: Gaussian,
    root: torch.Tensor,
) -> Iterator[float]:
    """FD of the first rows in that order, so many of them as each falling size says; the first is all, whose Gaussian
    is `own`.

    From the sums over all rows x, counted from their mean, those of the rows that leave are taken away. Of products
    only those of R x are kept, R the root of the reference covariance: they give R C R, whose eigenvalues FD needs.
    """
    freedom = len(features) - 1
    total, spread = torch.zeros_like(own.mean), own.covariance.trace() * freedom
    products = root @ own.covariance @ root * freedom
    for larger, size in pairwise([sizes[0], *sizes]):
        for leaving in order[size:larger].split(BLOCK):
            rows = features[leaving].double() - own.mean
            total -= rows.sum(0)
            spread = spread - rows.square().sum()
            add_products(products, rows @ root, -1)
        mean = total / size
        turned = mean @ root
        values = torch.linalg.eigvalsh((products - size * torch.outer(turned, turned)) / (size - 1))
        shift, trace = own.mean + mean - reference.mean, (spread - size * (mean @ mean)) / (size - 1)
        yield float(shift @ shift + reference.covariance.trace() + trace - 2 * values.clamp(min=0).sqrt().sum())


def add_products(total: torch.Tensor, rows: torch.Tensor, sign: int = 1) -> None:
    """Add to (d, d) the products X^T X of rows (n, d), to its lower triangle at least: above the diagonal of STRIP x
    STRIP blocks nothing is added, which halves the work, as the matrix is symmetric."""
    for first in range(0, len(total), STRIP):
        last = first + STRIP
        total[first:last, :last].addmm_(rows[:, first:last].T, rows[:, :last], alpha=sign)


class Moments:
    """Sums from which the Gaussian of rows follows that are seen a few at a time."""

    def __init__(self, width: int, origin: torch.Tensor | None = None):
        """`origin` (width,): about where their mean is, from which they are counted so that no digits are lost."""
        self.origin, self.count = origin, 0
        self.total = torch.zeros(width, dtype=torch.float64)
        self.products = torch.zeros(width, width, dtype=torch.float64)  # the lower triangle; above it less

    def add(self, features: torch.Tensor) -> None:
        """See rows (n, width)."""
        rows = features.double()
        self.origin = rows.mean(0) if self.origin is None and len(rows) else self.origin
        rows = rows if self.origin is None else rows - self.origin
        self.count += len(rows)
        self.total += rows.sum(0)
        add_products(self.products, rows)

    def gaussian(self) -> Gaussian:
        """Of at least two rows, as `statistics` has it."""
        mean = self.total / self.count
        scatter = mirrored(self.products) - self.count * torch.outer(mean, mean)
        return Gaussian(self.origin + mean, scatter / (self.count - 1))


def mirrored(lower: torch.Tensor) -> torch.Tensor:
    """The symmetric matrix (d, d) of that lower triangle."""
    return lower.tril() + lower.tril(-1).T


def pooled(parts: list[Moments]) -> Gaussian:
    """The Gaussian of the rows of all parts together."""
    parts = [part for part in parts if part.count]
    count = sum(part.count for part in parts)
    means = [part.origin + part.total / part.count for part in parts]
    mean = sum(own * (part.count / count) for own, part in zip(means, parts, strict=True))
    scatter = torch.zeros_like(parts[0].products)
    for own, part in zip(means, parts, strict=True):
        within = mirrored(part.products) - torch.outer(part.total, part.total) / part.count
        scatter += within + part.count * torch.outer(own - mean, own - mean)
    return Gaussian(mean, scatter / (count - 1))


def fd_per_class(
    features: torch.Tensor, labels: torch.Tensor, reference: torch.Tensor, reference_labels: torch.Tensor
) -> dict[int, float]:
    """FD within each class that has at least two images on both sides; features (n, d) and (m, d), labels (n,), (m,).

    Its bias is that of the images per class, so compare it only between sets of equal size.
    """
    distances = {}
    mine, others = _by_label(labels), _by_label(reference_labels)
    for label in sorted(mine.keys() & others.keys()):
        ours, theirs = features[mine[label]], reference[others[label]]
        if min(len(ours), len(theirs)) >= 2:
            few = features.shape[1] > WIDE and min(len(ours), len(theirs)) < features.shape[1]
            distances[label] = (
                frechet_of_few(ours, theirs) if few else frechet_distance(*statistics(theirs), *statistics(ours))
            )
    return distances


def _by_label(labels: torch.Tensor) -> dict[int, torch.Tensor]:
    """Places of the images of each label, in order."""
    found, counts = labels.unique(return_counts=True)
    return dict(zip(found.tolist(), labels.argsort(stable=True).split(counts.tolist()), strict=True))


def frechet_of_few(features: torch.Tensor, reference: torch.Tensor) -> float:
    """FD of rows (n, d) and (m, d) of which there are fewer than dimensions, on one side at least.

    Of rows X and Y from which their means are taken, the eigenvalues of C1 C2 are the squares of the singular values
    of X Y^T / sqrt((n - 1) (m - 1)): a matrix of n x m, and no covariance is made.
    """
    first, second = features.double(), reference.double()
    shift = first.mean(0) - second.mean(0)
    first, second = ((rows - rows.mean(0)) / (len(rows) - 1) ** 0.5 for rows in (first, second))
    cross = torch.linalg.svdvals(first @ second.T).sum()
    return float(shift @ shift + first.square().sum() + second.square().sum() - 2 * cross)


def weighted(rows: torch.Tensor, weights: torch.Tensor) -> Gaussian:
    """The Gaussian of features (n, d) float64 where row i stands weights[i] times."""
    count, weights = int(weights.sum()), weights.double().unsqueeze(1)
    mean = (rows * weights).sum(0) / count
    centred = rows - mean
    return Gaussian(mean, (centred * weights).T @ centred / (count - 1))


def distance(first: Gaussian, root: torch.Tensor, second: Gaussian) -> float:
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


def symmetric_root(covariance: torch.Tensor) -> torch.Tensor:
    """Symmetric square root of a positive semi-definite matrix (d, d); rounding below zero counts as zero."""
    values, vectors = torch.linalg.eigh(covariance.double())
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T
