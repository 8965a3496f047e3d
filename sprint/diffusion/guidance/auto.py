"""Autoguidance (arXiv 2406.02507) whose weak network is the run's own at an earlier milestone, with the same label.

The paper's best weak network is also smaller; one that is only less trained is a row of its ablation.
"""

from dataclasses import dataclass

from sprint.diffusion.guidance import PLAIN, Call, Guidance
from sprint.runtime.errors import UserError


@dataclass(frozen=True)
class Auto(Guidance):
    weights: float = 0.5  # the share of the training after which the weak weights were kept, one of the milestones

    title = "autoguidance by an earlier milestone"
    short = "AG"
    cites = "arXiv 2406.02507"

    def calls(self):
        return PLAIN, Call(weights=self.weights)

    def check(self, method, milestones=(), grid=0):
        if not 0 < self.weights < 1:
            raise UserError(f"guidance 'auto' has weights {self.weights:g}; allowed: a milestone before the last")
        super().check(method, milestones, grid)
