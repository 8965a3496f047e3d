"""Runs and networks small enough for unit tests, made the way the commands make them: from preset smoke's file."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import torch

from sprint import data
from sprint.data.held import Held
from sprint.methods import METHODS
from sprint.nn.backbones import Backbone
from sprint.plan.network import model_config
from sprint.plan.reading import Entry, load_preset, make_run
from sprint.plan.schema import Preset, Run
from sprint.runtime.errors import UserError
from sprint.training.contract import inputs, network, stirred

__all__ = ["digits", "every_run", "inputs", "model_config", "network", "possible_drops", "run", "smoke", "stirred"]

ROOT = Path(__file__).resolve().parent.parent
DROPS = (0.0, 0.5, 0.75, 0.875)
torch.set_num_threads(1)  # networks this small gain nothing from more, and lose much beside other work
MODEL_KEYS = ("width", "depth", "heads", "patch", "positions", "qk_norm")


@cache
def smoke() -> Preset:
    """The smallest preset."""
    return load_preset("smoke", ROOT)


@cache
def digits() -> data.Examples:
    """The digits, read once."""
    return smoke().examples()


class Made(Held):
    """A data set of examples made by a test."""

    name = "made"

    def __init__(self, pixels: torch.Tensor, labels: torch.Tensor, classes: int):
        super().__init__(None, pixels.shape[-1])
        self.pixels, self.labels, self.channels, self.classes = pixels, labels, pixels.shape[1], classes

    channels, classes = 0, 0

    def read(self):
        return self.pixels, self.labels


def examples(pixels: torch.Tensor, labels: torch.Tensor, classes: int) -> data.Examples:
    """Pictures (n, C, H, W) uint8 as a data set."""
    made = Made(pixels, labels, classes)
    return data.Examples(made, data.opened_codec(data.USUAL_CODEC, made.channels, made.size))


def run(
    method: str = "sprint",
    drop: float = 0.75,
    seed: int = 0,
    subsampling: str = "",
    backbone: Backbone | None = None,
    teacher: dict | None = None,
    **changes,
) -> Run:
    """A run of preset smoke, or on another backbone, checked as one of a study; `changes` are of its backbone or of its
    training."""
    model = {key: value for key, value in changes.items() if key in MODEL_KEYS}
    train = {key: value for key, value in changes.items() if key not in MODEL_KEYS}
    preset = replace(smoke(), model=replace(backbone or smoke().model, **model), train=replace(smoke().train, **train))
    return make_run(preset, Entry(method, drop, subsampling, teacher=teacher or {}), seed, "test")


@cache
def possible_drops(method: str, **model) -> tuple[float, ...]:
    """Those of DROPS that the method can do on the grid."""

    def can(drop: float) -> bool:
        try:
            run(method, drop, **model)
        except UserError:
            return False
        return True

    return tuple(drop for drop in DROPS if can(drop))


def every_run(**model) -> list[Run]:
    """Every method at every possible drop ratio, of one kind of backbone."""
    return [run(method, drop, **model) for method in METHODS for drop in possible_drops(method, **model)]
