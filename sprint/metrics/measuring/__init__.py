"""All metrics of a set of images at once: what is computed, and the reason where something is not."""

import math
from collections.abc import Container
from dataclasses import replace

import torch

from sprint.metrics import METRICS, Evidence, Metric, Unavailable
from sprint.metrics.extractors import extractor_named
from sprint.metrics.maths.frechet import Gaussian

Values = dict[str, float | None]
Reasons = dict[str, str]
NOTHING = Evidence()


def evidence_of(
    features: dict[str, torch.Tensor],
    reference: dict[str, torch.Tensor | Gaussian],
    told: Evidence = NOTHING,
    moments: dict[str, Gaussian] | None = None,
    unlabelled: Container[str] = (),
) -> dict[str, Evidence]:
    """Evidence by extractor; under "" that of no features.

    features: extractor -> (n, d) of the samples; reference: extractor -> (m, d), or a Gaussian (then only FD). Further
    outputs of an extractor stand in both as `<extractor>/<layer>`. told: all else that is known of them. moments:
    Gaussians of all real images, under the names of which the reference holds a part. unlabelled: extractors of whose
    real images no labels are known.
    """
    moments = moments or {}

    def of(name: str, layers: dict[str, Evidence]) -> Evidence:
        known = {"reference": reference.get(name, moments.get(name)), "moments": moments.get(name), "layers": layers}
        labels = None if name.partition("/")[0] in unlabelled else told.reference_labels
        return replace(told, features=features[name], reference_labels=labels, known={}, **known)

    found = {}
    for name in (name for name in features if "/" not in name):
        own = [other for other in features if other.startswith(f"{name}/")]
        found[name] = of(name, {other.partition("/")[2]: of(other, {}) for other in own})
    return {**found, "": told}


def measure(evidence: dict[str, Evidence]) -> tuple[Values, Reasons]:
    """Every metric of all evidence: ({"fd/digits-cnn": 41.2, ..., "accuracy": 0.97}, reasons of those None).

    Metrics are left out where what they need was not there.
    """
    values: Values = {}
    reasons: Reasons = {}
    for extractor, seen in evidence.items():
        for name, metric in METRICS.items():
            if applies(metric, seen, extractor):
                full = f"{name}/{extractor}" if extractor else name
                values[full], reason = value_of(metric, seen)
                if reason:
                    reasons[full] = reason
    return values, reasons


def applies(metric: type[Metric], evidence: Evidence, extractor: str) -> bool:
    """Whether a metric is measured under that extractor ("": of no features), and what it needs is there."""
    if metric.per_extractor != bool(extractor) or any(getattr(evidence, name) is None for name in metric.needs):
        return False
    if metric.layer and metric.layer not in evidence.layers:
        return False
    return not metric.of_cells or extractor_named(extractor).reads_cells


def value_of(metric, evidence: Evidence) -> tuple[float | None, str]:
    """A metric's value, or None and the reason."""
    try:
        value = metric.compute(evidence)
    except Unavailable as reason:
        return None, str(reason)
    return (value, "") if math.isfinite(value) else (None, f"came out as {value}")
