"""MDTv2, masked diffusion transformer (arXiv 2303.14389) under this bench's flow matching: two passes a sparse step.

Each image goes through on its kept tokens and on all, and the two losses, each over all tokens, are added. Encoder
blocks of the first half are joined to their mirror images by a linear layer, and every decoder block to what came in,
dropped tokens with it. A side block on all places guesses the dropped ones from mask tokens; kept ones pass it by.
"""

from dataclasses import dataclass

import torch
from torch import nn

from sprint.methods import Method
from sprint.nn.backbones import Backbone
from sprint.nn.layers import Blocks, Context, sincos_positions
from sprint.nn.tokens import put_back, take
from sprint.runtime.errors import UserError


@dataclass(frozen=True)
class Settings:
    decoder_depth: int = 4  # the last blocks, which see all tokens


class MDT(Method):
    Settings = Settings
    title = "MDTv2-style"
    cites = "arXiv 2303.14389"
    other_blocks = True

    def __init__(self, backbone: Backbone, settings: Settings):
        super().__init__(backbone)
        first, width = backbone.depth - settings.decoder_depth, backbone.width
        self.encoder = Encoder(backbone.blocks(0, first), width)
        self.decoder = Decoder(backbone.blocks(first, backbone.depth), width)
        self.side = backbone.block(backbone.depth) if backbone.drop else None
        self.mask_token = nn.Parameter(torch.empty(1, 1, width))
        waves = sincos_positions(width, backbone.grid) if backbone.positions == "sincos" else torch.zeros(1, 1)
        self.register_buffer("positions_ND", waves, persistent=False)

    @classmethod
    def check(cls, settings: Settings, backbone: Backbone) -> None:
        if not 1 <= settings.decoder_depth < backbone.depth:
            raise UserError(
                f"decoder_depth is {settings.decoder_depth}; allowed: 1 to {backbone.depth - 1}, so that there is a "
                "block on the kept tokens too"
            )

    @classmethod
    def sparse(cls, settings: Settings, backbone: Backbone) -> range:
        return range(backbone.depth - settings.decoder_depth)

    def passes(self, kept):
        return (None,) if kept is None else (kept, None)

    def forward(self, x_BND, context, keep_BK=None, skip=False):
        encoded = self.encoder(take(x_BND, keep_BK), context.at(keep_BK))
        out = put_back(encoded, keep_BK, self.mask_token.expand(-1, x_BND.shape[1], -1)) + self.positions_ND
        if keep_BK is not None and self.side is not None:
            out = put_back(take(out, keep_BK), keep_BK, self.side(out, context))
        return self.decoder(out, x_BND, context)

    def parts(self):
        return {"encoder": self.encoder, "decoder": self.decoder}


class Encoder(nn.Module):
    """Blocks of which each of the second half sees again what its mirror image gave."""

    def __init__(self, blocks: Blocks, width: int):
        super().__init__()
        self.blocks = blocks
        self.joins = joining(len(blocks) // 2, width)

    def forward(self, x_BKD: torch.Tensor, context: Context) -> torch.Tensor:
        given, second_half = [], len(self.blocks) - len(self.joins)
        for number, block in enumerate(self.blocks):
            if number >= second_half:
                x_BKD = self.joins[number - second_half](torch.cat((x_BKD, given.pop()), dim=-1))
            x_BKD = block(x_BKD, context)
            if number < len(self.joins):
                given.append(x_BKD)
        return x_BKD


class Decoder(nn.Module):
    """Blocks each of which sees again what came into the network."""

    def __init__(self, blocks: Blocks, width: int):
        super().__init__()
        self.blocks = blocks
        self.joins = joining(len(blocks), width)

    def forward(self, x_BND: torch.Tensor, input_BND: torch.Tensor, context: Context) -> torch.Tensor:
        for join, block in zip(self.joins, self.blocks, strict=True):
            x_BND = block(join(torch.cat((x_BND, input_BND), dim=-1)), context)
        return x_BND


def joining(count: int, width: int) -> nn.ModuleList:
    """Linear layers from two tokens side by side to one."""
    return nn.ModuleList(nn.Linear(2 * width, width) for _ in range(count))
