"""Latents that an autoencoder made of pictures: this project's shards, or what others stored, read by index.

Examples are unscaled: mean over standard deviation of the posterior (2C channels), or samples of it (C). The codec
`autoencoder` draws and scales them. Their kind and factor are found by their numbers (data/facts.py), or said here.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from sprint.data.facts import Facts, found_facts, unscaled
from sprint.data.layouts import KINDS, PIXELS, SAMPLE, Layout, open_layout
from sprint.data.layouts.shards import unfinished
from sprint.data.sets import DataSet
from sprint.runtime.errors import UserError
from sprint.runtime.strict import ranged


@dataclass(frozen=True)
class Settings:
    """Of the store."""

    path: str  # a folder, or a ZIP
    kind: str = ranged(allowed=("", *KINDS), default="")  # left out: as its numbers tell
    scale: float = ranged(0.0, 1e6, default=0.0)  # factor that samples have had; left out: as their numbers tell
    shift: float = ranged(-1e6, 1e6, default=0.0)  # what was taken from samples before they were scaled
    classes: int = ranged(0, 1 << 20, default=0)  # left out: as its labels tell
    shape: tuple[int, int, int] = (0, 0, 0)  # of a stored example; needed only while the store is still to be made
    mirrored: bool = False  # take the latents of mirrored pictures too, where they are stored


class Latents(DataSet):
    """Mirrored examples, where they are taken, have the numbers behind all others."""

    Settings = Settings
    title = "latents"
    cites = "Rombach et al., arXiv 2112.10752"
    by_content = True

    @classmethod
    def smallest(cls, folder):
        from sprint.data.store import Content, write_store

        def rows(indices, mirrored):
            numbers = np.random.default_rng(0).normal(size=(24, 4, 4, 4))[indices]
            return np.concatenate([numbers, np.abs(numbers) / 9], axis=1)[..., :: -1 if mirrored else 1]

        facts, labels = Facts("mean_std", (-1.0, 1.0)), np.arange(24) % 3
        write_store(Path(folder), Content(rows, labels, 3, (8, 4, 4), facts, True, [0, 9], {}), 10, "smallest")
        return {"path": str(folder), "mirrored": True}, 32

    @property
    def name(self):
        return f"latents {self.settings.path}"

    @property
    def announced(self) -> bool:
        """Whether the store is still to be made, or is being made, and the preset says what it will be."""
        told = self.settings.classes and all(side > 0 for side in self.settings.shape)
        return bool(told) and unfinished(Path(self.settings.path))

    @cached_property
    def layout(self) -> Layout:
        found = open_layout(Path(self.settings.path))
        if found.kind == PIXELS:
            raise UserError(f"path: {found.path} holds pictures; first: sprint data encode, or name: image_folder")
        return found

    @cached_property
    def facts(self) -> Facts:
        given = self.settings
        return found_facts(self.layout, Facts(given.kind, (), given.scale, given.shift))

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        return self.settings.shape if self.announced else self.layout.shape

    @property
    def channels(self):
        return self.shape[0]

    @property
    def size(self):
        return self.shape[2]

    @property
    def classes(self):
        return self.settings.classes or self.layout.classes

    def check(self):
        if self.announced:
            return
        self.layout.check()
        if self.settings.mirrored and not self.layout.mirrored:
            raise UserError(f"mirrored: {self.layout.path} holds no latents of mirrored pictures; leave it out")
        shape, told = self.layout.shape, self.settings.shape
        if shape[1] != shape[2]:
            raise UserError(f"path: {self.layout.path} holds latents of shape {shape}; allowed: as high as wide")
        if any(told) and told != shape:
            raise UserError(f"shape is {list(told)}; allowed: {list(shape)}, as {self.layout.path} has")
        if self.image_size % self.size:
            raise UserError(
                f"image_size is {self.image_size}; allowed for latents of {self.size} a side: a multiple of that"
            )
        if sentences := [sentence for sentence in self.facts.open if "; scale settles" in sentence]:
            raise UserError(sentences[0])

    def verify(self):
        self.layout.verify()

    def facts_of_latents(self):
        return None if self.announced else self.facts

    def __len__(self):
        return len(self.layout) * (2 if self.settings.mirrored else 1)

    def examples(self, indices):
        import torch

        rows, count = indices.numpy(), len(self.layout)
        mirrored, numbers = rows >= count, rows % count
        stored = np.empty((len(rows), *self.shape), np.float32)
        for turned in (False, True):
            if (chosen := mirrored == turned).any():
                stored[chosen] = self._unscaled(self.layout.read(numbers[chosen], turned))
        labels = self.layout.labels(numbers)
        if len(labels) and labels.max() >= self.classes:
            raise UserError(f"{self.layout.path}: has label {labels.max()}; allowed with {self.classes} classes: less")
        return torch.from_numpy(stored), torch.from_numpy(np.ascontiguousarray(labels, np.int64))

    @cached_property
    def stored_unscaled(self) -> bool:
        return bool(self.layout.said())

    def _unscaled(self, stored: np.ndarray) -> np.ndarray:
        if self.stored_unscaled:
            return stored
        mean, std = unscaled(stored, self.facts)
        return mean if self.facts.kind == SAMPLE else np.concatenate([mean, std], axis=1)

    def fingerprint(self):
        return self.layout.identity()

    def held_out(self):
        import torch

        plain = torch.tensor(self.layout.held_out(), dtype=torch.int64)
        return torch.cat([plain, plain + len(self.layout)]) if self.settings.mirrored else plain

    @property
    def measured(self):
        """Of pictures as they are: mirrored ones are for training."""
        found = super().measured
        return found[found < len(self.layout)]
