"""Checkpoints written by a thread of their own, while the training goes on.

What is written is a snapshot in the memory of the processor, the only copy: the next one is taken once it is on disk.
What a write fails by is raised when the next one is asked for, or where the training ends.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

import torch

Tensors = dict[str, torch.Tensor]


class Writer:
    """A context: leaving it waits until all is written."""

    def __init__(self):
        self.thread = ThreadPoolExecutor(1)
        self.pending: Future | None = None

    def __enter__(self) -> Self:
        return self

    def write(self, tensors: Tensors, how: Callable[[Tensors], None]) -> None:
        """Have `how` write these tensors as they are now. Raises what an earlier write failed by."""
        self.wait()
        snapshot = {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}
        self.pending = self.thread.submit(how, snapshot)

    def wait(self) -> None:
        """Return once all is written. Raises what a write failed by."""
        pending, self.pending = self.pending, None
        if pending is not None:
            pending.result()

    def __exit__(self, kind, error, traceback) -> None:
        self.thread.shutdown()
        if kind is None:
            self.wait()
