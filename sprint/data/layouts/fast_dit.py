"""fast-DiT's and SparseDiT's latents: `imagenet256_features/0.npy` and `imagenet256_labels/0.npy`.

A feature is float32 (1, C, h, w), one sample of the posterior, already times 0.18215 and perhaps of the mirrored
picture; a label is an array of one whole number.
"""

import re
from functools import cached_property
from pathlib import Path

import numpy as np

from sprint.data.arrays import as_label, read_npy
from sprint.data.layouts import SAMPLE, Layout
from sprint.data.members import Members
from sprint.runtime.errors import UserError

FEATURES, LABELS = "_features", "_labels"


class FastDit(Layout):
    title = "fast-DiT's samples (*_features/0.npy and *_labels/0.npy)"
    cites = "chuanyangjin/fast-DiT: extract_features.py; Stable Diffusion's factor 0.18215"
    kind = SAMPLE
    scale = 0.18215
    labels_at_hand = False

    @classmethod
    def recognises(cls, path):
        return path.is_dir() and bool(cls._pairs(path))

    @staticmethod
    def _pairs(path: Path) -> list[Path]:
        return [
            folder
            for folder in sorted(path.glob(f"*{FEATURES}"))
            if folder.is_dir() and folder.with_name(folder.name.removesuffix(FEATURES) + LABELS).is_dir()
        ]

    @cached_property
    def features(self) -> Members:
        pairs = self._pairs(self.path)
        if len(pairs) > 1:
            raise UserError(f"{self.path}: has {' and '.join(pair.name for pair in pairs)}; allowed: one of them")
        return Members(pairs[0])

    @cached_property
    def label_files(self) -> Members:
        path = self.features.path
        return Members(path.with_name(path.name.removesuffix(FEATURES) + LABELS))

    @cached_property
    def count(self) -> int:
        numbers = [
            int(match.group(1))
            for path in self.features.path.iterdir()
            if (match := re.fullmatch(r"(\d+)\.npy", path.name))
        ]
        if numbers and max(numbers) != len(numbers) - 1:
            missing = min(set(range(max(numbers))) - set(numbers))
            raise UserError(
                f"{self.features.path}: has no {missing}.npy though files go up to {max(numbers)}.npy; extraction over "
                "several devices overwrote some, or was cut short: extract them anew"
            )
        return len(numbers)

    def __len__(self):
        return self.count

    def place(self, index):
        return f"{self.features.path}/{index}.npy"

    def array(self, index, mirrored):
        return read_npy(self.features.read(f"{index}.npy"), self.place(index))

    def labels(self, indices):
        found = []
        for index in indices:
            place = self.label_files.path / f"{index}.npy"
            found.append(as_label(read_npy(self.label_files.read(place.name), str(place)), str(place)))
        return np.array(found, np.int64)
