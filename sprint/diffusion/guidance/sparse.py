"""Sparse guidance (arXiv 2601.01608): two conditional calls of one network, the weak one on fewer tokens.

D = w D(strong) + (1 - w) D(weak), shares of tokens dropped strong < weak. The paper's ranges on ImageNet are .4 to .6
and .6 to .8; the published code gives both calls the null label, the paper the image's own, as here.
"""

from dataclasses import dataclass

from sprint.diffusion.guidance import Call, Guidance
from sprint.runtime.errors import UserError


@dataclass(frozen=True)
class Sparse(Guidance):
    strong: float = 0.5  # share of the tokens that the strong call drops
    weak: float = 0.75  # that the weak call drops
    rule: str = "random"  # that chooses the tokens which are kept, of nn/tokens.py

    title = "sparse guidance"
    short = "SG"
    cites = "arXiv 2601.01608"

    def calls(self):
        return Call(drop=self.strong, rule=self.rule), Call(drop=self.weak, rule=self.rule)

    def check(self, method, milestones=(), grid=0):
        if not 0 <= self.strong < self.weak < 1:
            raise UserError(
                f"guidance 'sparse' drops {self.strong:g} in its strong and {self.weak:g} in its weak call; "
                "allowed: 0 <= strong < weak < 1"
            )
        super().check(method, milestones, grid)
