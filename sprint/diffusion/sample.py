"""Samplers: Euler and Heun steps of the ODE, Euler-Maruyama steps of the SDE (SiT, arXiv 2401.08740).

Every image has a generator of its own, named by (seed, index), for its first noise and the noise of its SDE steps, and
a label that follows from its index, so that batch size and number of devices change nothing.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch

from sprint.diffusion.guidance import Guided
from sprint.diffusion.path import score
from sprint.runtime.errors import UserError
from sprint.runtime.rng import generator

KINDS = ("euler", "heun", "sde")
SDE_END = 0.04  # where the SDE's last step, to the mean, begins (SiT's published sampler)


@dataclass(frozen=True)
class Sampler:
    kind: str = "heun"  # "euler" and "heun" follow the ODE, "sde" is Euler-Maruyama
    steps: int = 8  # Heun calls the network twice a step, except in the last

    def check(self) -> None:
        """Raise UserError for a kind that does not exist or no steps."""
        if self.kind not in KINDS:
            raise UserError(f"sampler kind is {self.kind!r}; allowed: {', '.join(KINDS)}")
        least = 2 if self.kind == "sde" else 1  # the SDE's last step begins at SDE_END: another has to lead there
        if self.steps < least:
            raise UserError(f"sampler steps is {self.steps}; allowed for {self.kind}: at least {least}")

    def text(self) -> str:
        return f"{self.kind}, {self.steps} steps"


def balanced_labels(first: int, last: int, classes: int) -> torch.Tensor:
    """Labels of images first..last-1: each class in turn."""
    return torch.arange(first, last) % classes


@torch.inference_mode()
def sample(
    field: Guided, sampler: Sampler, seed: int, first: int, last: int, shape: tuple[int, int, int], device="cpu"
):
    """Images first..last-1 (n, C, H, W) in [-1, 1] or beyond, before quantisation."""
    generators = [generator("sample", seed, index) for index in range(first, last)]
    labels = balanced_labels(first, last, field.classes).to(device)
    x = _noise(generators, shape, device)
    if sampler.kind == "sde":
        return _stochastic(field, sampler.steps, x, labels, generators, shape)
    times = torch.linspace(1, 0, sampler.steps + 1).tolist()
    for t, following in pairwise(times):
        x = (_heun if sampler.kind == "heun" and following > 0 else _euler)(field, x, labels, t, following)
    return x


def _noise(generators: list[torch.Generator], shape: tuple[int, int, int], device) -> torch.Tensor:
    return torch.stack([torch.randn(shape, generator=generator) for generator in generators]).to(device)


def _euler(field: Guided, x, labels, t: float, following: float):
    return x + (following - t) * field(x, t, labels)


def _heun(field: Guided, x, labels, t: float, following: float):
    slope = field(x, t, labels)
    ahead = field(x + (following - t) * slope, following, labels)
    return x + (following - t) * (slope + ahead) / 2


def _stochastic(field: Guided, steps: int, x, labels, generators, shape):
    """dx = (v - w/2 score) dt + sqrt(w) dW with w = 2t, backwards in time; the last step, to the mean, is quiet."""
    times = torch.linspace(1, SDE_END, steps).tolist()
    for t, following in pairwise(times):
        step = t - following
        x = x - step * _drift(field, x, labels, t) + (2 * t * step) ** 0.5 * _noise(generators, shape, x.device)
    return x - SDE_END * _drift(field, x, labels, SDE_END)


def _drift(field: Guided, x, labels, t: float):
    velocity = field(x, t, labels)
    return velocity - t * score(velocity, x, t)
