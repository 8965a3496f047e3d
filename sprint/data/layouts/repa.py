"""REPA's, SPRINT's and edm2's latents: `00000/img-mean-std-00000000.npy` and `dataset.json`, in a folder or a ZIP.

An array is float32 (2C, h, w), mean over standard deviation of the posterior, unscaled. `dataset.json` holds
{"labels": [[name, class], ...]}. The same names hold different things: REPA and SPRINT fed their autoencoder with
[-1, 1], edm2 with [0, 1].
"""

import json
from functools import cached_property

import numpy as np

from sprint.data.arrays import as_label, read_npy
from sprint.data.layouts import MEAN_STD, Layout
from sprint.data.members import Members
from sprint.runtime.errors import UserError

INDEX, BELOW, PREFIX = "dataset.json", "vae-sd", "img-mean-std-"


class Repa(Layout):
    title = "REPA's or edm2's latents (img-mean-std-*.npy and dataset.json, folder or ZIP)"
    cites = "REPA, arXiv 2410.06940: preprocessing/dataset_tools.py; edm2, arXiv 2312.02696: dataset_tool.py"
    kind = MEAN_STD
    vae_input = ()

    @classmethod
    def recognises(cls, path):
        members = Members(path)
        if members.zipped:
            return any(PREFIX in name for name in members.archive.namelist())
        return path.is_dir() and any(any(folder.glob(f"*/{PREFIX}*")) for folder in (path, path / BELOW))

    @cached_property
    def members(self) -> Members:
        below = self.path / BELOW
        return Members(below if below.is_dir() else self.path)

    @cached_property
    def index(self) -> tuple[np.ndarray, np.ndarray]:
        """Names (n,) as bytes and labels (n,)."""
        place = f"{self.members.path}: {INDEX}"
        if not self.members.has(INDEX):
            raise UserError(f"{place} is missing, which names the files and their labels; copy it too")
        try:
            rows = json.loads(self.members.read(INDEX))["labels"]
            names = np.array([row[0].replace("\\", "/").encode() for row in rows])
            labels = [row[1] for row in rows]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
            raise UserError(
                f'{place} holds no labels; allowed: {{"labels": [[name, class], ...]}}, so that a class belongs to each'
            ) from error
        for name, label in zip(names, labels, strict=True):
            if type(label) is not int or label < 0:
                as_label(label, f"{place}, {name.decode()}")
        return names, np.array(labels, np.int64)

    def __len__(self):
        return len(self.index[1])

    def place(self, index):
        return f"{self.members.path}/{self.index[0][index].decode()}"

    def array(self, index, mirrored):
        return read_npy(self.members.read(self.index[0][index].decode()), self.place(index))

    def labels(self, indices):
        return self.index[1][indices]
