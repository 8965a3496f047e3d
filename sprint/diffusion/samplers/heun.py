"""Heun steps of the ODE dx/dt = v (arXiv 2206.00364, algorithm 1): two calls a step, but one in the last, to t = 0."""

from dataclasses import dataclass

from sprint.diffusion.samplers import Sampler


@dataclass(frozen=True)
class Heun(Sampler):
    title = "Heun ODE"
    cites = "arXiv 2206.00364, 2401.08740"
    order = 2

    def calls(self, t, following):
        return 2 if following > 0 else 1

    def step(self, velocity, x, t, following, noise, past):
        slope = velocity(x, t)
        if not following > 0:
            return x + (following - t) * slope
        next_slope = velocity(x + (following - t) * slope, following)
        return x + (following - t) * (slope + next_slope) / 2
