"""All metrics of a set of images at once: what is computed, and the reason where something is not."""

import math

import torch

from sprint.metrics import METRICS, Evidence, Unavailable
from sprint.metrics.maths.frechet import Gaussian

Values = dict[str, float | None]
Reasons = dict[str, str]


def evidence_of(
    features: dict[str, torch.Tensor],
    reference: dict[str, torch.Tensor | Gaussian],
    predicted: torch.Tensor | None = None,
    labels: torch.Tensor | None = None,
    reference_labels: torch.Tensor | None = None,
) -> dict[str, Evidence]:
    """Evidence by extractor; under "" that of no features.

    features: extractor -> (n, d) of the samples; reference: extractor -> (m, d), or a Gaussian (then only FD).
    predicted (n,) are the classifier's labels, labels (n,) those asked for.
    """
    found = {
        name: Evidence(ours, reference[name], labels, reference_labels, predicted) for name, ours in features.items()
    }
    return {**found, "": Evidence(None, None, labels, reference_labels, predicted)}


def measure(evidence: dict[str, Evidence]) -> tuple[Values, Reasons]:
    """Every metric of all evidence: ({"fd/digits-cnn": 41.2, ..., "accuracy": 0.97}, reasons of those None).

    Metrics of the labels asked for are left out where none were.
    """
    values: Values = {}
    reasons: Reasons = {}
    for extractor, seen in evidence.items():
        for name, metric in METRICS.items():
            if metric.per_extractor == bool(extractor) and (seen.labels is not None or not metric.labelled):
                full = f"{name}/{extractor}" if extractor else name
                values[full], reason = value_of(metric, seen)
                if reason:
                    reasons[full] = reason
    return values, reasons


def value_of(metric, evidence: Evidence) -> tuple[float | None, str]:
    """A metric's value, or None and the reason."""
    try:
        value = metric.compute(evidence)
    except Unavailable as reason:
        return None, str(reason)
    return (value, "") if math.isfinite(value) else (None, f"came out as {value}")
