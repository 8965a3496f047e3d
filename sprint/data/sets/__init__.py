"""The contract of a data set: labelled examples by index.

One file in this folder is one data set; its class is the subclass of DataSet that it defines. A preset's `data` holds
its name, the file's, and its settings. What an example is (pixels, latents) is between the data set and the codec that
the preset names. Nobody asks for all examples at once: a data set may hold a million of them on a disk.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sprint.runtime.plugins import find

if TYPE_CHECKING:  # a plan is read without torch
    import torch

    from sprint.data.facts import Facts


@dataclass(frozen=True)
class NoSettings:
    """For data sets without settings of their own."""


class DataSet:
    """Examples numbered from 0, the same under the same number in every process and every session."""

    Settings: type = NoSettings  # a frozen dataclass of what a preset says beside the name, each with its range
    title = ""  # how tables call it
    cites = ""  # paper or source
    by_content = False  # whether its fingerprint is of the content itself, and so blind to the times of files
    cells = 1  # pictures along one side of an example; the label names the first

    def __init__(self, settings: object, image_size: int):
        """Reads nothing, so that a plan costs nothing. `image_size`: pixels a side that the preset asks for."""
        self.settings, self.image_size = settings, image_size

    @classmethod
    def smallest(cls, folder: Path) -> tuple[dict, int]:
        """Settings and image_size of the smallest, its files made in `folder`: what the contract is tried on."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """How sentences call it."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def channels(self) -> int:
        """Of a stored example, without reading one."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """Of a stored example, along one side."""
        return self.image_size

    @property
    def classes(self) -> int:
        """How many there are, without reading an example."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise UserError for what can be seen to be wrong while a plan is read: at once, whatever the size."""

    def verify(self) -> None:
        """Raise UserError for what only reading shows; called once, where a training begins."""

    def facts_of_latents(self) -> "Facts | None":
        """What is known of stored latents (data/facts.py); None of pixels, and of what is still to be made."""
        return None

    def __len__(self) -> int:
        raise NotImplementedError

    def examples(self, indices: "torch.Tensor") -> tuple["torch.Tensor", "torch.Tensor"]:
        """Stored examples (B, channels, size, size) and labels (B,) int64, 0 <= label < classes, in that order."""
        raise NotImplementedError

    def obeyed(self, read: "torch.Tensor") -> "torch.Tensor":
        """Share (n,) of the rule between cells that labels read in every cell (n, cells^2) keep; where cells > 1."""
        raise NotImplementedError

    def fingerprint(self) -> str:
        """SHA-256 of what identifies the content, without reading a million files at each start."""
        raise NotImplementedError

    def held_out(self) -> "torch.Tensor":
        """Rising indices of what no training sees; samples are then measured against these alone. Usually none."""
        import torch

        return torch.empty(0, dtype=torch.int64)

    @cached_property
    def training(self) -> "torch.Tensor":
        """Rising indices of what is trained on."""
        import torch

        held_out, everything = self.held_out(), torch.arange(len(self))
        return everything[~torch.isin(everything, held_out)] if len(held_out) else everything

    @property
    def measured(self) -> "torch.Tensor":
        """Indices of what samples are measured against: the part held out; where there is none, all."""
        held_out = self.held_out()
        return held_out if len(held_out) else self.training


def every(step: int, labels: "torch.Tensor") -> "torch.Tensor":
    """Rising indices of every so-many-th example of each class, its first among them; of none where step is 0."""
    import torch

    if not step:
        return torch.empty(0, dtype=torch.int64)
    parts = [(labels == label).nonzero().squeeze(1)[::step] for label in labels.unique()]
    return torch.cat([*parts, torch.empty(0, dtype=torch.int64)]).sort().values


DATASETS = find("sprint.data.sets", DataSet)
