"""The contract of a sampler: the times it steps through from noise, t = 1, to data, and what a step does.

One file in this folder is one sampler; its class is the subclass of Sampler that it defines, a frozen dataclass whose
fields are its settings. sample.py takes the steps. Files here import no torch, for the report reads their names.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from sprint.runtime.errors import UserError
from sprint.runtime.plugins import Kind, find


@dataclass(frozen=True)
class Sampler(Kind):
    """A solver of the path from noise to data. Subclasses say how they step."""

    steps: int = 8

    usual = "heun"
    title = ""  # how tables call it
    cites = ""
    least = 1  # steps
    order = 1  # of convergence to the flow's end, for an ODE; 0 for an SDE, which ends elsewhere

    def check(self) -> None:
        """Raise UserError for too few steps."""
        if self.steps < self.least:
            raise UserError(f"sampler steps is {self.steps}; allowed for {self.kind()}: at least {self.least}")

    def times(self, evenly: Callable[[float, float, int], list[float]]) -> list[tuple[float, float]]:
        """Where each step begins and ends; evenly(first, last, count) gives so many times, the ends included."""
        return list(pairwise(evenly(1, 0, self.steps + 1)))

    def calls(self, t: float, following: float) -> int:
        """Network evaluations of the step from t to following."""
        return 1

    def step(self, velocity: Callable, x, t: float, following: float, noise: Callable, past: list):
        """x at `following` from x at t. velocity(x, t) evaluates the guided network, noise() draws fresh noise, and
        `past`, empty at the first step, is the sampler's own memory of earlier ones."""
        raise NotImplementedError

    def text(self) -> str:
        """`Heun ODE, 8 steps`."""
        return text(self.document())


SAMPLERS = Sampler.plugins = find("sprint.diffusion.samplers", Sampler)


def text(sampler: dict) -> str:
    """`{"kind": "heun", "steps": 8}` of a results file as `Heun ODE, 8 steps`; a kind whose file is gone as it is."""
    kind = sampler["kind"]
    return f"{SAMPLERS[kind].title if kind in SAMPLERS else kind}, {sampler['steps']} steps"
