"""The 1,797 handwritten digits of 8 x 8 pixels that scikit-learn ships (UCI optical recognition)."""

import importlib.util
from pathlib import Path

import numpy as np
import torch

from sprint.data import Images
from sprint.runtime.errors import UserError

CLASSES = 10
SIZE = 8
SETTINGS: dict[str, type] = {}  # keys that a preset may give beside `name`


def check(settings: dict, image_size: int) -> None:
    """Raise UserError for a size that the digits do not have."""
    if image_size != SIZE:
        raise UserError(f"image_size is {image_size}; allowed for digits: {SIZE}")


def facts(settings: dict) -> tuple[int, int]:
    """Channels and classes."""
    return 1, CLASSES


def load(settings: dict, image_size: int) -> Images:
    """All digits, (1797, 1, 8, 8) uint8: grey levels 0..16 scaled to 0..255."""
    table = torch.from_numpy(np.loadtxt(_file(), delimiter=",", dtype=np.float64))
    pixels = table[:, :-1].mul(255 / 16).round().to(torch.uint8).reshape(-1, 1, SIZE, SIZE)
    return Images(pixels, table[:, -1].long(), CLASSES, "digits")


def _file() -> Path:
    """Found without importing scikit-learn, which would cost every process more time than reading the file."""
    (folder,) = importlib.util.find_spec("sklearn").submodule_search_locations
    return Path(folder) / "datasets" / "data" / "digits.csv.gz"
