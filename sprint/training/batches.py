"""What a training step sees, as a function of (seed, step) alone: images, noise, times, labels, kept tokens, skips.

Every purpose draws from its own generator, so that for one seed all methods see the same images, noise, times and
dropped labels, whatever else they draw.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import torch

from sprint.data import Examples
from sprint.diffusion.path import draw_times
from sprint.nn import tokens
from sprint.plan.schedule import batch_size, images_before, stage_of
from sprint.plan.schema import Run
from sprint.runtime.rng import generator


@dataclass(frozen=True)
class Batch:
    """One step's inputs, on the CPU."""

    x_BCHW: torch.Tensor  # clean signals: of pixels in [-1, 1]
    noise_BCHW: torch.Tensor
    t_B: torch.Tensor
    y_B: torch.Tensor  # labels, the null label where dropped
    keep_BK: torch.Tensor | None  # kept tokens; None: all
    skip_B: torch.Tensor | bool  # samples whose deep path is dropped; False: none

    def shard(self, number: int, parts: int) -> "Batch":
        """The number-th of so many equal contiguous parts, for one of the processes that share the step."""
        size = len(self.y_B) // parts
        rows = slice(number * size, (number + 1) * size)
        return self._each(lambda value: value[rows])

    def pinned(self) -> "Batch":
        """The same in memory that a GPU reads without the processor's help."""
        return self._each(torch.Tensor.pin_memory)

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Batch":
        return Batch(*(change(value) if torch.is_tensor(value) else value for value in vars(self).values()))


def draw_batch(run: Run, examples: Examples, step: int, skip_rate: float) -> Batch:
    """The inputs of that step."""
    size, seed = batch_size(run, step), run.seed
    training = examples.data_set.training
    x, labels = examples.signal(training[_order(run, len(training), step, size)], seed, step)
    dropped = torch.rand(size, generator=generator("label", seed, step)) < run.train.label_drop
    drop = run.drop if run.subsampling and stage_of(run, step) == "pretrain" else 0.0
    grid = examples.size // run.model.patch
    skip = torch.rand(size, generator=generator("skip", seed, step)) < skip_rate if skip_rate else False
    return Batch(
        x_BCHW=x,
        noise_BCHW=torch.randn(x.shape, generator=generator("noise", seed, step)),
        t_B=draw_times(size, generator("time", seed, step)),
        y_B=labels.masked_fill(dropped, examples.classes),
        keep_BK=tokens.draw(run.subsampling, size, grid, drop, generator("keep", seed, step)),
        skip_B=skip,
    )


def _order(run: Run, count: int, step: int, size: int) -> torch.Tensor:
    """Indices of the images of a step: every epoch passes all images once, in an order drawn from (seed, epoch)."""
    first = images_before(run, step)
    epochs = range(first // count, (first + size - 1) // count + 1)
    order = torch.cat([_epoch(run.seed, epoch, count) for epoch in epochs])
    return order[first - epochs[0] * count :][:size]


@lru_cache(maxsize=2)  # of a million images an order takes longer to draw than a batch
def _epoch(seed: int, epoch: int, count: int) -> torch.Tensor:
    return torch.randperm(count, generator=generator("order", seed, epoch))


def prefetch(draw: Callable[[int], Batch], steps: Iterable[int], depth: int) -> Iterator[Batch]:
    """draw(step) of each step; with a `depth`, by another thread, up to so many steps before they are asked for."""
    if not depth:
        yield from map(draw, steps)
        return
    remaining = iter(steps)
    with ThreadPoolExecutor(1) as thread:
        waiting = deque(thread.submit(draw, step) for step in islice(remaining, depth))
        while waiting:
            batch = waiting.popleft().result()
            waiting.extend(thread.submit(draw, step) for step in islice(remaining, 1))
            yield batch
