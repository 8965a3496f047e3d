"""The guided velocity field: makes the network calls that a guidance declares, and counts them.

Calls that differ in their label alone, with the same tokens, blocks and weights, go through the network as one batch
unless they are asked for `apart`. Evaluation keeps them together, which fixes the bits of its images; the benchmarks of
sampling time both ways.
"""

from collections.abc import Callable
from dataclasses import replace

import torch

from sprint.diffusion.guidance import PLAIN, Call, Guidance
from sprint.nn.tokens import draw
from sprint.runtime.rng import generator


class Guided:
    """The field of one guidance, which counts the network calls per image that it makes."""

    def __init__(self, network, guidance: Guidance, classes: int, grid: int = 0, earlier=None, apart: bool = False):
        """`network(x, t, y, keep, skip)` -> velocity (B, C, H, W).

        grid: tokens along one side, for calls that drop some. earlier: networks with earlier weights, by the share of
        the training after which they were kept.
        """
        self.guidance, self.classes, self.grid, self.apart = guidance, classes, grid, apart
        self.networks: dict[float, Callable] = {PLAIN.weights: network, **(earlier or {})}
        self.generators: list[torch.Generator] = []
        self.strong_calls = self.weak_calls = 0

    def begin(self, seed: int, first: int, last: int) -> None:
        """From here on images first..last-1 are drawn, whose dropped tokens follow from (seed, index)."""
        if any(call.drop for call in self.guidance.calls()):
            self.generators = [generator("guidance", seed, index) for index in range(first, last)]

    def __call__(self, x_BCHW: torch.Tensor, t: float, y_B: torch.Tensor) -> torch.Tensor:
        t_B = torch.full((len(x_BCHW),), t, device=x_BCHW.device)
        calls = self.guidance.calls_at(t)
        self.strong_calls += 1
        self.weak_calls += len(calls) - 1
        if len(calls) == 1:
            return self._made(calls, x_BCHW, t_B, y_B)[0]
        found: dict[int, torch.Tensor] = {}
        for places in batches(calls, self.apart):
            velocities = self._made([calls[place] for place in places], x_BCHW, t_B, y_B)
            found |= dict(zip(places, velocities, strict=True))
        guided = self.guidance.combine(*(found[place] for place in range(len(calls))))
        if self.guidance.channels:
            guided[:, self.guidance.channels :] = found[0][:, self.guidance.channels :]
        return guided

    def _made(self, calls, x_BCHW, t_B, y_B) -> tuple[torch.Tensor, ...]:
        """The velocities of calls that differ in their label alone."""
        labels = [y_B if call.label else torch.full_like(y_B, self.classes) for call in calls]
        keeps = [self._kept(call, x_BCHW.device) for call in calls]
        network, skip, times = self.networks[calls[0].weights], calls[0].skip, len(calls)
        if times == 1:
            return (network(x_BCHW, t_B, labels[0], keeps[0], skip),)
        keep = None if keeps[0] is None else torch.cat(keeps)
        return network(x_BCHW.repeat(times, 1, 1, 1), t_B.repeat(times), torch.cat(labels), keep, skip).chunk(times)

    def _kept(self, call: Call, device) -> torch.Tensor | None:
        """The tokens that a call keeps of each image, None for all."""
        if not call.drop:
            return None
        return torch.cat([draw(call.rule, 1, self.grid, call.drop, one) for one in self.generators]).to(device)


def batches(calls: tuple[Call, ...], apart: bool = False) -> list[list[int]]:
    """Numbers of the calls that go through a network together: those that differ in their label alone."""
    found: dict[object, list[int]] = {}
    for place, call in enumerate(calls):
        found.setdefault(place if apart else replace(call, label=True), []).append(place)
    return list(found.values())
