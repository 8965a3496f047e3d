"""Path-drop guidance (arXiv 2510.21986) as its published code does it: the weak call has the null label, skipping the
deep blocks."""

from dataclasses import dataclass

from sprint.diffusion.guidance import PLAIN, Call, Guidance


@dataclass(frozen=True)
class PathDrop(Guidance):
    title = "path-drop guidance, null label"
    short = "PDG"
    cites = "arXiv 2510.21986"

    def calls(self):
        return PLAIN, Call(label=False, skip=True)
