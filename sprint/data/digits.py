"""The 1,797 handwritten digits of 8 x 8 pixels that scikit-learn ships (UCI optical recognition of handwritten digits)."""

import torch

from sprint.data import Images

CHANNELS, CLASSES, SIZES = 1, 10, (8,)
SETTINGS: dict[str, type] = {}


def check(settings: dict, image_size: int) -> None:
    """Nothing to check beyond the sizes: the images ship with a dependency."""


def load(settings: dict, image_size: int) -> Images:
    """All digits, (1797, 1, 8, 8) uint8: grey levels 0..16 scaled to 0..255."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = torch.from_numpy(digits.images).mul(255 / 16).round().to(torch.uint8).unsqueeze(1)
    return Images(pixels, torch.from_numpy(digits.target).long(), CLASSES, "digits")
