"""MaskDiT's latents: an LMDB, `train/data.mdb`, with keys `z-0`, `y-0` and `length`.

`z-0` holds raw float32 (8, h, h): mean over log-variance of the posterior, unscaled; its shape stands nowhere, but 8
channels and a square tell it. `y-0` is the class in ASCII.
"""

import os
from functools import cached_property, lru_cache
from math import isqrt
from pathlib import Path

import lmdb
import numpy as np

from sprint.data.arrays import as_label
from sprint.data.layouts import MEAN_LOGVAR, Layout
from sprint.runtime.errors import UserError

FILE, CHANNELS = "data.mdb", 8


@lru_cache(maxsize=4)
def _reading(folder: str, process: int) -> lmdb.Transaction:
    """The one transaction of a process on an environment, which LMDB lets no process open twice."""
    return lmdb.open(folder, readonly=True, lock=False, readahead=False).begin()


class Maskdit(Layout):
    title = "MaskDiT's latents (LMDB, train/data.mdb)"
    cites = "MaskDiT, arXiv 2306.09305: extract_latent.py, train_utils/datasets.py"
    kind = MEAN_LOGVAR
    labels_at_hand = False

    @classmethod
    def recognises(cls, path):
        return cls._folder(path) is not None

    @staticmethod
    def _folder(path: Path) -> Path | None:
        return next((folder for folder in (path, path / "train") if (folder / FILE).is_file()), None)

    def _get(self, key: str) -> bytes:
        folder = self._folder(self.path)
        try:
            found = _reading(str(folder), os.getpid()).get(key.encode())
        except lmdb.Error as error:
            raise UserError(f"{folder / FILE}: cannot be read as LMDB ({error}); copy it anew") from error
        if found is None:
            raise UserError(f"{folder / FILE}: has no key {key!r}, as MaskDiT's have; it is cut short, or another's")
        return found

    @cached_property
    def count(self) -> int:
        written = self._get("length")
        if not written.isdigit():
            raise UserError(f"{self.path}: length is {written[:40]!r}; allowed: a whole number")
        return int(written)

    def __len__(self):
        return self.count

    def place(self, index):
        return f"{self.path}: z-{index}"

    def array(self, index, mirrored):
        data = self._get(f"z-{index}")
        side = isqrt(len(data) // (4 * CHANNELS))
        if not side or len(data) != 4 * CHANNELS * side**2:
            raise UserError(
                f"{self.place(index)} has {len(data)} bytes; allowed: float32 of {CHANNELS} channels and a square"
            )
        return np.frombuffer(data, np.float32).reshape(CHANNELS, side, side)

    def labels(self, indices):
        return np.array([self._label(index) for index in indices], np.int64)

    def _label(self, index: int) -> int:
        written = self._get(f"y-{index}")
        return as_label(int(written) if written.isdigit() else written, f"{self.path}: y-{index}")
