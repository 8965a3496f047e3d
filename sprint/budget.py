"""Equal training FLOPs: how many steps a cheaper method may train on what the dense one of its preset spends.

Entries that say `budget: flops` pay for the counting when the plan is read, so it has to be quick: products are counted
as Python calls them, on the CPU, where cost.py would first import torch's compiler. The tests hold the two equal.
"""

from dataclasses import replace
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from sprint.batches import sparse_steps
from sprint.config import Run
from sprint.model import Model, Shape
from sprint.shape import shape_of
from sprint.tokens import kept_count

LARGEST = 1 << 25  # parameters of a network that is built with values to be counted; larger ones are built without
PRODUCTS = (torch.matmul, torch.bmm, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.Tensor.bmm)


def with_equal_flops(run: Run) -> Run:
    """The run with the number of steps, shares of its stages kept, whose FLOPs come nearest to the dense run's."""
    allowed = forward_total(dense_twin(run))
    guess = round(run.train.steps * allowed / forward_total(run))
    near = (replace(run, train=replace(run.train, steps=max(1, guess + change))) for change in (0, -1, 1, -2, 2))
    return min(near, key=lambda candidate: abs(forward_total(candidate) - allowed))


def dense_twin(run: Run) -> Run:
    """The dense run of the same preset, schedule and seed."""
    return replace(run, method="dense", drop=0.0, subsampling="", settings={}, named={})


def forward_total(run: Run) -> int:
    """FLOPs of all forward passes of a training; backward ones are twice as many for every run."""
    shape, sparse = shape_of(run), sparse_steps(run)
    kept = kept_count(run.subsampling, shape.spec.grid, run.drop) if run.subsampling and run.drop else 0
    full = (run.train.steps - sparse) * run.train.finetune_batch
    return sparse * run.train.batch * _forward(shape, kept) + full * _forward(shape, 0)


class _Products(TorchFunctionMode):
    """Adds up the FLOPs of matrix products, two per multiply-accumulate."""

    def __init__(self):
        super().__init__()
        self.flops = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if function is F.linear:
            self.flops += 2 * result.numel() * args[1].shape[1]
        elif function is F.scaled_dot_product_attention:
            query, key, value = args[:3]
            self.flops += 2 * query[..., 0].numel() * key.shape[-2] * (query.shape[-1] + value.shape[-1])
        elif function in PRODUCTS:
            self.flops += 2 * result.numel() * args[0].shape[-1]
        return result


@lru_cache(maxsize=64)
def _forward(shape: Shape, kept: int) -> int:
    """FLOPs of one image's forward pass; `kept` tokens in the sparse blocks, 0 for all."""
    small, threads = 18 * shape.spec.depth * shape.spec.width**2 < LARGEST, torch.get_num_threads()
    torch.set_num_threads(1)  # for networks this small a second one costs more than it brings
    with torch.device("cpu" if small else "meta"), torch.no_grad():
        model, image = Model(shape), torch.zeros(1, shape.channels, shape.size, shape.size)
        inputs = (image, torch.zeros(1), torch.zeros(1, dtype=torch.long))
        keep = torch.zeros(1, kept, dtype=torch.long) if kept else None
        with _Products() as counter:
            model(*inputs, keep)
    torch.set_num_threads(threads)
    return counter.flops
