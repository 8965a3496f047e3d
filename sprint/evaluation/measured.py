"""One evaluation, whatever made the images: a run, an imported checkpoint, a folder.

Images are seen by extractors, measured against a reference, and the numbers stand under an identity, which names all
that can move them, and its hash, the key.
"""

import copy
import hashlib
import json
from collections.abc import Callable, Container
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from sprint.metrics import Evidence
from sprint.metrics.maths.frechet import Gaussian
from sprint.metrics.measuring import evidence_of, measure
from sprint.metrics.measuring.bootstrap import bootstrap
from sprint.metrics.networks.loading import Loaded, load_of
from sprint.runtime import distributed

Tensors = dict[str, torch.Tensor]
TOLD = ("predicted", "cells", "losses", "losses_skipped")  # what is seen of images that is no feature


@dataclass(frozen=True)
class Reference:
    """What images are measured against: features of real ones, or their Gaussian, and where they came from."""

    features: dict[str, torch.Tensor | Gaussian]  # by extractor, of its layers by `<extractor>/<layer>`
    sha256: str
    source: str
    labels: torch.Tensor | None = None
    size: tuple[int, int] | None = None  # pixels of the real images, where they are known
    channels: int | None = None
    obeyed: Callable | None = None  # of the data set: (n, c) labels read in cells to the share (n,) of its rule kept
    moments: dict[str, Gaussian] = field(default_factory=dict)  # of all images, where features are of a part of them
    published: dict[str, str] = field(default_factory=dict)  # by extractor, SHA-256 of a file that somebody published
    told: Tensors = field(default_factory=dict)  # what else was seen of them
    images: int = 0  # real ones in all

    def known(self) -> dict:
        """As evidence_of takes it."""
        return {"reference": self.features, "moments": self.moments, "unlabelled": self.published}

    def of(self, extractor: str) -> "Reference":
        """What one extractor saw."""

        def own(parts: dict) -> dict:
            return {name: part for name, part in parts.items() if name.partition("/")[0] == extractor}

        kept = {"features": own(self.features), "moments": own(self.moments), "published": own(self.published)}
        return replace(self, **kept)

    def beside(self, other: "Reference") -> "Reference":
        """This one, and of its own extractors the other."""
        features, moments = {**self.features, **other.features}, {**self.moments, **other.moments}
        published = {**self.published, **other.published}
        return replace(self, features=features, moments=moments, published=published)


class Extractors:
    """The extractors of an evaluation, with their weights."""

    def __init__(self, names: list[str], results: Path, device: str = "cpu", weights: Path | None = None):
        """`results` is results/<preset>, in whose extractors/ those lie that are trained here."""
        self.loaded: dict[str, Loaded] = {name: load_of(results, name, weights, device) for name in names}

    def see(self, pixels: torch.Tensor) -> Tensors:
        """Features of uint8 images (n, C, H, W) under every extractor, its layers as `<extractor>/<layer>`; as
        `predicted` the labels that the first one which classifies gives them, and as `cells` (n, c) those that the
        first one which reads cells finds in each."""
        seen = {}
        for extractor in self.loaded.values():
            seen |= extractor.outputs(pixels)
        for extractor in self.loaded.values():
            if extractor.kind.classifies and "predicted" not in seen:
                seen["predicted"] = extractor.classify(pixels)
            if extractor.kind.reads_cells and "cells" not in seen:
                seen["cells"] = extractor.read_cells(pixels)
        return seen

    def without(self, names: Container[str]) -> "Extractors":
        """Those of other names."""
        others = copy.copy(self)
        others.loaded = {name: extractor for name, extractor in self.loaded.items() if name not in names}
        return others

    def identity(self) -> dict:
        """SHA-256 of every extractor's weights, and how images are resized by those that say it."""
        resizes = {name: extractor.kind.resizes for name, extractor in self.loaded.items() if extractor.kind.resizes}
        weights = {name: extractor.weights_sha256 for name, extractor in self.loaded.items()}
        return {"extractors": weights, **({"extractors_resize": resizes} if resizes else {})}

    def remarks(self) -> list[str]:
        """What the training of the extractors found fault with."""
        return [extractor.remark for extractor in self.loaded.values() if extractor.remark]


def whole(seen: Tensors) -> Tensors:
    """At the first process, the rows that all of them have seen, in order; elsewhere nothing."""
    parts = distributed.gather(seen)
    return {name: torch.cat([part[name] for part in parts]) for name in (seen if parts else ())}


def split_features(seen: Tensors) -> tuple[Tensors, Tensors]:
    """Features by extractor and layer, and what else was seen: fields of Evidence."""
    told = {name: rows for name, rows in seen.items() if name in TOLD}
    return {name: rows for name, rows in seen.items() if name not in (*TOLD, "labels")}, told


def told_of(seen: Tensors, labels: torch.Tensor | None, reference: Reference) -> Evidence:
    """All that is known of images beside their features; `labels` are those asked for."""
    found = split_features(seen)[1]
    if "cells" in found and reference.obeyed:
        found["obeyed"] = reference.obeyed(found["cells"])
    return Evidence(labels=labels, reference_labels=reference.labels, **found)


def identified(images: dict, extractors: Extractors, reference: Reference) -> dict:
    """`identity`: what was made of which images (`images` says it), seen by what, against what; and `key`, its hash."""
    found = {**images, **extractors.identity(), "reference": reference.sha256, "dtype": "float32"}
    key = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]
    return {"key": key, "identity": found}


def measured(seen: Tensors, labels: torch.Tensor | None, extractors: Extractors, reference: Reference) -> dict:
    """`metrics`, `reasons` of those missing, `bootstrap`, and `warnings`: sentences that belong beside the numbers."""
    features = split_features(seen)[0]
    evidence = evidence_of(features, told=told_of(seen, labels, reference), **reference.known())
    metrics, reasons = measure(evidence)
    return {
        "metrics": metrics,
        "reasons": reasons,
        "bootstrap": bootstrap(evidence, len(next(iter(features.values())))),
        "warnings": [*extractors.remarks(), *few_images(features, reference)],
    }


def by_label(labels: torch.Tensor, predicted: torch.Tensor, classes: int) -> dict:
    """Of the images asked for with each label how many there are, and how many are classified as such."""
    right = torch.bincount(labels[predicted == labels], minlength=classes)
    return {"images": torch.bincount(labels, minlength=classes).tolist(), "right": right.tolist()}


def few_images(features: Tensors, reference: Reference) -> list[str]:
    """A sentence for each side and extractor with no more images than dimensions, where a covariance is singular."""
    found = []
    for name, ours in ((name, rows) for name, rows in features.items() if "/" not in name):
        sides = {"generated": ours, "reference": reference.features[name]}
        for side, rows in sides.items():
            if not isinstance(rows, Gaussian) and len(rows) <= rows.shape[1]:
                found.append(
                    f"{len(rows)} {side} images are no more than the {rows.shape[1]} dimensions of {name}: their "
                    "covariance is singular and FD far above that of many images; compare it only with FD of as many"
                )
    return found
