"""The contract of an attention: how queries, keys and values become values where a network is asked, not trained.

One file in this folder is one attention; its class is the subclass of Attention that it defines, a frozen dataclass
whose fields are its settings. `applied()` puts it in the place of torch's own for all that is computed inside, whatever
network that is; trained weights, and training, know nothing of it.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from sprint.runtime.plugins import Kind, find


@dataclass(frozen=True)
class Attention(Kind):
    """softmax(q k / sqrt(d)) v, or what stands for it."""

    usual = "exact"
    title = ""
    cites = ""

    def product(self, q_BHLd: torch.Tensor, k_BHMd: torch.Tensor, v_BHMd: torch.Tensor) -> torch.Tensor:
        """Values for every query (B, H, L, d)."""
        raise NotImplementedError

    def applied(self) -> TorchFunctionMode:
        """A context in which it takes the place of torch's scaled_dot_product_attention."""
        return _InItsPlace(self)


ATTENTIONS = Attention.plugins = find("sprint.diffusion.attention", Attention)


class _InItsPlace(TorchFunctionMode):
    def __init__(self, attention: Attention):
        super().__init__()
        self.attention = attention

    def __torch_function__(self, function, types, given=(), named=None):
        if function is F.scaled_dot_product_attention and not named:
            return self.attention.product(*given)
        return function(*given, **(named or {}))
