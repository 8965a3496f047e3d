"""Squared maximum mean discrepancy with the kernel (x.y / d + 1)^3 (Binkowski et al., arXiv 1801.01401)."""

import numpy
import torch

from sprint.metrics import Evidence, Unavailable
from sprint.metrics.maths.rows import SEED, ours, theirs

SUBSETS, SUBSET_SIZE = 100, 1000
STRIP = 256  # rows whose pairs are looked at at once
MOST_PAIRS = 10**8  # of the estimate over all: a minute at 2048 dimensions


def over_subsets(evidence: Evidence) -> torch.Tensor:
    """Estimates float64 (SUBSETS,) over random subsets of at most half of either set, so that they differ.

    The same subsets and numbers as torch-fidelity's, a twentieth of its time: it raises to a power, here we multiply.
    """
    features, reference = evidence.once(ours), evidence.once(theirs)
    size = min(SUBSET_SIZE, len(features) // 2, len(reference) // 2)
    if size < 2:
        raise Unavailable(f"needs at least 4 images on both sides, got {len(features)} and {len(reference)}")
    random = numpy.random.RandomState(SEED)
    found = torch.empty(SUBSETS, dtype=torch.float64)
    for number in range(SUBSETS):
        mine, others = (random.choice(len(side), size, replace=False) for side in (features, reference))
        found[number] = unbiased_mmd(features[mine].double(), reference[others].double())
    return found


def over_all(evidence: Evidence) -> float:
    """The estimate over all pairs."""
    features, reference = evidence.once(ours), evidence.once(theirs)
    pairs = max(len(features), len(reference)) ** 2
    if pairs > MOST_PAIRS:
        raise Unavailable(f"would take {pairs:.0e} pairs of images, more than {MOST_PAIRS:.0e}; see kid")
    return unbiased_mmd(features.double(), reference.double())


def unbiased_mmd(first: torch.Tensor, second: torch.Tensor) -> float:
    """Unbiased squared MMD of (n, d) and (m, d) (eq. 3 and 4)."""

    def total(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        kernels = (a @ b.T).div_(b.shape[1]).add_(1)
        return (kernels * kernels * kernels).sum()

    def within(a: torch.Tensor) -> torch.Tensor:
        """Over pairs of different rows: twice those with rows before a strip, and those within it, without itself."""
        pairs = torch.zeros((), dtype=a.dtype)
        for start in range(0, len(a), STRIP):
            strip = a[start : start + STRIP]
            alone = (strip.square().sum(1) / a.shape[1] + 1).pow(3).sum()
            pairs += 2 * total(strip, a[:start]) + total(strip, strip) - alone
        return pairs / (len(a) * (len(a) - 1))

    across = sum(total(strip, second) for strip in first.split(STRIP))
    return float(within(first) + within(second) - 2 * across / (len(first) * len(second)))
