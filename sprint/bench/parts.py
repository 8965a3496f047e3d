"""Where the time of a training step goes: embedding, the method's parts, output, loss, clipping, optimiser, EMA.

Forward and backward of a part together. The device is waited for at every border, and nothing is compiled, so that the
sum can be more than an undisturbed step.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from sprint.bench.clock import synchronise
from sprint.diffusion.denoiser import Model
from sprint.plan.schema import Run
from sprint.training.batches import Batch
from sprint.training.step import State, train_step

BETWEEN = "optimiser"  # what little is done between the phases of a step is counted to it


class Borders:
    """Counts time to the innermost part that has been entered and not left."""

    def __init__(self, model: Model):
        self.seconds: dict[str, float] = defaultdict(float)
        self.inside = [BETWEEN]
        self.last = 0.0
        self.phases: list[str] = []
        self.hooks: list = []
        self._enclose("embedding", model)
        self._watch("routing and fusion", model.method)
        for name, part in {**model.method.parts(), "output": model.final}.items():
            self._watch(name, part)

    def mark(self) -> None:
        """Count what has passed since the last mark."""
        synchronise()
        now = time.perf_counter()
        self.seconds[self.inside[-1]] += now - self.last
        self.last = now

    def enter(self, name: str) -> None:
        self.mark()
        self.inside.append(name)

    def leave(self) -> None:
        self.mark()
        self.inside.pop()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A phase of a step. The embedding, which its backward pass enters last, ends with it."""
        self.mark()
        self.inside = [name]
        self.phases.append(name)
        yield
        self.mark()
        self.inside = [BETWEEN]

    def _watch(self, name: str, module: nn.Module) -> None:
        self.hooks.append(module.register_forward_pre_hook(lambda *_: self.enter(name)))
        self.hooks.append(module.register_forward_hook(lambda *_: self.leave()))
        self.hooks.append(module.register_full_backward_pre_hook(lambda *_: self.enter(name)))
        self.hooks.append(module.register_full_backward_hook(lambda *_: self.leave()))

    def _enclose(self, name: str, model: nn.Module) -> None:
        """Of the whole network what no part takes; in the backward pass it is never left, for it is what comes last."""

        def leave(module: nn.Module, given: tuple, prediction: torch.Tensor) -> None:
            self.leave()
            prediction.register_hook(lambda gradient: self.enter(name))

        self.hooks.append(model.register_forward_pre_hook(lambda *_: self.enter(name)))
        self.hooks.append(model.register_forward_hook(leave))

    def remove(self) -> None:
        """Leave the network as it was."""
        for hook in self.hooks:
            hook.remove()


def seconds_by_part(run: Run, state: State, batch: Batch) -> dict[str, float]:
    """Seconds of one training step by part, in the order in which they begin."""
    borders = Borders(state.model)
    try:
        synchronise()
        borders.last = time.perf_counter()
        train_step(run, state, state.model, batch, borders.phase)
        borders.mark()
    finally:
        borders.remove()
    named = ["embedding", *state.model.method.parts(), "routing and fusion", "output", "loss"]
    return {name: borders.seconds[name] for name in dict.fromkeys([*named, *borders.phases])}
