"""The floor of every metric: one random half of the real images against the other half."""

import torch

from sprint.metrics.measuring import Reasons, Values, evidence_of, measure


def halves(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Indices of two random halves of `count` images, disjoint, of equal size (an odd one out is left)."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return order[: count // 2], order[count // 2 : count // 2 * 2]


def floor(
    features: dict[str, torch.Tensor], predicted_labels: torch.Tensor | None, labels: torch.Tensor, seed: int = 0
) -> tuple[Values, Reasons]:
    """Metrics and reasons of a half of the real features {extractor: (m, d)} measured against the other half."""
    ours, theirs = halves(len(labels), seed)
    return measure(
        evidence_of(
            {name: rows[ours] for name, rows in features.items()},
            {name: rows[theirs] for name, rows in features.items()},
            None if predicted_labels is None else predicted_labels[ours],
            labels[ours],
            labels[theirs],
        )
    )
