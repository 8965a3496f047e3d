"""MicroDiT, deferred masking (arXiv 2407.15811): a light patch-mixer sees all tokens, the backbone the kept ones."""

from dataclasses import dataclass

import torch
from torch import nn

from sprint.errors import UserError
from sprint.layers import Blocks
from sprint.methods import Method, Spec
from sprint.tokens import put_back, take


@dataclass(frozen=True)
class Settings:
    mixer_depth: int = 4  # blocks
    mixer_width: int = 512
    mixer_heads: int = 8


class MicroDiT(Method):
    Settings = Settings
    title = "MicroDiT"

    def __init__(self, spec: Spec, settings: Settings):
        super().__init__(spec)
        self.into_mixer = nn.Linear(spec.width, settings.mixer_width)
        numbers = range(spec.depth, spec.depth + settings.mixer_depth)
        self.mixer = Blocks(spec.block(number, settings.mixer_width, settings.mixer_heads) for number in numbers)
        self.out_of_mixer = nn.Linear(settings.mixer_width, spec.width)
        self.blocks = spec.blocks(0, spec.depth)

    @classmethod
    def check(cls, settings: Settings, spec: Spec, drop: float) -> None:
        if settings.mixer_depth < 1 or settings.mixer_heads < 1 or settings.mixer_width % (4 * settings.mixer_heads):
            raise UserError(
                f"mixer of {settings.mixer_depth} blocks, width {settings.mixer_width}, {settings.mixer_heads} heads; "
                "allowed: at least one block and head, and a width that is a multiple of 4 x heads"
            )

    def forward(self, x_BND, where, keep_BK=None, skip=False):
        mixed = self.out_of_mixer(self.mixer(self.into_mixer(x_BND), where))
        kept = self.blocks(take(mixed, keep_BK), where.at(keep_BK))
        return put_back(kept, keep_BK, torch.zeros_like(x_BND))

    def loss(self, prediction_BNP, target_BNP, noisy_BNP, keep_BK):
        return super().loss(take(prediction_BNP, keep_BK), take(target_BNP, keep_BK), noisy_BNP, None)
