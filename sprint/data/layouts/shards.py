"""This project's own latents: files of float16 arrays that can be mapped into memory, labels, and an index of hashes.

    index.json            what they are, and of each file its SHA-256
    labels.npy            (n,) int64
    00000.npy             (so many, 2C, h, w) float16, mean over standard deviation; or (so many, C, h, w), samples
    00000.mirrored.npy    the same of the mirrored pictures, where they were wanted

Latents are unscaled. They are read by pread, example by example, so that a process holds no more of them than it asked
for, whatever the size of the store.
"""

import hashlib
import os
from functools import cached_property
from pathlib import Path

import numpy as np

from sprint.data.arrays import as_latent, read_npy
from sprint.data.layouts import KINDS, MEAN_LOGVAR, Layout
from sprint.runtime.document import Anything, Each, Number, Text, Truth, Unfit, Whole, check
from sprint.runtime.errors import UserError
from sprint.runtime.files import file_sha256, read_json
from sprint.runtime.progress import track

INDEX, BEGUN, LABELS, MIRRORED = "index.json", "begun.json", "labels.npy", ".mirrored.npy"
LOCK = "lock"  # of runtime/lock.py
NAME, VERSION = "sprint-bench latents", 1
HEAD = 128  # bytes of an .npy file before its numbers, as NumPy writes arrays of few dimensions
HOLDS = {
    **{"layout": Text((NAME,)), "version": Whole(1), "count": Whole(1), "classes": Whole(1)},
    **{"kind": Text(tuple(kind for kind in KINDS if kind != MEAN_LOGVAR)), "shape": (Whole(1), Whole(1), Whole(1))},
    **{"vae_input": (Number(), Number()), "mean": [Number()], "std": [Number(0)], "mirrored": Truth()},
    **{"autoencoder": Text(), "held_out": [Whole()], "made_of": Each(Anything()), "labels": {"sha256": Text()}},
    "shards": [{"count": Whole(1), "sha256": Text(), "mirrored_sha256?": Text()}],
}


class Shards(Layout):
    title = "shards of this project (index.json)"
    cites = "this repository: sprint/data/layouts/shards.py"

    def __init__(self, path):
        super().__init__(path)
        self.opened = {}  # descriptors by name

    def __getstate__(self):
        return vars(self) | {"opened": {}}

    @classmethod
    def recognises(cls, path):
        return any((path / name).is_file() for name in (INDEX, BEGUN))

    @cached_property
    def index(self) -> dict:
        path = self.path / INDEX
        if not path.is_file():
            raise UserError(f"{self.path}: begun and not finished; the command that began it goes on from there")
        index = read_json(path)
        try:
            check(HOLDS, index)
        except Unfit as error:
            raise UserError(f"{path}: {error}; convert or encode anew into another folder") from error
        if index["version"] > VERSION or sum(shard["count"] for shard in index["shards"]) != index["count"]:
            raise UserError(f"{path}: version {index['version']} with other counts than this code reads; update it")
        return index

    @cached_property
    def shape(self):
        return tuple(self.index["shape"])

    @cached_property
    def starts(self) -> np.ndarray:
        """The number of the first example of each shard."""
        return np.cumsum([0, *(shard["count"] for shard in self.index["shards"])])[:-1]

    @property
    def mirrored(self):
        return self.index["mirrored"]

    @property
    def classes(self):
        return self.index["classes"]

    def __len__(self):
        return self.index["count"]

    def said(self):
        facts = {key: self.index[key] for key in ("kind", "autoencoder")}
        return facts | {"scale": 1.0} | {key: tuple(self.index[key]) for key in ("vae_input", "mean", "std")}

    def held_out(self):
        return self.index["held_out"]

    def files(self) -> dict[str, tuple[int, str]]:
        """Size and SHA-256 by name of every file with examples."""
        size, found = 2 * int(np.prod(self.shape)), {}
        for number, shard in enumerate(self.index["shards"]):
            found[shard_name(number)] = HEAD + shard["count"] * size, shard["sha256"]
            if self.mirrored:
                found[shard_name(number, True)] = HEAD + shard["count"] * size, shard.get("mirrored_sha256", "")
        return found

    def check(self):
        for name, (size, _) in self.files().items():
            there = _size(self.path / name)
            if there != size:
                said = "is missing" if there is None else f"has {there} bytes where its index says {size}"
                raise UserError(f"{self.path / name}: {said}; copy it anew")
        if not (self.path / LABELS).is_file():
            raise UserError(f"{self.path / LABELS}: is missing; copy it anew")

    def verify(self):
        self.check()
        _ = self.all_labels

    def verify_hashes(self) -> None:
        """Raise UserError for a shard whose bytes are not those that were written; reads all of them."""
        for name, (_, sha256) in track(list(self.files().items()), f"hashing {self.path}", len(self.files())):
            if file_sha256(self.path / name) != sha256:
                raise UserError(f"{self.path / name}: is not what was written, by its hash; copy it anew")

    @cached_property
    def all_labels(self) -> np.ndarray:
        path = self.path / LABELS
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != self.index["labels"]["sha256"]:
            raise UserError(f"{path}: is not what was written, by its hash; copy it anew")
        return read_npy(data, str(path))

    def place(self, index):
        number = int(np.searchsorted(self.starts, index, "right")) - 1
        return f"{self.path / shard_name(number)}, row {index - int(self.starts[number])}"

    def array(self, index, mirrored):
        """One example, checked; `read` is the same of many and faster."""
        return self._rows(np.array([index]), mirrored)[0]

    def read(self, indices, mirrored=False):
        return self._rows(np.asarray(indices), mirrored).astype(np.float32)

    def probe(self):
        rows = self.read(self.spread())
        for row, index in zip(rows, self.spread(), strict=True):
            as_latent(row, self.shape, self.place(int(index)))
        return rows

    def _rows(self, indices: np.ndarray, mirrored: bool) -> np.ndarray:
        found = np.empty((len(indices), *self.shape), np.float16)
        numbers = np.searchsorted(self.starts, indices, "right") - 1
        size = found[:1].nbytes
        for row, (index, number) in enumerate(zip(indices.tolist(), numbers.tolist(), strict=True)):
            place = HEAD + (index - int(self.starts[number])) * size
            if os.preadv(self._descriptor(shard_name(number, mirrored)), [found[row : row + 1].data], place) != size:
                raise UserError(f"{self.place(index)}: ends before its numbers do; copy it anew")
        return found

    def _descriptor(self, name: str) -> int:
        if name not in self.opened:
            try:
                self.opened[name] = os.open(self.path / name, os.O_RDONLY)
            except OSError as error:
                raise UserError(f"{self.path / name}: cannot be read ({error.strerror})") from error
        return self.opened[name]

    def labels(self, indices):
        return self.all_labels[indices]

    def _identifying(self):
        yield (self.path / INDEX).read_bytes()
        for name in sorted([*self.files(), LABELS]):
            yield f"{name} {_size(self.path / name)}".encode()


def unfinished(path: Path) -> bool:
    """Whether shards are still to be made in a folder that is not there, or where they are being made."""
    if not path.exists():
        return True
    names = {entry.name for entry in path.iterdir() if not entry.name.startswith(".")} if path.is_dir() else {INDEX}
    return INDEX not in names and (BEGUN in names or names <= {LOCK})


def shard_name(number: int, mirrored: bool = False) -> str:
    """The file of a shard."""
    return f"{number:05d}{MIRRORED if mirrored else '.npy'}"


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
