"""The contract of a method: how tokens travel through the blocks, and which of them the loss counts.

One file in this folder is one method; its class is the subclass of Method that it defines. No other file names it.
"""

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import nn

from sprint.nn.backbones import Backbone
from sprint.nn.layers import Blocks, Context
from sprint.runtime.plugins import find

YARDSTICK = "dense"  # the method that costs and speeds are told in multiples of


@dataclass(frozen=True)
class NoSettings:
    """For methods without settings of their own."""


class Method(nn.Module):
    """A way for tokens through the blocks. Subclasses say what differs from a dense transformer."""

    Settings: type = (
        NoSettings  # a frozen dataclass of the method's own settings: str, int, float or bool, each with its default
    )
    title = ""  # how tables call it
    cites = ""  # its paper
    subsampling = (
        "random"  # the rule that chooses kept tokens unless a study names another; "" when the method drops none
    )
    restores = True  # whether what comes out where tokens were dropped was computed, so that a guidance may drop some
    can_skip = False  # whether the deep blocks can be skipped, which path-drop guidance needs
    other_blocks = False  # whether it asks the backbone for blocks of another width or attention, or for its condition
    skip_rate = 0.0  # probability per sample, in training, that they are
    time: float | None = None  # of all images, where their tensors hold no values to tell it: while a cost is counted

    def __init__(self, backbone: Backbone):
        super().__init__()
        self.out_width = backbone.width  # of the tokens that forward returns

    @classmethod
    def resolve(cls, settings: object, backbone: Backbone) -> object:
        """The settings, filled in with what follows from the backbone. Raises UserError when that is impossible."""
        return settings

    @classmethod
    def check(cls, settings: object, backbone: Backbone) -> None:
        """Raise UserError when these settings cannot be built on this backbone; when the configuration is read."""

    @classmethod
    def settle(cls, settings: object, backbone: Backbone) -> object:
        """The settings as they will be built: resolved, and checked at the backbone's drop ratio."""
        complete = cls.resolve(settings, backbone)
        cls.check(complete, backbone)
        backbone.refuse(cls.other_blocks, cls.sparse(complete, backbone))
        return complete

    @classmethod
    def sparse(cls, settings: object, backbone: Backbone) -> Collection[int]:
        """Numbers of the blocks that see fewer tokens than all."""
        return range(backbone.depth if cls.subsampling else 0)

    def forward(
        self,
        x_BND: torch.Tensor,
        context: Context,
        keep_BK: torch.Tensor | None = None,
        skip: torch.Tensor | bool = False,
    ):
        """All N tokens after the last block (B, N, out_width).

        keep_BK: tokens kept, None for all. skip: the deep blocks are skipped for these samples (B,), or for all (True).
        """
        raise NotImplementedError

    def loss(
        self,
        prediction_BNP: torch.Tensor,
        target_BNP: torch.Tensor,
        noisy_BNP: torch.Tensor,
        t_B: torch.Tensor,
        keep_BK: torch.Tensor | None,
    ):
        """Loss per sample (B,) of a predicted velocity of noisy images at times t. The default: mean squared error over
        all tokens."""
        return (prediction_BNP - target_BNP).square().mean(dim=(1, 2))

    def passes(self, kept) -> tuple:
        """The choices of tokens, None for all, that each image of a sparse step passes through with, their losses
        added; `kept` is one choice, as a tensor or, where a cost is counted, as a number."""
        return (kept,)

    def variant(self, t: float) -> object:
        """What of the computation follows from an image's time: those with equal variants are computed alike."""
        return None

    def parts(self) -> dict[str, nn.Module]:
        """Named parts whose time is reported apart: encoder, middle, decoder where a method has them."""
        return {name: child for name, child in self.named_children() if isinstance(child, Blocks)}


METHODS = find("sprint.methods", Method)
