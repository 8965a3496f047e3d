"""Activation checkpointing (Chen et al., arXiv 1604.06174): a block's inner activations are computed again in the
backward pass instead of being kept, for a third more FLOPs of a training step and the same losses to the bit.
"""

from functools import partial

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from sprint.nn.layers import Block


def recompute(model: nn.Module) -> None:
    """Have every block of the network keep its input alone. Names and values of parameters stay.

    The first block that turns q and k keeps the angles for all: compiled, it does not do so again.
    """
    torch._dynamo.config.skip_fwd_side_effects_in_bwd_under_checkpoint = True
    for block in (module for module in model.modules() if isinstance(module, Block)):
        block.forward = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)
