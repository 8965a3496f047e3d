"""Random pixels of any size with random labels: nothing to learn from, for measuring speed without a data set."""

import torch

from sprint.data import Images
from sprint.runtime.errors import UserError
from sprint.runtime.rng import generator

SETTINGS: dict[str, type] = {"channels": int, "classes": int, "images": int}
MOST = 1 << 20  # of each


def check(settings: dict, image_size: int) -> None:
    """Raise UserError for numbers that make no images."""
    for key in SETTINGS:
        if not 1 <= settings.get(key, 0) <= MOST:
            raise UserError(f"{key} is {settings.get(key)!r}; allowed for noise: a whole number from 1 to {MOST}")


def facts(settings: dict) -> tuple[int, int]:
    """Channels and classes."""
    return settings["channels"], settings["classes"]


def load(settings: dict, image_size: int) -> Images:
    """Always the same pixels for the same settings."""
    count, (channels, classes) = settings["images"], facts(settings)
    draws = generator("noise data", count, image_size)
    pixels = torch.randint(256, (count, channels, image_size, image_size), dtype=torch.uint8, generator=draws)
    return Images(pixels, torch.randint(classes, (count,), generator=draws), classes, "noise")
