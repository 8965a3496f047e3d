"""Data sets: one file each. `load` finds a reader by its file's name, so that adding one is adding a file."""

import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path

import torch

from sprint.runtime.errors import UserError
from sprint.runtime.strict import describe


@dataclass(frozen=True)
class Images:
    """A labelled set of images, whole in memory."""

    pixels: torch.Tensor  # (n, C, H, W) uint8
    labels: torch.Tensor  # (n,) int64, 0 <= label < classes
    classes: int
    name: str


def readers() -> list[str]:
    """Names of the data sets that can be read."""
    return sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).with_name("sets"))]))


def reader(name: str):
    """The module that reads the data set called `name`. Raises UserError for a name without a file."""
    if name not in readers():
        raise UserError(f"data set {describe(name)} is unknown; known: {', '.join(readers())}")
    return importlib.import_module(f"sprint.data.sets.{name}")


def to_signal(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 grey levels to float32 in [-1, 1]; shape kept."""
    return pixels.float() / 127.5 - 1


def to_pixels(signal: torch.Tensor) -> torch.Tensor:
    """Floats in [-1, 1] to uint8 grey levels, rounded to the nearest and clipped: the one place of quantisation."""
    return ((signal.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def load(settings: dict, image_size: int) -> Images:
    """The images that a preset's `data` mapping names, at `image_size`."""
    rest = dict(settings)
    return reader(rest.pop("name")).load(rest, image_size)


def facts(settings: dict) -> tuple[int, int]:
    """Channels and classes of a data set, without reading its images."""
    rest = dict(settings)
    return reader(rest.pop("name")).facts(rest)
