"""A network asked with another attention than torch's own: every product inside its forward pass is another's."""

from collections.abc import Callable

import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from sprint.diffusion.attention import ATTENTIONS, Attention

USUAL = ATTENTIONS[Attention.usual]()


def asked_with(attention: Attention, network: Callable) -> Callable:
    """`network` asked with an attention; itself where that is the usual one."""
    if attention.is_usual:
        return network

    def asked(*given):
        with InItsPlace(attention):
            return network(*given)

    return asked


class InItsPlace(TorchFunctionMode):
    """A context in which an attention takes the place of torch's scaled_dot_product_attention."""

    def __init__(self, attention: Attention):
        super().__init__()
        self.attention = attention

    def __torch_function__(self, function, types, given=(), named=None):
        if function is F.scaled_dot_product_attention and not named:
            return self.attention.product(*given)
        return function(*given, **(named or {}))
