"""Features as the distances take them: checked, in an order of their own, a few rows at a time.

The order makes that of images change no bit of any number. No copy in float64 is held: what needs it converts a block.
"""

from collections.abc import Iterator

import torch

from sprint.metrics import Evidence, Unavailable
from sprint.metrics.maths.frechet import Gaussian, statistics, symmetric_root
from sprint.runtime.rng import generator

BLOCK = 2048  # rows of either side of a matrix of pairs held at once
MOST = 50_000  # real images whose features are looked at one by one; of more, as many are drawn, always the same
SEED = 2020  # of every random subset; torch-fidelity's default


def checked(features: torch.Tensor, what: str) -> torch.Tensor:
    """The features. Raises Unavailable for fewer than two rows and for values that are not finite."""
    if len(features) < 2:
        raise Unavailable(f"needs at least 2 {what}, got {len(features)}")
    if not all(block.isfinite().all() for block in features.split(BLOCK)):
        raise Unavailable(f"features of the {what} hold values that are not finite")
    return features


def ours(evidence: Evidence) -> torch.Tensor:
    """Features (n, d) of the generated images, in the precision in which they came."""
    return canonical(checked(evidence.features, "samples"))


def theirs(evidence: Evidence) -> torch.Tensor:
    """Features (m, d) of the real images, at most MOST. Raises Unavailable where only their Gaussian is known."""
    return canonical(drawn(features_of_reference(evidence), MOST))


def features_of_reference(evidence: Evidence) -> torch.Tensor:
    """Those of all real images, in the order in which they came."""
    if isinstance(evidence.reference, Gaussian):
        raise Unavailable("needs features of reference images; the reference holds only their mean and covariance")
    return checked(evidence.reference, "reference images")


def gaussians(evidence: Evidence) -> tuple[Gaussian, Gaussian]:
    """The Gaussians of the generated and of the real images."""
    own = statistics(evidence.once(ours))
    if evidence.moments is not None or isinstance(evidence.reference, Gaussian):
        return own, evidence.reference if evidence.moments is None else evidence.moments
    few = len(evidence.reference) <= MOST
    return own, statistics(evidence.once(theirs) if few else features_of_reference(evidence))


def root_of_reference(evidence: Evidence) -> torch.Tensor:
    """The symmetric root (d, d) of the covariance of the real images."""
    return symmetric_root(evidence.once(gaussians)[1].covariance)


def drawn(features: torch.Tensor, most: int) -> torch.Tensor:
    """The rows; of more than `most` so many, drawn at random by their place, always the same."""
    return features if len(features) <= most else features[places_drawn(len(features), most)]


def places_drawn(count: int, most: int) -> torch.Tensor:
    """Of so many rows the rising places of at most `most`, drawn at random, always the same."""
    if count <= most:
        return torch.arange(count)
    return torch.randperm(count, generator=generator("rows", count, most))[:most].sort().values


def canonical(features: torch.Tensor) -> torch.Tensor:
    """The rows of features (n, d) in an order that depends on their values and not on how they came."""
    direction = torch.arange(1, features.shape[1] + 1, dtype=torch.float64).cos()
    places = [(block * direction).sum(1) for block in in_double(features)]
    return features[torch.cat(places).argsort(stable=True)]


def in_double(features: torch.Tensor) -> Iterator[torch.Tensor]:
    """A block of rows at a time, in float64."""
    return (block.double() for block in features.split(BLOCK))
