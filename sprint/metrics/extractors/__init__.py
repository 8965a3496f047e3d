"""Extractors: one file each, which says what images it takes, what features it gives, and where its weights are.

One with published weights is called by its file's name: `inception`. One that is trained here is trained on a preset's
own images, so a preset calls it `<data>-<file>`: `digits-cnn`, `birds-cnn`; what stands before the last dash is chosen
freely, and titles the numbers. Names and what extractors say of themselves are read without torch.
"""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sprint.runtime.code import shaping
from sprint.runtime.errors import UserError
from sprint.runtime.files import file_sha256
from sprint.runtime.plugins import find

DATA = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")


@dataclass(frozen=True)
class Weights:
    """Where published weights come from, the beginning of the file's sha256, and the names under which it is cached."""

    url: str
    sha256: str
    other_names: tuple[str, ...] = ()  # of the same file, as other libraries keep it

    def places(self) -> list[Path]:
        """Where the file is looked for: torch.hub's cache, under its own name and the others."""
        import torch

        folder = Path(torch.hub.get_dir()) / "checkpoints"
        return [folder / name for name in (self.url.rsplit("/", 1)[1], *self.other_names)]

    def cached(self) -> Path:
        """Of the places where there is a file the first that holds it, by its hash, else the first; else the first
        place."""
        places = self.places()
        there = [path for path in places if path.is_file()]
        if len(there) > 1:  # one alone is told by its hash when it is loaded
            there.sort(key=lambda path: not file_sha256(path).startswith(self.sha256))
        return (there or places)[0]


class Extractor:
    """The contract. The network is a torch-fidelity FeatureExtractorBase: uint8 images (n, C, H, W) to features."""

    title: str
    cites: str  # paper or source
    takes: str  # what images, and how it brings them to its own size
    dim: int  # features (n, dim)
    layers: dict[str, int] = {}  # other outputs of its network that metrics are of, and how wide (n, width) they are
    resizes: str = ""  # how it brings images to its size, where numbers of other ways are not to be mixed with its own
    classifies: bool = False  # whether its network also gives labels
    reads_cells: bool = False  # whether it looks at images cell by cell, and gives a label for each
    weights: Weights | None = None  # published ones; None where it is trained here

    @staticmethod
    def build(weights: Path) -> Any:
        """The network with the weights in a file, with `image_shape` (C, H, W), None for any; where there are layers,
        its `outputs` of images are the features and the layers, in their order.

        Raises one of fidelity.UNREADABLE for a file that holds something else; executes nothing in it.
        """
        raise NotImplementedError

    @classmethod
    def dim_of(cls, network: Any) -> int:
        """Features of a network that `build` gave."""
        return cls.dim


class TrainedHere(Extractor):
    """The contract of those trained on a preset's own images: a small.SmallNetwork, and what it learns from."""

    takes = "images of the size and channels that it was trained on"
    dim = 64
    hidden = 64  # features of its network, which are all of them unless it looks at an image several times
    steps: int  # that serve small images well

    @staticmethod
    def build(weights: Path) -> Any:
        from sprint.metrics.networks import fidelity

        return fidelity.Small("small", [fidelity.Small.LAYER], weights)

    @staticmethod
    def learns_from(images: Any) -> Any:
        """What of labelled Images it is trained on. Raises UserError for images that it is not for."""
        return images

    @staticmethod
    def outputs(classes: int) -> int:
        """Outputs of the head that is trained with the features and not used after, or gives the labels."""
        raise NotImplementedError

    @staticmethod
    def loss(network, pixels, labels, generator) -> Any:
        """The loss of uint8 images (n, C, H, W) with labels (n,); random numbers from the generator alone."""
        raise NotImplementedError

    @staticmethod
    def held_out_accuracy(network, seen, held_out) -> float:
        """Share of (pixels, labels) held out that it gets right, having been trained on those seen."""
        raise NotImplementedError


EXTRACTORS = find("sprint.metrics.extractors", Extractor)


def extractor_named(name: str) -> type[Extractor]:
    """The extractor that a preset calls `name`. Raises UserError, naming what is allowed and the nearest."""
    data, dash, kind = name.rpartition("-")
    if not dash and name in EXTRACTORS and EXTRACTORS[name].weights:
        return EXTRACTORS[name]
    if dash and kind in EXTRACTORS and not EXTRACTORS[kind].weights and DATA.fullmatch(data):
        return EXTRACTORS[kind]
    if near := difflib.get_close_matches(name, _meant(name), n=1, cutoff=0.4):
        raise UserError(f"extractor {name!r} is unknown; known: {allowed()}; did you mean {near[0]!r}?")
    raise UserError(f"extractor {name!r} is unknown; known: {allowed()}")


def _meant(name: str) -> list[str]:
    """Names that somebody who wrote this one may have meant."""
    data = re.split(r"[-_.]", name)[0]
    data = data if DATA.fullmatch(data) and data not in EXTRACTORS else "digits"
    return [one if EXTRACTORS[one].weights else f"{data}-{one}" for one in EXTRACTORS]


def allowed() -> str:
    """What a preset may write, as words."""
    published = [name for name in EXTRACTORS if EXTRACTORS[name].weights]
    here = [f"<data>-{name}" for name in EXTRACTORS if not EXTRACTORS[name].weights]
    return f"{', '.join(published)}; trained here: {', '.join(here)}, such as digits-cnn"


def trained_here(name: str) -> bool:
    """Whether an extractor is trained on the preset's own images. Raises UserError for an unknown name."""
    return extractor_named(name).weights is None


def training_code(name: str) -> dict[str, str]:
    """The code that shapes the weights of an extractor that is trained here, hashed by file."""
    return shaping("sprint.metrics.networks.training", extractor_named(name).__module__)


def weights_file(results: Path | str, name: str) -> Path:
    """Where the weights of an extractor that is trained here lie; `results` is results/<preset>."""
    return Path(results) / "extractors" / f"{name}.safetensors"
