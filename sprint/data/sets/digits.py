"""The 1,797 handwritten digits of 8 x 8 pixels that scikit-learn ships (UCI optical recognition)."""

import importlib.util
from pathlib import Path

from sprint.data.held import Held
from sprint.runtime.errors import UserError

SIZE = 8


class Digits(Held):
    title = "digits"
    cites = "Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI 1998; as in scikit-learn"
    channels, classes = 1, 10

    @classmethod
    def smallest(cls, folder):
        return {}, SIZE

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


def _file() -> Path:
    """Found without importing scikit-learn, which would cost every process more time than reading the file."""
    (folder,) = importlib.util.find_spec("sklearn").submodule_search_locations
    return Path(folder) / "datasets" / "data" / "digits.csv.gz"
