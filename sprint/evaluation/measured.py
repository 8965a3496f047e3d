"""One evaluation, whatever made the images: a run, an imported checkpoint, a folder.

Images are seen by extractors, measured against a reference, and the numbers stand under an identity, which names all
that can move them, and its hash, the key.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch

from sprint.metrics.maths.frechet import Gaussian
from sprint.metrics.measuring import evidence_of, measure
from sprint.metrics.measuring.bootstrap import bootstrap
from sprint.metrics.networks.loading import Loaded, load_of
from sprint.runtime import distributed

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Reference:
    """What images are measured against: features of real ones, or their Gaussian, and where they came from."""

    features: dict[str, torch.Tensor | Gaussian]  # by extractor
    sha256: str
    source: str
    labels: torch.Tensor | None = None
    size: tuple[int, int] | None = None  # pixels of the real images, where they are known
    channels: int | None = None


class Extractors:
    """The extractors of an evaluation, with their weights."""

    def __init__(self, names: list[str], results: Path, device: str = "cpu", weights: Path | None = None):
        """`results` is results/<preset>, in whose extractors/ those lie that are trained here."""
        self.loaded: dict[str, Loaded] = {name: load_of(results, name, weights, device) for name in names}

    def see(self, pixels: torch.Tensor) -> Tensors:
        """Features of uint8 images (n, C, H, W) under every extractor, and as `predicted` the labels that the first
        one which classifies gives them."""
        seen = {name: extractor.features(pixels) for name, extractor in self.loaded.items()}
        for extractor in self.loaded.values():
            if extractor.kind.classifies:
                return {**seen, "predicted": extractor.classify(pixels)}
        return seen

    def identity(self) -> dict[str, str]:
        """SHA-256 of every extractor's weights."""
        return {name: extractor.weights_sha256 for name, extractor in self.loaded.items()}

    def remarks(self) -> list[str]:
        """What the training of the extractors found fault with."""
        return [extractor.remark for extractor in self.loaded.values() if extractor.remark]


def whole(seen: Tensors) -> Tensors:
    """At the first process, the rows that all of them have seen, in order; elsewhere nothing."""
    parts = distributed.gather(seen)
    return {name: torch.cat([part[name] for part in parts]) for name in (seen if parts else ())}


def split_features(seen: Tensors) -> tuple[Tensors, torch.Tensor | None]:
    """Features by extractor, and predicted labels."""
    return {name: rows for name, rows in seen.items() if name not in ("predicted", "labels")}, seen.get("predicted")


def identified(images: dict, extractors: Extractors, reference: Reference) -> dict:
    """`identity`: what was made of which images (`images` says it), seen by what, against what; and `key`, its hash."""
    found = {**images, "extractors": extractors.identity(), "reference": reference.sha256, "dtype": "float32"}
    key = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]
    return {"key": key, "identity": found}


def measured(seen: Tensors, labels: torch.Tensor | None, extractors: Extractors, reference: Reference) -> dict:
    """`metrics`, `reasons` of those missing, `bootstrap`, and `warnings`: sentences that belong beside the numbers."""
    features, predicted = split_features(seen)
    evidence = evidence_of(features, reference.features, predicted, labels, reference.labels)
    metrics, reasons = measure(evidence)
    return {
        "metrics": metrics,
        "reasons": reasons,
        "bootstrap": bootstrap(evidence, len(next(iter(features.values())))),
        "warnings": [*extractors.remarks(), *few_images(features, reference)],
    }


def few_images(features: Tensors, reference: Reference) -> list[str]:
    """A sentence for each side and extractor with no more images than dimensions, where a covariance is singular."""
    found = []
    for name, ours in features.items():
        sides = {"generated": ours, "reference": reference.features[name]}
        for side, rows in sides.items():
            if not isinstance(rows, Gaussian) and len(rows) <= rows.shape[1]:
                found.append(
                    f"{len(rows)} {side} images are no more than the {rows.shape[1]} dimensions of {name}: their "
                    "covariance is singular and FD far above that of many images; compare it only with FD of as many"
                )
    return found
