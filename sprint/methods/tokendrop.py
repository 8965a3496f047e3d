"""Naive token drop: every block and the loss see the kept tokens only, and nothing is restored."""

import torch

from sprint.methods import Method
from sprint.nn.backbones import Backbone
from sprint.nn.tokens import put_back, take


class TokenDrop(Method):
    title = "naive token drop"
    cites = "arXiv 2510.21986 (its naive baseline)"
    restores = False

    def __init__(self, backbone: Backbone, settings: object):
        super().__init__(backbone)
        self.blocks = backbone.blocks(0, backbone.depth)

    def forward(self, x_BND, context, keep_BK=None, skip=False):
        kept = self.blocks(take(x_BND, keep_BK), context.at(keep_BK))
        return put_back(kept, keep_BK, torch.zeros_like(x_BND))

    def loss(self, prediction_BNP, target_BNP, noisy_BNP, t_B, keep_BK):
        return super().loss(take(prediction_BNP, keep_BK), take(target_BNP, keep_BK), noisy_BNP, t_B, None)
