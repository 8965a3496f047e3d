"""The contract of a codec: how stored examples become what a network sees, and back to pictures.

One file in this folder is one codec; its class is the subclass of Codec that it defines. A preset's `codec` holds its
name, the file's, and its settings; without one it is `pixels`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sprint.data.levels import to_pixels
from sprint.runtime.errors import UserError
from sprint.runtime.plugins import find

if TYPE_CHECKING:  # a plan is read without torch
    import torch

    from sprint.data.facts import Facts

USUAL_CODEC = {"name": "pixels"}  # the codec of a preset that names none


@dataclass(frozen=True)
class NoSettings:
    """For codecs without settings of their own."""


class Codec:
    """From stored examples to the signal, floats of about unit size, and from signals to 8-bit pictures."""

    Settings: type = NoSettings  # a frozen dataclass of what a preset says beside the name, each with its range
    title = ""  # how tables call it
    cites = ""  # paper or source
    autoencoder: str | None = None  # which one made the stored examples and makes pictures: its name and hash

    def __init__(self, settings: object, channels: int, size: int):
        """For stored examples (channels, size, size). Reads nothing, so that a plan costs nothing."""
        self.settings, self.stored_channels, self.stored_size = settings, channels, size

    @classmethod
    def smallest(cls, folder: Path) -> tuple[dict, "torch.Tensor"]:
        """Settings and some stored examples, files made in `folder`: what the contract is tried on."""
        import torch

        return {}, torch.randint(256, (5, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

    @property
    def channels(self) -> int:
        """Of a signal."""
        return self.stored_channels

    @property
    def size(self) -> int:
        """Of a signal, along one side."""
        return self.stored_size

    def check(self) -> None:
        """Raise UserError for stored examples that it cannot take, while a plan is read."""

    def check_latents(self, facts: "Facts | None") -> None:
        """Raise UserError for stored latents of which such facts (data/facts.py) are known; None: of none."""
        if facts is not None:
            raise UserError(f"{self.title} are asked for, and the data set holds latents; allowed: name: autoencoder")

    def signal(self, stored: "torch.Tensor", indices: "torch.Tensor", seed: int, step: int) -> "torch.Tensor":
        """float32 (B, channels, size, size) of stored examples; where it draws, from (seed, step, each one's index)."""
        raise NotImplementedError

    def decoded(self, signal: "torch.Tensor") -> "torch.Tensor":
        """Pictures (B, C, H, W) of signals as floats, from -1, black, to 1 and beyond."""
        raise NotImplementedError

    def pictures(self, signal: "torch.Tensor", levels: str = "nearest") -> "torch.Tensor":
        """uint8 (B, C, H, W) of signals: what is looked at and measured; `levels` as data.to_pixels has them."""
        return to_pixels(self.decoded(signal), levels)


CODECS = find("sprint.data.codecs", Codec)
