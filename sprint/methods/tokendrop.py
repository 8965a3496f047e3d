"""Naive token drop: every block and the loss see the kept tokens only, and nothing is restored."""

import torch

from sprint.methods import Method, Spec
from sprint.tokens import put_back, take


class TokenDrop(Method):
    title = "naive token drop"

    def __init__(self, spec: Spec, settings: object):
        super().__init__(spec)
        self.blocks = spec.blocks(0, spec.depth)

    def forward(self, x_BND, where, keep_BK=None, skip=False):
        kept = self.blocks(take(x_BND, keep_BK), where.at(keep_BK))
        return put_back(kept, keep_BK, torch.zeros_like(x_BND))

    def loss(self, prediction_BNP, target_BNP, noisy_BNP, keep_BK):
        return super().loss(take(prediction_BNP, keep_BK), take(target_BNP, keep_BK), noisy_BNP, None)
