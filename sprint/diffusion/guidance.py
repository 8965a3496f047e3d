"""Guidance: a strong call, and where its kind asks for one a weak call, v = weak + scale (strong - weak).

none  one conditional call
cfg   weak = null label, all blocks (classifier-free guidance, arXiv 2207.12598)
pdg   weak = null label, deep blocks skipped (path-drop guidance, arXiv 2510.21986, as its published code does)
pdg-label  the same with the label kept, as its project page draws it

Outside the interval of times the call is one plain conditional one (arXiv 2404.07724).
"""

from dataclasses import dataclass

import torch

from sprint.methods import METHODS
from sprint.runtime.errors import UserError

KINDS = ("none", "cfg", "pdg", "pdg-label")


def compared_kinds(method: str) -> list[str]:
    """The kinds whose cost and speed are told of a method: those that it can do and whose calls differ."""
    return ["none", "cfg", *(["pdg"] if METHODS[method].can_skip else [])]


@dataclass(frozen=True)
class Guidance:
    kind: str = "none"
    scale: float = 1.0  # 1 is no guidance
    interval: tuple[float, float] = (0.0, 1.0)  # times t at which it acts; 1 is noise

    def check(self, method: str) -> None:
        """Raise UserError for a kind that does not exist or that `method` cannot do."""
        if self.kind not in KINDS:
            raise UserError(f"guidance kind is {self.kind!r}; allowed: {', '.join(KINDS)}")
        low, high = self.interval
        if not (0 <= low < high <= 1):
            raise UserError(f"guidance interval is {list(self.interval)}; allowed: two times with 0 <= low < high <= 1")
        if not self.scale >= 0 or self.scale == float("inf"):
            raise UserError(f"guidance scale is {self.scale}; allowed: a finite number of at least 0")
        if self.skips and not METHODS[method].can_skip:
            raise UserError(f"guidance is {self.kind!r}, but method {method!r} has no path to drop; allowed: none, cfg")

    @property
    def skips(self) -> bool:
        return self.kind.startswith("pdg")

    def text(self) -> str:
        """Short name, such as "cfg 1.5" or "none"."""
        if self.kind == "none":
            return "none"
        inside = "" if self.interval == (0.0, 1.0) else f" on [{self.interval[0]:g}, {self.interval[1]:g}]"
        return f"{self.kind} {self.scale:g}{inside}"


class Guided:
    """The guided velocity field, which counts the network calls per image that it makes."""

    def __init__(self, network, guidance: Guidance, classes: int):
        """`network(x, t, y, skip=...)` -> velocity (B, C, H, W)."""
        self.network, self.guidance, self.classes = network, guidance, classes
        self.strong_calls = self.weak_calls = 0

    def __call__(self, x_BCHW: torch.Tensor, t: float, y_B: torch.Tensor) -> torch.Tensor:
        low, high = self.guidance.interval
        t_B = torch.full((len(x_BCHW),), t, device=x_BCHW.device)
        self.strong_calls += 1
        if self.guidance.kind == "none" or not low <= t <= high:
            return self.network(x_BCHW, t_B, y_B)
        self.weak_calls += 1
        strong, weak = self._both(x_BCHW, t_B, y_B)
        return weak + self.guidance.scale * (strong - weak)

    def _both(self, x_BCHW, t_B, y_B):
        null_B = torch.full_like(y_B, self.classes)
        if self.guidance.skips:
            weak_label = y_B if self.guidance.kind == "pdg-label" else null_B
            return self.network(x_BCHW, t_B, y_B), self.network(x_BCHW, t_B, weak_label, skip=True)
        return self.network(x_BCHW.repeat(2, 1, 1, 1), t_B.repeat(2), torch.cat((y_B, null_B))).chunk(2)
