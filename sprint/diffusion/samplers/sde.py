"""Euler-Maruyama steps of the SDE (SiT, arXiv 2401.08740): dx = (v - w/2 score) dt + sqrt(w) dW with w = 2t, backwards
in time; the last step, to the mean, is quiet."""

from dataclasses import dataclass
from itertools import pairwise

from sprint.diffusion.samplers import Sampler

SDE_END = 0.04  # where the last step begins (SiT's published sampler)


@dataclass(frozen=True)
class EulerMaruyama(Sampler):
    title = "Euler–Maruyama SDE"
    cites = "arXiv 2401.08740"
    least = 2  # the last step begins at SDE_END: another has to lead there
    order = 0

    def times(self, evenly):
        return [*pairwise(evenly(1, SDE_END, self.steps)), (SDE_END, 0.0)]

    def step(self, velocity, x, t, following, noise, past):
        step = t - following
        v = velocity(x, t)
        x = x - step * (v - t * score(v, x, t))
        return x + (2 * t * step) ** 0.5 * noise() if following > 0 else x


def score(velocity, x, t: float):
    """Score of p_t from the velocity on the linear path: -(x + (1 - t) v) / t (arXiv 2401.08740 equation 9)."""
    return -(x + (1 - t) * velocity) / t
