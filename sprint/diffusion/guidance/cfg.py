"""Classifier-free guidance (arXiv 2207.12598): the weak call has the null label and all blocks."""

from dataclasses import dataclass

from sprint.diffusion.guidance import PLAIN, Call, Guidance


@dataclass(frozen=True)
class ClassifierFree(Guidance):
    title = "classifier-free guidance"
    short = "CFG"
    cites = "arXiv 2207.12598"

    def calls(self):
        return PLAIN, Call(label=False)
