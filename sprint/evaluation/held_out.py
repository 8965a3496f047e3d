"""The loss of weights on held-out images: paired, cheap, and without sampling.

Every run sees the same images, noise and times. Times are the quantiles of those that training draws, one an image, in
an order that has nothing to do with the images: the mean is the training's loss on all tokens, with little noise.
"""

import torch

from sprint.data import ROWS
from sprint.diffusion.path import interpolate, velocity
from sprint.methods import METHODS
from sprint.runtime import distributed
from sprint.runtime.rng import generator

KINDS = {"losses": False, "losses_skipped": True}  # and whether the deep part is skipped
EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # of the bins of time in which the loss is told


def times(count: int) -> torch.Tensor:
    """Logit-normal times (count,), one quantile each, in an order drawn once and for all."""
    places = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    order = torch.randperm(count, generator=generator("held-out times", count))
    return torch.special.ndtri(places).sigmoid().float()[order]


@torch.inference_mode()
def losses(trained, network, count: int, device: torch.device) -> dict[str, torch.Tensor]:
    """This process's part of `losses` (count,), and of `losses_skipped` where the method can skip its deep part.

    network(x, t, y, keep, skip) is the velocity of weights of `trained`.
    """
    examples = trained.examples
    indices, moments = examples.data_set.held_out()[:count], times(count)
    kinds = {kind: skip for kind, skip in KINDS.items() if not skip or METHODS[trained.run.method].can_skip}
    parts: dict[str, list] = {kind: [torch.empty(0)] for kind in kinds}
    for rows in distributed.shard(torch.arange(count).split(ROWS)):
        x, labels = examples.signal(indices[rows], 0, 0)
        noise = torch.stack([torch.randn(x.shape[1:], generator=generator("held-out", int(row))) for row in rows])
        x, noise, t = x.to(device), noise.to(device), moments[rows].to(device)
        for kind, skip in kinds.items():
            error = network(interpolate(x, noise, t), t, labels.to(device), None, skip) - velocity(x, noise)
            parts[kind].append(error.square().mean(dim=(1, 2, 3)).cpu())
    return {kind: torch.cat(found) for kind, found in parts.items()}


def by_time(found: dict[str, torch.Tensor]) -> dict:
    """Mean losses in bins of time, as results keep them; None for a bin without images."""
    found = {kind: values for kind, values in found.items() if kind in KINDS}
    count = len(found["losses"])
    bins = torch.bucketize(times(count), torch.tensor(EDGES[1:-1]))
    means = {}
    for kind, values in found.items():
        inside = [values[bins == number] for number in range(len(EDGES) - 1)]
        means[kind] = [float(part.double().mean()) if len(part) else None for part in inside]
    return {"times": list(EDGES), "images": count, **means}
