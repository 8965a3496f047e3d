"""Images drawn: a sampler's steps under a guided velocity field.

Every image has a generator of its own, named by (seed, index), for its first noise and the noise of its SDE steps, and
a label that follows from its index, and where labels are random from the seed too, so that batch size and number of
devices change nothing.
"""

import torch

from sprint.diffusion.guided import Guided
from sprint.diffusion.samplers import Sampler
from sprint.runtime.rng import generator


def balanced_labels(first: int, last: int, classes: int) -> torch.Tensor:
    """Labels of images first..last-1: each class in turn."""
    return torch.arange(first, last) % classes


def random_labels(seed: int, first: int, last: int, classes: int) -> torch.Tensor:
    """Labels of images first..last-1: each drawn by itself, all classes alike."""
    drawn = [torch.randint(classes, (1,), generator=generator("label", seed, index)) for index in range(first, last)]
    return torch.cat(drawn)


def labels_of(how: str, seed: int, first: int, last: int, classes: int) -> torch.Tensor:
    """Labels (n,) of images first..last-1, "balanced" or "random"."""
    return random_labels(seed, first, last, classes) if how == "random" else balanced_labels(first, last, classes)


@torch.inference_mode()
def sample(
    field: Guided,
    sampler: Sampler,
    seed: int,
    first: int,
    last: int,
    shape: tuple[int, int, int],
    device="cpu",
    labels: str = "balanced",
):
    """Images first..last-1 (n, C, H, W) in [-1, 1] or beyond, before quantisation; `labels` as labels_of has them."""
    generators = [generator("sample", seed, index) for index in range(first, last)]
    labels = labels_of(labels, seed, first, last, field.classes).to(device)
    field.begin(seed, first, last)

    def noise() -> torch.Tensor:
        return torch.stack([torch.randn(shape, generator=own) for own in generators]).to(device)

    x, past = noise(), []
    for t, following in sampler.times(evenly):
        x = sampler.step(lambda x, t: field(x, t, labels), x, t, following, noise, past)
    return x


def evenly(first: float, last: float, count: int) -> list[float]:
    """`count` times from first to last."""
    return torch.linspace(first, last, count).tolist()
