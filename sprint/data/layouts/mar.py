"""MAR's latents: `class/picture.npz` of `moments` and `moments_flip`.

Both are (2C, h, w), mean over log-variance of the posterior, unscaled, of the picture and of its mirror image.
"""

import os
from functools import cached_property

import numpy as np

from sprint.data.arrays import read_npz
from sprint.data.layouts import MEAN_LOGVAR, Layout
from sprint.runtime.errors import UserError

PLAIN, MIRRORED = "moments", "moments_flip"


class Mar(Layout):
    title = "MAR's latents (class/*.npz of moments and moments_flip)"
    cites = "MAR, arXiv 2406.11838: engine_mar.py, util/loader.py"
    kind = MEAN_LOGVAR
    mirrored = True

    @classmethod
    def recognises(cls, path):
        if not path.is_dir():
            return False
        folders = (entry.path for entry in os.scandir(path) if entry.is_dir())
        return any(entry.name.endswith(".npz") for folder in folders for entry in os.scandir(folder))

    @cached_property
    def index(self) -> tuple[list[str], np.ndarray]:
        """Names and labels, by class and then by name, as torchvision's DatasetFolder has them."""
        names, labels = [], []
        for label, folder in enumerate(sorted(entry.name for entry in os.scandir(self.path) if entry.is_dir())):
            found = sorted(entry.name for entry in os.scandir(self.path / folder) if entry.name.endswith(".npz"))
            if not found:
                raise UserError(f"{self.path / folder}: a class without .npz files; allowed: at least one")
            names += [f"{folder}/{name}" for name in found]
            labels += [label] * len(found)
        return names, np.array(labels, np.int64)

    def __len__(self):
        return len(self.index[0])

    def place(self, index):
        return f"{self.path}/{self.index[0][index]}"

    def array(self, index, mirrored):
        return read_npz(self.path / self.index[0][index], [MIRRORED if mirrored else PLAIN])[0]

    def labels(self, indices):
        return self.index[1][indices]
