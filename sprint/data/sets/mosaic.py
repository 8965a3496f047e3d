"""Mosaic: real handwritten digits on one canvas, arranged by a rule that ties distant cells together.

    cells a side   cell (in reading order)     holds
    2 (or 3)       0                           the digit that the label names
                   1 (1 to 4)                  any digit
                   2 (5 to 8)                  what the rule says, cell by cell, of those
                   3 (none)                    any digit

Rule `repeat`: the same digit in another handwriting. Rule `sum`: the last digit of label plus free cell. Arrangements
are without end, so none can be learned by heart; the handwriting is split by source picture: held-out arrangements
show only handwriting that no training sees. Local quality (cells like real cells) and global consistency (label and
rule obeyed) are then two different questions.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sprint.data.sets import DataSet
from sprint.data.sets.digits import SIZE, Digits
from sprint.runtime.errors import UserError
from sprint.runtime.strict import ranged

if TYPE_CHECKING:  # a plan is read without torch
    import numpy as np

CLASSES = 10
HELD_OUT_WRITING = 4  # every fourth picture of each digit is held out


@dataclass(frozen=True)
class Settings:
    """How difficult it is, and how many arrangements there are."""

    cells: int = ranged(2, 3)  # along one side
    rule: str = ranged(allowed=("repeat", "sum"))
    arrangements: int = ranged(1, 1 << 40)  # to train on
    held_out: int = ranged(2, 1 << 24)  # arrangements of other handwriting


class Mosaic(DataSet):
    Settings = Settings
    title = "mosaic of digits"
    cites = "this repository's own, of the digits of scikit-learn (Alpaydin and Kaynak, UCI 1998)"
    channels, classes = 1, CLASSES

    @classmethod
    def smallest(cls, folder):
        return {"cells": 2, "rule": "repeat", "arrangements": 50, "held_out": 20}, 2 * SIZE

    @property
    def cells(self):
        return self.settings.cells

    @property
    def tied(self) -> list[tuple[int, int]]:
        """(free cell, the cell that follows from it), of each pair."""
        pairs = (self.cells**2 - 1) // 2
        return [(cell, cell + pairs) for cell in range(1, pairs + 1)]

    def check(self):
        if self.image_size != self.cells * SIZE:
            raise UserError(f"image_size is {self.image_size}; allowed for {self.cells} cells: {self.cells * SIZE}")

    def __len__(self):
        return self.settings.arrangements + self.settings.held_out

    def held_out(self):
        import torch

        return torch.arange(self.settings.arrangements, len(self))

    def examples(self, indices):
        import torch

        numbers = indices.numpy()
        digits, pictures = self._arranged(numbers)
        side, drawn = self.cells, torch.from_numpy(self._writing[pictures])
        grid = drawn.reshape(len(numbers), side, side, SIZE, SIZE)
        canvas = grid.transpose(2, 3).reshape(len(numbers), 1, side * SIZE, side * SIZE)
        return canvas, torch.from_numpy(digits[:, 0])

    def obeyed(self, read):
        told = read[:, 0]
        right = [read[:, cell] == self._follows(told, read[:, free]) for free, cell in self.tied]
        return sum(one.double() for one in right) / len(right)

    def fingerprint(self):
        import hashlib

        return hashlib.sha256(f"{self._digits.fingerprint()} {self.settings}".encode()).hexdigest()

    def _follows(self, label, free):
        """The digit that the rule gives; arrays of any kind."""
        return free if self.settings.rule == "repeat" else (label + free) % CLASSES

    def _arranged(self, numbers: "np.ndarray") -> tuple["np.ndarray", "np.ndarray"]:
        """Digits and numbers of their source pictures in every cell (n, cells^2), functions of the number alone."""
        import numpy as np

        cells = np.arange(self.cells**2)
        digits = (_scattered(numbers, cells, 0) % CLASSES).astype(np.int64)
        for free, cell in self.tied:
            digits[:, cell] = self._follows(digits[:, 0], digits[:, free])
        drawn, pictures = _scattered(numbers, cells, 1), np.empty_like(digits)
        for held_out, pools in enumerate(self._pools):
            rows = (numbers >= self.settings.arrangements) == held_out
            sizes = np.array([len(pool) for pool in pools], dtype=np.uint64)
            places = (drawn[rows] % sizes[digits[rows]]).astype(np.int64)
            longest = np.stack([np.resize(pool, max(map(len, pools))) for pool in pools])
            pictures[rows] = longest[digits[rows], places]
        return digits, pictures

    @cached_property
    def _digits(self) -> Digits:
        """The source pictures, whose own held-out part is the handwriting of held-out arrangements."""
        return Digits(Digits.Settings(HELD_OUT_WRITING), SIZE)

    @cached_property
    def _writing(self) -> "np.ndarray":
        return self._digits.held[0][:, 0].numpy()

    @cached_property
    def _pools(self) -> list[list]:
        """Numbers of source pictures by digit: those to train on, and those held out."""
        labels = self._digits.held[1]
        parts = (self._digits.training, self._digits.held_out())
        return [[part[labels[part] == digit].numpy() for digit in range(CLASSES)] for part in parts]


def _scattered(numbers, cells, purpose: int):
    """A random uint64 for each (number, cell, purpose), always the same (SplitMix64: Steele et al., OOPSLA 2014)."""
    import numpy as np

    with np.errstate(over="ignore"):
        seed = (numbers.astype(np.uint64)[:, None] * np.uint64(32) + cells.astype(np.uint64)) * np.uint64(2)
        z = (seed + np.uint64(purpose) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))
