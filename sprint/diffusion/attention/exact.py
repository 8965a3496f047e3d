"""Attention as networks are trained with: every query sees every key (arXiv 1706.03762 equation 1)."""

from dataclasses import dataclass

import torch.nn.functional as F

from sprint.diffusion.attention import Attention


@dataclass(frozen=True)
class Exact(Attention):
    title = "exact attention"
    cites = "arXiv 1706.03762"

    def product(self, q_BHLd, k_BHMd, v_BHMd):
        return F.scaled_dot_product_attention(q_BHLd, k_BHMd, v_BHMd)
