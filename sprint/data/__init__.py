"""Data: a data set gives stored examples by index, a codec turns them into what a network sees, and back to pictures.

    examples = opened({"name": "digits"}, {"name": "pixels"}, 8)
    x, labels = examples.signal(torch.tensor([3, 1, 4]), seed=0, step=0)

Data sets are the files of sets/, codecs those of codecs/. Opening reads nothing.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from sprint.data.codecs import CODECS, Codec
from sprint.data.codecs import USUAL_CODEC as USUAL_CODEC
from sprint.data.levels import LEVELS as LEVELS
from sprint.data.levels import to_pixels as to_pixels
from sprint.data.levels import to_signal as to_signal
from sprint.data.sets import DATASETS, DataSet
from sprint.runtime.errors import UserError
from sprint.runtime.plugins import Plugins
from sprint.runtime.strict import build, checked, convert, inside

if TYPE_CHECKING:  # a plan is read without torch
    import torch

ROWS = 256  # examples that are turned into pictures at a time
MOST = 20_000  # pictures that are gathered for a small network to be trained on


@dataclass(frozen=True)
class Images:
    """Labelled pictures in memory: a part of a data set, or all of a small one."""

    pixels: "torch.Tensor"  # (n, C, H, W) uint8
    labels: "torch.Tensor"  # (n,) int64, 0 <= label < classes
    classes: int
    name: str
    cells: int = 1  # small pictures along one side; the label names the first


class Examples:
    """A data set seen through a codec."""

    def __init__(self, data_set: DataSet, codec: Codec):
        self.data_set, self.codec = data_set, codec
        self.channels, self.size = codec.channels, codec.size  # of a signal
        self.name = data_set.name

    def __len__(self) -> int:
        return len(self.data_set)

    @cached_property
    def classes(self) -> int:
        return self.data_set.classes

    def check(self) -> None:
        """Raise UserError for what can be seen to be wrong while a plan is read."""
        self.data_set.check()
        self.codec.check()
        checked("codec", lambda: self.codec.check_latents(self.data_set.facts_of_latents()))

    def signal(self, indices: "torch.Tensor", seed: int, step: int) -> tuple["torch.Tensor", "torch.Tensor"]:
        """What a network sees of these examples at that step, float32 (B, channels, size, size), and labels (B,)."""
        stored, labels = self.data_set.examples(indices)
        return self.codec.signal(stored, indices, seed, step), labels

    def pictures(self, indices: "torch.Tensor") -> tuple["torch.Tensor", "torch.Tensor"]:
        """The same as samples are looked at: uint8 (B, C, H, W), and labels (B,)."""
        signal, labels = self.signal(indices, 0, 0)
        return self.codec.pictures(signal), labels

    def gathered(self, indices: "torch.Tensor") -> Images:
        """Pictures of these examples in memory, read batch by batch."""
        import torch

        parts = [self.pictures(rows) for rows in indices.split(ROWS)] or [self.pictures(indices)]
        pixels, labels = (torch.cat(part) for part in zip(*parts, strict=True))
        return Images(pixels, labels, self.classes, self.name, self.data_set.cells)

    def to_learn_from(self) -> Images:
        """The part that is trained on, of more than MOST examples as many."""
        return self.gathered(self.training_part(MOST, "to learn from"))

    def training_part(self, most: int, purpose: str) -> "torch.Tensor":
        """Rising indices of what is trained on; of more than `most` as many, drawn at random, for one purpose always
        the same."""
        import torch

        from sprint.runtime.rng import generator

        indices = self.data_set.training
        if len(indices) <= most:
            return indices
        chosen = torch.randperm(len(indices), generator=generator(purpose, len(indices)))
        return indices[chosen[:most].sort().values]


def opened(settings: dict, codec: dict, image_size: int, location: str = "") -> Examples:
    """The data set that a preset's `data` names, through the codec that its `codec` does; nothing is read.

    Raises UserError for names and settings that there are not; `location`, the preset's file, opens it.
    """
    data_set = _built(DATASETS, settings, _place(location, "data"))(image_size)
    return Examples(data_set, opened_codec(codec, data_set.channels, data_set.size, location))


def opened_codec(settings: dict, channels: int, size: int, location: str = "") -> Codec:
    """The codec that a preset's `codec` names, for stored examples (channels, size, size)."""
    return _built(CODECS, settings, _place(location, "codec"))(channels, size)


def _place(location: str, key: str) -> str:
    return inside(location, key) if location else key


def _built(plugins: Plugins, settings: dict, location: str):
    """The plug-in called `name`, its settings read."""
    rest = dict(settings)
    if "name" not in rest:
        raise UserError(f"{location}: name is missing; allowed: {', '.join(plugins)}")
    name = convert(str, rest.pop("name"), f"{location}.name")
    plugin = checked(location, lambda: plugins[name])
    return partial(plugin, build(plugin.Settings, rest, location))
