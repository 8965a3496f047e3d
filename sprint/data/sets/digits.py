"""The 1,797 handwritten digits of 8 x 8 pixels that scikit-learn ships (UCI optical recognition)."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from sprint.data.held import Held
from sprint.data.sets import every
from sprint.runtime.errors import UserError
from sprint.runtime.strict import ranged

SIZE = 8


@dataclass(frozen=True)
class Settings:
    """What is held out."""

    held_out: int = ranged(0, 100, default=0)  # every so-many-th picture of each digit; left out (0): none


class Digits(Held):
    Settings = Settings
    title = "digits"
    cites = "Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI 1998; as in scikit-learn"
    channels, classes = 1, 10

    @classmethod
    def smallest(cls, folder):
        return {"held_out": 4}, SIZE

    def check(self):
        if self.image_size != SIZE:
            raise UserError(f"image_size is {self.image_size}; allowed for digits: {SIZE}")

    def read(self):
        """(1797, 1, 8, 8) uint8: grey levels 0..16 scaled to 0..255."""
        import numpy as np
        import torch

        table = torch.from_numpy(np.loadtxt(_file(), delimiter=",", dtype=np.float64))
        pixels = table[:, :-1].mul(255 / 16).round().to(torch.uint8).reshape(-1, 1, SIZE, SIZE)
        return pixels, table[:, -1].long()

    def held_out(self):
        return every(self.settings.held_out, self.held[1])


def _file() -> Path:
    """Found without importing scikit-learn, which would cost every process more time than reading the file."""
    (folder,) = importlib.util.find_spec("sklearn").submodule_search_locations
    return Path(folder) / "datasets" / "data" / "digits.csv.gz"
