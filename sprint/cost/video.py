"""What a network costs that makes clips: Latte (arXiv 2401.03048), DiT's blocks over frames x height x width tokens.

    sprint cost --model XL/2 --frames 16

Blocks take turns: one over the tokens of each frame, the next over those of each place through all frames (variant 1
of the paper). The network is there to be counted: nothing here trains one, and none of our contracts carries clips
(docs/fidelity.md). As in the published code the modulation of a block is computed for every row that it sees, frame or
place, though all rows of a clip have the same time: that is counted, as it is what was published.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sprint.cost.flops import TRAINING_FACTOR
from sprint.nn.backbones import BACKBONES, USUAL, Backbone
from sprint.nn.layers import Context, TimeEmbedding, patchify
from sprint.runtime.errors import UserError


class Clips(nn.Module):
    """Noise and its variance of a noisy clip of so many frames, without labels; positions are fixed and left out."""

    def __init__(self, backbone: Backbone, channels: int, frames: int):
        """Raises UserError for an odd number of blocks, of which the last one of a frame would have no other."""
        super().__init__()
        if backbone.depth % 2:
            raise UserError(f"--model has {backbone.depth} blocks; allowed with --frames: an even number, in turns")
        self.backbone, self.channels, self.frames = backbone, channels, frames
        self.patches = nn.Linear(backbone.patch**2 * channels, backbone.width)
        self.time = TimeEmbedding(backbone.width)
        self.blocks = backbone.blocks(0, backbone.depth)
        self.final = backbone.output(backbone.width, 2 * channels)

    def forward(self, x_FCHW: torch.Tensor, t_1: torch.Tensor) -> torch.Tensor:
        """Predictions of one clip per token (F, N, patch^2 * 2 channels)."""
        condition_1D = F.silu(self.time(t_1))
        x_RLD = self.patches(patchify(x_FCHW, self.backbone.patch))  # rows: frames, then places, then frames again
        for block in self.blocks:
            x_RLD = block(x_RLD, _of_rows(condition_1D, len(x_RLD))).transpose(0, 1)
        return self.final(x_RLD, _of_rows(condition_1D, len(x_RLD)))


def _of_rows(condition_1D: torch.Tensor, rows: int) -> Context:
    return Context(condition_1D.expand(rows, -1), None)


def clip_cost(depth: int, width: int, heads: int, patch: int, size: int, channels: int, frames: int) -> dict:
    """Parameters, MACs of a forward pass and FLOPs of a training step of one clip of latents of size x size."""
    with torch.device("meta"):
        backbone = BACKBONES[USUAL](width, depth, heads, patch, "sincos", False).on(size)
        network = Clips(backbone, channels, frames)
        clip = torch.empty(frames, channels, size, size), torch.empty(1)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(*clip)
    return {
        "params": sum(parameter.numel() for parameter in network.parameters()),
        "forward_macs": counter.get_total_flops() // 2,
        "train_flops_per_clip": TRAINING_FACTOR * counter.get_total_flops(),
    }
