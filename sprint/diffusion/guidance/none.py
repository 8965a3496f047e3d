"""No guidance: one conditional call (as SiT, arXiv 2401.08740, without guidance)."""

from dataclasses import dataclass

from sprint.diffusion.guidance import PLAIN, Guidance


@dataclass(frozen=True)
class Unguided(Guidance):
    title = "no guidance"
    short = "unguided"
    cites = "arXiv 2401.08740"

    def calls(self):
        return (PLAIN,)

    def combine(self, strong, *weak):
        return strong
