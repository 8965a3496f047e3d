"""What a training step sees, as a function of (seed, step) alone: images, noise, times, labels, kept tokens, skips.

Every purpose draws from its own generator, so that for one seed all methods see the same images, noise, times and
dropped labels, whatever else they draw. Processes that share a step read and draw but their own part of it: what is
large has a generator for every ROWS images, so that nobody draws what lies before.
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
from sprint.plan.schedule import batch_size, drop_at, images_before
from sprint.plan.schema import Run
from sprint.runtime.rng import generator
from sprint.teachers.frozen import Features

ROWS = 32  # images whose noise, or kept tokens, one generator draws


@dataclass(frozen=True)
class Batch:
    """One step's inputs, on the CPU."""

    x_BCHW: torch.Tensor  # clean signals: of pixels in [-1, 1]
    noise_BCHW: torch.Tensor
    t_B: torch.Tensor
    y_B: torch.Tensor  # labels, the null label where dropped
    keep_BK: torch.Tensor | None  # kept tokens; None: all
    skip_B: torch.Tensor | bool  # samples whose deep path is dropped; False: none
    features_BND: torch.Tensor | None = None  # of the clean images, where there is a teacher

    def __len__(self) -> int:
        return len(self.y_B)

    def split(self, size: int) -> list["Batch"]:
        """Contiguous parts of at most so many images; 0: the whole."""
        starts = range(0, len(self), size or len(self))
        return [self._each(lambda value, first=first: value[first:][: size or None]) for first in starts]

    def pinned(self) -> "Batch":
        """The same in memory that a GPU reads without the processor's help."""
        return self._each(torch.Tensor.pin_memory)

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Batch":
        return Batch(*(change(value) if torch.is_tensor(value) else value for value in vars(self).values()))


def draw_batch(
    run: Run,
    examples: Examples,
    step: int,
    skip_rate: float,
    number: int = 0,
    parts: int = 1,
    features: Features | None = None,
) -> Batch:
    """The inputs of that step: the number-th of so many equal contiguous parts, for one of the processes that share it.

    The same images, in all parts together, whatever their number.
    """
    size, seed = batch_size(run, step), run.seed
    rows = range(number * (size // parts), (number + 1) * (size // parts))
    mine = slice(rows.start, rows.stop)
    training = examples.data_set.training
    chosen = training[_order(run, len(training), step, size)[mine]]
    x, labels = examples.signal(chosen, seed, step)
    dropped = torch.rand(size, generator=generator("label", seed, step))[mine] < run.train.label_drop
    drop = drop_at(run, step)
    grid = examples.size // run.model.patch
    skip = torch.rand(size, generator=generator("skip", seed, step))[mine] < skip_rate if skip_rate else False

    def drawn(purpose: str, draw: Callable[[int, torch.Generator], torch.Tensor]) -> torch.Tensor:
        return _rows(draw, (purpose, seed, step), rows, size)

    return Batch(
        x_BCHW=x,
        noise_BCHW=drawn("noise", lambda count, numbers: torch.randn(count, *x.shape[1:], generator=numbers)),
        t_B=draw_times(size, generator("time", seed, step))[mine],
        y_B=labels.masked_fill(dropped, examples.classes),
        keep_BK=drawn("keep", lambda count, numbers: tokens.draw(run.subsampling, count, grid, drop, numbers))
        if drop
        else None,
        skip_B=skip,
        features_BND=features and features(chosen),
    )


def _rows(draw: Callable[[int, torch.Generator], torch.Tensor], name: tuple, rows: range, size: int) -> torch.Tensor:
    """These of `size` rows, every ROWS of which a generator of their own draws: draw(count, generator)."""
    first, found = rows.start // ROWS, []
    for start in range(first * ROWS, rows.stop, ROWS):
        own = generator(*name, start // ROWS) if start else generator(*name)
        found.append(draw(min(ROWS, size - start), own))
    return torch.cat(found)[rows.start - first * ROWS :][: len(rows)]


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
