"""What nearest neighbours tell: precision and recall, density and coverage, and the distance to the nearest.

All pairs of images are looked at once, a block of them at a time: nothing is held that grows with their product. At
most SAMPLES generated and REAL real images are (as published evaluations have it: Dhariwal & Nichol, arXiv 2105.05233),
of more as many, drawn at random, always the same. Up to EXACT products the distances are in float64; beyond, in float32
between features from which the mean of the real ones is taken, so that the rounding is of the distances' own size.
"""

from dataclasses import dataclass

import torch

from sprint.metrics import Evidence, Unavailable
from sprint.metrics.maths import rows
from sprint.metrics.maths.rows import drawn, in_double, ours, theirs

PRECISION, COVERAGE = 3, 5  # neighbours that a ball reaches to
SAMPLES, REAL = 50_000, 10_000
GROUP = 32  # distances of which the smallest is looked at first
EXACT = 10**11  # products of two numbers in all distances of the larger set within itself


@dataclass(frozen=True)
class Crossed:
    """What the distances between generated and real images come to."""

    nearest: torch.Tensor  # (n,) distance of a generated image to the nearest real one
    real: torch.Tensor  # (n,) whether it lies within the PRECISION-ball of a real one
    reached: torch.Tensor  # (m,) whether a real one lies within the PRECISION-ball of a generated one
    held: torch.Tensor  # (m,) generated ones within the COVERAGE-ball of a real one


def precision_recall(evidence: Evidence) -> tuple[float, float]:
    """Share of images within the other set's balls, both ways (torch-fidelity's)."""
    sets = evidence.once(_sets)
    _check(PRECISION, sets.features, sets.reference)
    found = evidence.once(_crossed)
    return found.real.float().mean().item(), found.reached.float().mean().item()


def density_coverage(evidence: Evidence) -> tuple[float, float]:
    """Density: reference balls around a sample, over their neighbours. Coverage: reference balls that hold a sample."""
    _check(COVERAGE, evidence.once(_sets).reference)
    held = evidence.once(_crossed).held
    return float(held.sum() / (COVERAGE * len(evidence.once(_sets).features))), float((held > 0).double().mean())


def nearest(evidence: Evidence) -> float:
    """Mean distance of a sample to the nearest reference image."""
    return float(evidence.once(_crossed).nearest.mean())


def nearest_of_real(evidence: Evidence) -> float:
    """Mean distance of a reference image to the nearest other. Raises Unavailable where each has a twin."""
    own = float(evidence.once(_near_real)[:, 1].contiguous().mean())
    if own == 0:
        raise Unavailable("all reference images have a twin: their distance to the nearest is 0")
    return own


@dataclass(frozen=True)
class Sets:
    """Features of the samples and of the real images that are looked at, and how they are brought near zero."""

    features: torch.Tensor
    reference: torch.Tensor
    origin: torch.Tensor | None  # (d,) float32, which is taken off; None: distances are in float64

    def near_zero(self, block: torch.Tensor) -> torch.Tensor:
        """A block of rows as their distances are taken."""
        return block.double() if self.origin is None else block.float() - self.origin


def _sets(evidence: Evidence) -> Sets:
    features, reference = drawn(evidence.once(ours), SAMPLES), drawn(evidence.once(theirs), REAL)
    if max(len(features), len(reference)) ** 2 * features.shape[1] <= EXACT:
        return Sets(features, reference, None)
    return Sets(features, reference, (sum(block.sum(0) for block in in_double(reference)) / len(reference)).float())


def _near_real(evidence: Evidence) -> torch.Tensor:
    sets = evidence.once(_sets)
    return _smallest(sets.reference, sets, COVERAGE + 1)


def _crossed(evidence: Evidence) -> Crossed:
    """One pass over all pairs of a sample and a real image. Balls of too few images hold none."""
    sets = evidence.once(_sets)
    small, large = _radius(evidence.once(_near_real), PRECISION), _radius(evidence.once(_near_real), COVERAGE)
    around = _radius(_smallest(sets.features, sets, PRECISION + 1), PRECISION)
    count, real = len(sets.features), len(sets.reference)
    found = Crossed(
        torch.full((count,), torch.inf, dtype=around.dtype),
        torch.zeros(count, dtype=torch.bool),
        torch.zeros(real, dtype=torch.bool),
        torch.zeros(real, dtype=torch.int64),
    )
    for mine in _places(count):
        block = sets.near_zero(sets.features[mine])
        for other in _places(real):
            far = torch.cdist(block, sets.near_zero(sets.reference[other]))
            torch.minimum(found.nearest[mine], far.amin(1), out=found.nearest[mine])
            found.real[mine] |= (far <= small[other]).any(1)
            found.reached[other] |= (far <= around[mine].unsqueeze(1)).any(0)
            found.held[other] += (far < large[other]).sum(0)
    return found


def _smallest(features: torch.Tensor, sets: Sets, count: int) -> torch.Tensor:
    """(n, count) distances of every row to its nearest ones, itself the first; fewer where there are fewer rows.

    Each pair of blocks serves the rows of both.
    """
    parts = _places(len(features))
    found: list[torch.Tensor | None] = [None] * len(parts)
    for first, mine in enumerate(parts):
        block = sets.near_zero(features[mine])
        for second in range(first, len(parts)):
            far = torch.cdist(block, sets.near_zero(features[parts[second]]))
            found[first] = _merged(found[first], far, count)
            if second > first:
                found[second] = _merged(found[second], far.T.contiguous(), count)
    return torch.cat(found)


def _merged(found: torch.Tensor | None, far: torch.Tensor, count: int) -> torch.Tensor:
    """The smallest of each row of both, ascending."""
    least = _least(far, count)
    both = least if found is None else torch.cat([found, least], 1)
    return both.sort(1).values[:, :count]


def _least(far: torch.Tensor, count: int) -> torch.Tensor:
    """(a, count) the smallest of each row (a, b), ascending; fewer where b is less.

    They lie in no more than `count` groups of the columns: in those with the smallest minima. Only these are looked at
    one by one, and the columns that fill no group.
    """
    groups = far.shape[1] // GROUP
    if groups <= count:
        return far.topk(min(count, far.shape[1]), largest=False).values
    grouped = far[:, : groups * GROUP].unflatten(1, (GROUP, groups))
    chosen = grouped.amin(1).topk(count, largest=False).indices
    held = grouped.gather(2, chosen.unsqueeze(1).expand(-1, GROUP, -1)).flatten(1)
    return torch.cat([held, far[:, groups * GROUP :]], 1).topk(count, largest=False).values


def _radius(near: torch.Tensor, neighbours: int) -> torch.Tensor:
    """Distance to the neighbour of that number; below any where there are too few."""
    return near[:, neighbours].contiguous() if near.shape[1] > neighbours else near.new_full((len(near),), -1.0)


def _places(count: int) -> list[slice]:
    return [slice(start, min(start + rows.BLOCK, count)) for start in range(0, count, rows.BLOCK)]


def _check(neighbours: int, *sets: torch.Tensor) -> None:
    for features in sets:
        if len(features) <= neighbours:
            raise Unavailable(
                f"needs more than {neighbours} images to have {neighbours} neighbours, got {len(features)}"
            )
