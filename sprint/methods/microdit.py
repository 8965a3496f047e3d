"""MicroDiT, deferred masking (arXiv 2407.15811): a light patch-mixer sees all tokens, the backbone the kept ones."""

from dataclasses import dataclass

import torch
from torch import nn

from sprint.methods import Method
from sprint.nn.backbones import Backbone
from sprint.nn.layers import Blocks
from sprint.nn.tokens import put_back, take
from sprint.runtime.errors import UserError


@dataclass(frozen=True)
class Settings:
    mixer_depth: int = 4  # blocks
    mixer_width: int = 512
    mixer_heads: int = 8


class MicroDiT(Method):
    Settings = Settings
    other_blocks = True
    title = "MicroDiT"
    cites = "arXiv 2407.15811"
    restores = False

    def __init__(self, backbone: Backbone, settings: Settings):
        super().__init__(backbone)
        self.into_mixer = nn.Linear(backbone.width, settings.mixer_width)
        numbers = range(backbone.depth, backbone.depth + settings.mixer_depth)
        self.mixer = Blocks(backbone.block(number, settings.mixer_width, settings.mixer_heads) for number in numbers)
        self.out_of_mixer = nn.Linear(settings.mixer_width, backbone.width)
        self.blocks = backbone.blocks(0, backbone.depth)

    @classmethod
    def check(cls, settings: Settings, backbone: Backbone) -> None:
        if settings.mixer_depth < 1 or settings.mixer_heads < 1 or settings.mixer_width % (4 * settings.mixer_heads):
            raise UserError(
                f"mixer of {settings.mixer_depth} blocks, width {settings.mixer_width}, {settings.mixer_heads} heads; "
                "allowed: at least one block and head, and a width that is a multiple of 4 x heads"
            )

    def forward(self, x_BND, context, keep_BK=None, skip=False):
        mixed = self.out_of_mixer(self.mixer(self.into_mixer(x_BND), context))
        kept = self.blocks(take(mixed, keep_BK), context.at(keep_BK))
        return put_back(kept, keep_BK, torch.zeros_like(x_BND))

    def loss(self, prediction_BNP, target_BNP, noisy_BNP, t_B, keep_BK):
        return super().loss(take(prediction_BNP, keep_BK), take(target_BNP, keep_BK), noisy_BNP, t_B, None)
