"""Euler steps of the ODE dx/dt = v (SiT, arXiv 2401.08740)."""

from dataclasses import dataclass

from sprint.diffusion.samplers import Sampler


@dataclass(frozen=True)
class Euler(Sampler):
    title = "Euler ODE"
    cites = "arXiv 2401.08740"

    def step(self, velocity, x, t, following, noise, past):
        return x + (following - t) * velocity(x, t)
