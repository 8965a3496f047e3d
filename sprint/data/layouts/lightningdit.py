"""LightningDiT's latents: `latents_rank00_shard000.safetensors`, each of `latents`, `latents_flip` and `labels`.

Samples of the posterior (n, C, h, w), unscaled, of each picture and of its mirror image. Its `latents_stats.pt` is a
pickle and is not read: `sprint data inspect` says mean and standard deviation of each channel.
"""

import itertools
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from sprint.data.layouts import SAMPLE, Layout
from sprint.runtime.errors import UserError

LATENTS, MIRRORED, LABELS = "latents", "latents_flip", "labels"


class Lightningdit(Layout):
    title = "LightningDiT's samples (latents_rank*_shard*.safetensors)"
    cites = "LightningDiT, arXiv 2501.01423: extract_features.py, datasets/img_latent_dataset.py"
    kind = SAMPLE

    def __init__(self, path):
        super().__init__(path)
        self.opened = {}  # by number

    def __getstate__(self):
        return vars(self) | {"opened": {}}

    @classmethod
    def recognises(cls, path):
        return path.is_dir() and any(path.glob("latents*.safetensors"))

    @cached_property
    def files(self) -> list[Path]:
        return sorted(self.path.glob("latents*.safetensors"))

    def _file(self, number: int):
        """An open file, whose tensors are read row by row."""
        if number not in self.opened:
            path = self.files[number]
            try:
                file = safe_open(path, framework="pt")
                missing = {LATENTS, LABELS} - set(file.keys())
            except (OSError, SafetensorError) as error:
                raise UserError(f"{path}: cannot be read as safetensors ({error}); copy it anew") from error
            if missing:
                raise UserError(f"{path}: holds {', '.join(sorted(file.keys()))}, but no {missing.pop()}")
            self.opened[number] = file
        return self.opened[number]

    @cached_property
    def starts(self) -> np.ndarray:
        """The number of the first example of each file, and of all at the end."""
        counts = []
        for number, path in enumerate(self.files):
            file = self._file(number)
            shapes = [file.get_slice(name).get_shape() for name in (LATENTS, LABELS)]
            if len(shapes[0]) != 4 or shapes[0][:1] != shapes[1]:
                raise UserError(
                    f"{path}: {LATENTS} {shapes[0]} and {LABELS} {shapes[1]}; allowed: (n, C, h, w) and (n,)"
                )
            counts.append(shapes[0][0])
        return np.array([0, *itertools.accumulate(counts)])

    @cached_property
    def mirrored(self) -> bool:
        return all(MIRRORED in self._file(number).keys() for number in range(len(self.files)))  # noqa: SIM118

    @cached_property
    def all_labels(self) -> np.ndarray:
        parts = [self._file(number).get_tensor(LABELS).numpy() for number in range(len(self.files))]
        labels = np.concatenate(parts).astype(np.int64)
        if len(labels) and labels.min() < 0:
            raise UserError(f"{self.path}: its labels begin at {labels.min()}; allowed: whole numbers from 0")
        return labels

    def __len__(self):
        return int(self.starts[-1])

    def _row(self, index: int) -> tuple[int, int]:
        """The number of its file, and its row there."""
        number = int(np.searchsorted(self.starts, index, "right")) - 1
        return number, index - int(self.starts[number])

    def place(self, index):
        number, row = self._row(index)
        return f"{self.files[number]}, row {row}"

    def array(self, index, mirrored):
        number, row = self._row(index)
        rows = self._file(number).get_slice(MIRRORED if mirrored else LATENTS)[row : row + 1]
        return rows.float().numpy()

    def labels(self, indices):
        return self.all_labels[indices]
