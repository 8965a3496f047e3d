"""Features as the distances take them: checked, in float64, in an order of their own, a few rows at a time.

The order makes that of images change no bit of any number.
"""

import torch

from sprint.metrics import Evidence, Unavailable
from sprint.metrics.maths.frechet import Gaussian, statistics

BLOCK = 2048  # rows of a matrix of pairs held at once
SEED = 2020  # of every random subset; torch-fidelity's default


def checked(features: torch.Tensor, what: str) -> torch.Tensor:
    """The features. Raises Unavailable for fewer than two rows and for values that are not finite."""
    if len(features) < 2:
        raise Unavailable(f"needs at least 2 {what}, got {len(features)}")
    if not features.isfinite().all():
        raise Unavailable(f"features of the {what} hold values that are not finite")
    return features


def ours(evidence: Evidence) -> torch.Tensor:
    """Features (n, d) of the generated images."""
    return canonical(checked(evidence.features, "samples"))


def theirs(evidence: Evidence) -> torch.Tensor:
    """Features (m, d) of the real images. Raises Unavailable where only their Gaussian is known."""
    return canonical(features_of_reference(evidence))


def features_of_reference(evidence: Evidence) -> torch.Tensor:
    """The same in the order in which they came."""
    if isinstance(evidence.reference, Gaussian):
        raise Unavailable("needs features of reference images; the reference holds only their mean and covariance")
    return checked(evidence.reference, "reference images")


def gaussians(evidence: Evidence) -> tuple[Gaussian, Gaussian]:
    """The Gaussians of the generated and of the real images."""
    own = statistics(evidence.once(ours))
    if isinstance(evidence.reference, Gaussian):
        return own, evidence.reference
    return own, statistics(evidence.once(theirs))


def canonical(features: torch.Tensor) -> torch.Tensor:
    """The rows of features (n, d) in float64, in an order that depends on their values and not on how they came."""
    features = features.double()
    direction = torch.arange(1, features.shape[1] + 1, dtype=torch.float64).cos()
    return features[(features * direction).sum(1).argsort(stable=True)]
