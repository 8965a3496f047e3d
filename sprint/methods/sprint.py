"""SPRINT, sparse-dense residual fusion (arXiv 2510.21986).

The encoder sees all tokens, the middle blocks the kept ones. What comes back is filled up with a mask token, fused with
the encoder's output, and decoded on all tokens. With a small probability the whole deep path is replaced by the mask
token (path-drop learning), which lets path-drop guidance use the shallow path alone as its weak model.
"""

import re
from dataclasses import dataclass, replace

import torch
from torch import nn

from sprint.methods import Method
from sprint.nn.backbones import Backbone
from sprint.nn.tokens import put_back, take
from sprint.runtime.errors import UserError

FUSIONS = ("concat_linear", "add", "none")
MASK_TOKENS = ("frozen", "learned")
DEEP = ("on", "off")


@dataclass(frozen=True)
class Settings:
    split: str = "2/*/2"  # blocks of encoder/middle/decoder; * is what is left of the depth
    fusion: str = "concat_linear"  # how deep and dense tokens meet; "none" is the deep path alone
    deep: str = "on"  # "off": the dense path alone, the deep one always the mask token
    path_drop: float = 0.1  # probability per sample that the deep path is dropped in training
    mask_token: str = "frozen"  # published code freezes it; "learned" is the alternative


class Sprint(Method):
    Settings = Settings
    title = "SPRINT"
    cites = "arXiv 2510.21986"
    subsampling = "structured"
    can_skip = True

    def __init__(self, backbone: Backbone, settings: Settings):
        super().__init__(backbone)
        encoder, middle, _ = split_depth(settings.split, backbone.depth)
        self.encoder = backbone.blocks(0, encoder)
        self.middle = backbone.blocks(encoder, encoder + middle)
        self.decoder = backbone.blocks(encoder + middle, backbone.depth)
        self.mask_token = nn.Parameter(
            torch.empty(1, 1, backbone.width), requires_grad=settings.mask_token == "learned"
        )
        self.fuse = nn.Linear(2 * backbone.width, backbone.width) if settings.fusion == "concat_linear" else None
        self.fusion, self.deep, self.skip_rate = settings.fusion, settings.deep == "on", settings.path_drop

    @classmethod
    def resolve(cls, settings: Settings, backbone: Backbone) -> Settings:
        return replace(settings, split="/".join(map(str, split_depth(settings.split, backbone.depth))))

    @classmethod
    def check(cls, settings: Settings, backbone: Backbone) -> None:
        for name, allowed in (("fusion", FUSIONS), ("mask_token", MASK_TOKENS), ("deep", DEEP)):
            if getattr(settings, name) not in allowed:
                raise UserError(f"{name} is {getattr(settings, name)!r}; allowed: {', '.join(allowed)}")
        if not 0 <= settings.path_drop <= 1:
            raise UserError(f"path_drop is {settings.path_drop}; allowed: a probability from 0 to 1")

    @classmethod
    def sparse(cls, settings: Settings, backbone: Backbone) -> range:
        encoder, middle, _ = split_depth(settings.split, backbone.depth)
        return range(encoder, encoder + middle)

    def forward(self, x_BND, context, keep_BK=None, skip=False):
        dense = self.encoder(x_BND, context)
        return self.decoder(self._fused(self._deep(dense, context, keep_BK, skip), dense), context)

    def _deep(self, dense, context, keep_BK, skip):
        mask = self.mask_token.to(dense.dtype).expand_as(dense)
        if skip is True or not self.deep:
            return mask
        deep = put_back(self.middle(take(dense, keep_BK), context.at(keep_BK)), keep_BK, mask)
        return deep if skip is False else torch.where(skip.view(-1, 1, 1), mask, deep)

    def _fused(self, deep, dense):
        if self.fusion == "none":
            return deep
        return self.fuse(torch.cat((deep, dense), dim=-1)) if self.fuse is not None else deep + dense


def split_depth(split: str, depth: int) -> tuple[int, int, int]:
    """Blocks of encoder, middle and decoder from text such as "2/8/2" or "2/*/2". Raises UserError when it is off."""
    parts = str(split).split("/")
    given = [int(part) if re.fullmatch("[0-9]+", part) else -1 for part in parts]
    rest = depth - sum(number for number in given if number > 0)
    numbers = [rest if part == "*" else number for part, number in zip(parts, given, strict=True)]
    if len(numbers) != 3 or parts.count("*") > 1 or min(numbers) < 1 or sum(numbers) != depth:
        raise UserError(
            f"split is {split!r}; allowed: encoder/middle/decoder of at least 1 each, "
            f"adding up to the depth {depth} (one may be *)"
        )
    return tuple(numbers)
