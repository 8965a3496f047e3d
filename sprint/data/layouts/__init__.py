"""The contract of a layout: how somebody stored latents, or pictures, on a disk, read by index and never whole.

One file in this folder is one layout; its class is the subclass of Layout that it defines. What a layout's own
documentation says (kind, factor) stands in the class; what the numbers say is found in data/facts.py.
"""

import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from sprint.data.arrays import as_latent
from sprint.runtime.errors import UserError
from sprint.runtime.plugins import find

PIXELS, SAMPLE, MEAN_STD, MEAN_LOGVAR = "pixels", "sample", "mean_std", "mean_logvar"
KINDS = (SAMPLE, MEAN_STD, MEAN_LOGVAR)  # of latents
LABELS_READ = 20_000  # labels that lie in files of their own, and are yet all read to count the classes
PROBED = 64  # examples that stand for all where all are too many to be read


class Layout:
    """Stored examples numbered from 0."""

    title = ""  # how tables call it
    cites = ""  # whose it is, with the file that says so
    kind = ""  # what its documentation says an example is
    scale = 1.0  # the factor that its documentation says stored samples have had
    vae_input: tuple[float, ...] = (-1.0, 1.0)  # what it says their autoencoder was fed; () where that differs
    mirrored = False  # whether the latents of the mirrored picture lie beside each

    def __init__(self, path: Path):
        """Opens nothing."""
        self.path = Path(path)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether a path looks so, by its names alone."""
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def array(self, index: int, mirrored: bool) -> np.ndarray:
        """One stored example as it lies there; `mirrored`: of the mirrored picture."""
        raise NotImplementedError

    def place(self, index: int) -> str:
        """Where an example lies, as errors say it."""
        raise NotImplementedError

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """(channels, h, w) of a stored example: that of the first."""
        return as_latent(self.array(0, False), None, self.place(0)).shape

    def read(self, indices: np.ndarray, mirrored: bool = False) -> np.ndarray:
        """float32 (B, channels, h, w), as stored; `mirrored`: of the mirrored pictures."""
        found = np.empty((len(indices), *self.shape), np.float32)
        for row, index in enumerate(indices):
            found[row] = as_latent(self.array(int(index), mirrored), self.shape, self.place(int(index)))
        return found

    def labels(self, indices: np.ndarray) -> np.ndarray:
        """int64 (B,)."""
        raise NotImplementedError

    labels_at_hand = True  # whether all labels are read with the index

    @cached_property
    def classes(self) -> int:
        """One more than the largest label. Raises UserError where telling it would open a million files."""
        if not self.labels_at_hand and len(self) > LABELS_READ:
            raise UserError(
                f"{self.path}: has each of its {len(self)} labels in a place of its own; name their number by `classes`"
            )
        return int(self.labels(np.arange(len(self))).max()) + 1

    def said(self) -> dict:
        """What the store itself says of its examples, by the names of data/facts.py; usually nothing."""
        return {}

    def held_out(self) -> list[int]:
        """Rising indices of what no training may see."""
        return []

    def check(self) -> None:
        """Raise UserError for what can be seen to be wrong at once, whatever the size."""
        if not len(self):
            raise UserError(f"{self.path}: holds no examples; allowed: at least one")

    def verify(self) -> None:
        """Raise UserError for what only reading all of it shows; usually what a probe shows."""
        self.probe()

    def spread(self, count: int = PROBED) -> np.ndarray:
        """Indices of so many examples, spread over all."""
        return np.unique(np.linspace(0, len(self) - 1, min(count, len(self))).round().astype(np.int64))

    def probe(self) -> np.ndarray:
        """Those examples: float32 (PROBED or fewer, channels, h, w)."""
        return self.read(self.spread())

    def identity(self) -> str:
        """SHA-256 of what identifies the content: number, shape, and the examples and labels of a probe."""
        digest = hashlib.sha256()
        for part in self._identifying():
            digest.update(part)
        return digest.hexdigest()

    def _identifying(self) -> Iterator[bytes]:
        yield repr((type(self).__name__, len(self), self.shape)).encode()
        yield self.probe().tobytes()
        yield self.labels(self.spread()).tobytes()


LAYOUTS = find("sprint.data.layouts", Layout, hyphens=True)


def open_layout(path: Path) -> Layout:
    """The layout that a path has. Raises UserError for none, and for more than one."""
    path = Path(path)
    if not path.exists():
        raise UserError(f"path is {str(path)!r}, which is not there; allowed: {_allowed()}")
    found = [layout for layout in LAYOUTS.values() if layout.recognises(path)]
    if len(found) > 1:
        names = " and ".join(layout.title for layout in found)
        raise UserError(f"{path}: looks like {names}; name the folder of one of them")
    if not found:
        inside = ", ".join(sorted(entry.name for entry in path.iterdir())[:4]) if path.is_dir() else "a file"
        raise UserError(f"{path}: {inside or 'empty'}: no layout that is known here; allowed: {_allowed()}")
    return found[0](path)


def _allowed() -> str:
    return ", ".join(layout.title for layout in LAYOUTS.values())
