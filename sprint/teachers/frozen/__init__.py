"""The frozen network of a teacher: features of clean images by place, and what they cost."""

import itertools
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sprint.data import Examples, to_signal
from sprint.metrics.extractors import extractor_named
from sprint.metrics.networks.loading import load_of
from sprint.metrics.networks.small import NetworkConfig, SmallNetwork


class Features:
    """Features of examples by index (B, grid^2, dim)."""

    def __init__(self, network: SmallNetwork, examples: Examples, grid: int, weights_sha256: str = ""):
        self.network, self.examples, self.grid, self.weights_sha256 = network, examples, grid, weights_sha256

    @torch.no_grad()
    def __call__(self, indices: torch.Tensor) -> torch.Tensor:
        pixels, _ = self.examples.pictures(indices)
        return by_place(self.network, pixels, self.grid)


def trained(extractor: str, examples: Examples, grid: int, results: Path) -> Features:
    """Features of the extractor that was trained for results/<preset>. Raises UserError where it was not."""
    loaded = load_of(results, extractor)
    return Features(loaded.module.network.eval(), examples, grid, loaded.weights_sha256)


def stand_in(teacher: dict, examples: Examples, grid: int) -> Features | None:
    """Features for a run's steps to be timed with; None where it has no teacher."""
    return untrained(teacher["extractor"], examples, grid) if teacher else None


def untrained(extractor: str, examples: Examples, grid: int) -> Features:
    """The same with whatever weights, which cost as much."""
    return Features(_network(extractor, examples), examples, grid)


def by_place(network: SmallNetwork, pixels: torch.Tensor, grid: int) -> torch.Tensor:
    """Features (B, grid^2, dim) of uint8 images (B, C, H, W): the last map before it is pooled, brought to the grid."""
    found = to_signal(pixels)
    for layer in itertools.takewhile(lambda layer: not isinstance(layer, nn.AdaptiveAvgPool2d), network.body):
        found = layer(found)
    found = F.interpolate(found, (grid, grid), mode="bilinear", align_corners=False)
    return found.flatten(2).transpose(1, 2)


def flops(extractor: str, examples: Examples, grid: int) -> int:
    """Of the features of one image: a forward pass, in which nothing is computed."""
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        pixels = torch.empty(1, examples.channels, examples.size, examples.size, dtype=torch.uint8)
        by_place(_network(extractor, examples), pixels, grid)
    return counter.get_total_flops()


def _network(extractor: str, examples: Examples) -> SmallNetwork:
    shape = NetworkConfig(examples.channels, examples.size, examples.size, examples.classes)
    return SmallNetwork(shape, extractor_named(extractor).outputs(examples.classes)).eval()
