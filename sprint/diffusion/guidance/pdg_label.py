"""Path-drop guidance (arXiv 2510.21986) as its project page draws it: the weak call keeps the label."""

from dataclasses import dataclass

from sprint.diffusion.guidance import PLAIN, Call, Guidance


@dataclass(frozen=True)
class PathDropWithLabel(Guidance):
    title = "path-drop guidance, label kept"
    short = "PDG-label"
    cites = "arXiv 2510.21986"

    def calls(self):
        return PLAIN, Call(skip=True)
