"""Teachers: a frozen extractor's features of the clean image, to which the tokens after one block are drawn.

One file in this folder is one teacher; its class is the subclass of Teacher that it defines, a frozen dataclass whose
fields are its settings. It says what tokens are projected by, and what the features become before they are compared;
the loss, of every method alike and on the tokens that the block saw, is minus the mean cosine of the two.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Self

import torch
import torch.nn.functional as F
from torch import nn

from sprint.metrics.extractors import allowed, extractor_named, trained_here
from sprint.nn.backbones import Backbone
from sprint.nn.layers import Block
from sprint.nn.tokens import take
from sprint.runtime.errors import UserError
from sprint.runtime.plugins import Kind, find

UNLABELLED = "ssl"  # the file in sprint/metrics/extractors that is to ours what DINOv2 is to Inception
PUBLISHED = {"block": 8 / 28, "hidden": 2048 / 1152}  # of REPA's XL/2: in depths, in widths


@dataclass(frozen=True)
class Teacher(Kind):
    """What pulls tokens towards features. Fields at 0 are those of REPA's XL/2 in proportion."""

    extractor: str = ""  # whose features; "": the self-supervised one's, where a preset has any trained on its images
    block: int = 0  # blocks that tokens have passed when they are compared
    weight: float = 0.5  # of its loss, beside the method's
    hidden: int = 0  # width inside the projection

    usual = "repa"
    title = ""
    cites = ""

    def on(self, backbone: Backbone, extractors: list[str]) -> Self:
        """The same with what follows from a backbone and the names of a preset's extractors."""
        own = [f"{name.rpartition('-')[0]}-{UNLABELLED}" for name in extractors if trained_here(name)]
        return replace(
            self,
            extractor=self.extractor or (own[0] if own else ""),
            block=self.block or max(1, round(PUBLISHED["block"] * backbone.depth)),
            hidden=self.hidden or max(1, round(PUBLISHED["hidden"] * backbone.width)),
        )

    def check(self, backbone: Backbone, rule: str, sparse: Collection[int]) -> None:
        """Raise UserError for what cannot be compared; `sparse` blocks of a method see the tokens that `rule` keeps,
        or, without a rule, others than those of the grid."""
        if not self.extractor or not trained_here(self.extractor):
            raise UserError(
                f"extractor is {self.extractor!r}; allowed: one that is trained here, whose features have places, of "
                f"{allowed()}"
            )
        if not 1 <= self.block <= backbone.depth:
            raise UserError(f"block is {self.block}; allowed: 1 to {backbone.depth}, the depth")
        if not rule and self.block - 1 in sparse:
            known = [str(number + 1) for number in range(backbone.depth) if number not in sparse]
            raise UserError(
                f"block is {self.block}, which sees pooled tokens; allowed for this method: {', '.join(known)}"
            )
        if not 0 < self.weight < float("inf") or self.hidden < 1:
            raise UserError(
                f"weight is {self.weight:g} and hidden {self.hidden}; allowed: a finite weight above 0, and at least 1"
            )

    @property
    def dim(self) -> int:
        """Values of a feature."""
        return extractor_named(self.extractor).dim

    def projection(self, backbone: Backbone) -> nn.Module:
        """From (tokens (B, L, width), which of the grid they are or None for all) to (B, L, dim)."""
        raise NotImplementedError

    def target(self, features_BND: torch.Tensor) -> torch.Tensor:
        """What projected tokens are compared with."""
        return features_BND


TEACHERS = Teacher.plugins = find("sprint.teachers", Teacher)


class Taught(nn.Module):
    """The projection of a network in training, and what it last saw of the block that it watches."""

    def __init__(self, teacher: Teacher, backbone: Backbone, method: nn.Module):
        super().__init__()
        self.teacher, self.projection = teacher, teacher.projection(backbone)
        self.seen_BLD: torch.Tensor | None = None
        watched = [one for one in method.modules() if isinstance(one, Block) and one.number == teacher.block - 1]
        watched[0].register_forward_hook(self._see)

    def _see(self, block: nn.Module, given: tuple, tokens_BLD: torch.Tensor) -> None:
        self.seen_BLD = tokens_BLD

    def forward(self, features_BND: torch.Tensor, keep_BK: torch.Tensor | None) -> torch.Tensor:
        """Loss per sample (B,) of the last pass, whose sparse blocks saw the kept tokens."""
        tokens_BLD, self.seen_BLD = self.seen_BLD.float(), None
        at_hand = keep_BK if tokens_BLD.shape[1] < features_BND.shape[1] else None
        target_BLD = take(self.teacher.target(features_BND), at_hand)
        cosine_BL = F.cosine_similarity(self.projection(tokens_BLD, at_hand), target_BLD, dim=-1)
        return -self.teacher.weight * cosine_BL.mean(1)
