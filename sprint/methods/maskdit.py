"""MaskDiT (arXiv 2306.09305) under this bench's flow matching: encode the kept tokens, decode all of them.

A narrower decoder sees mask tokens at the dropped places. The loss is denoising on kept patches plus reconstruction of
the dropped ones: the denoised image there against the noisy input, normalised per patch. Published with EDM
preconditioning; see docs/fidelity.md.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn

from sprint.methods import Method
from sprint.nn.backbones import Backbone
from sprint.nn.layers import Blocks, Projection, sincos_positions
from sprint.nn.tokens import put_back, take
from sprint.runtime.errors import UserError


@dataclass(frozen=True)
class Settings:
    decoder_depth: int = 8  # blocks
    decoder_width: int = 512
    decoder_heads: int = 16
    reconstruction: float = 0.1  # weight of the reconstruction loss


class MaskDiT(Method):
    Settings = Settings
    other_blocks = True
    title = "MaskDiT-style"
    cites = "arXiv 2306.09305"

    def __init__(self, backbone: Backbone, settings: Settings):
        super().__init__(backbone)
        self.out_width, self.reconstruction = settings.decoder_width, settings.reconstruction
        self.encoder = backbone.blocks(0, backbone.depth)
        self.to_decoder = Projection(backbone.width, backbone.width, settings.decoder_width, zero=False)
        self.mask_token = nn.Parameter(torch.empty(1, 1, settings.decoder_width))
        numbers = range(backbone.depth, backbone.depth + settings.decoder_depth)
        self.decoder = Blocks(
            backbone.block(number, settings.decoder_width, settings.decoder_heads) for number in numbers
        )
        positions = (
            sincos_positions(settings.decoder_width, backbone.grid)
            if backbone.positions == "sincos"
            else torch.zeros(1, 1)
        )
        self.register_buffer("positions_ND", positions, persistent=False)

    @classmethod
    def check(cls, settings: Settings, backbone: Backbone) -> None:
        depth, width, heads = settings.decoder_depth, settings.decoder_width, settings.decoder_heads
        unit = 4 * heads if backbone.positions == "rope2d" else math.lcm(4, heads)
        if depth < 1 or heads < 1 or width < 1 or width % unit:
            raise UserError(
                f"decoder of {depth} blocks, width {width}, {heads} heads; allowed: at least one block and head, and a "
                f"width that is a multiple of {max(unit, 4)}"
            )

    def forward(self, x_BND, context, keep_BK=None, skip=False):
        kept = self.encoder(take(x_BND, keep_BK), context.at(keep_BK))
        restored = put_back(self.to_decoder(kept, context), keep_BK, self.mask_token.expand(-1, x_BND.shape[1], -1))
        return self.decoder(restored + self.positions_ND, context)

    def loss(self, prediction_BNP, target_BNP, noisy_BNP, t_B, keep_BK):
        if keep_BK is None:
            return super().loss(prediction_BNP, target_BNP, noisy_BNP, t_B, None)
        kept_BN = torch.zeros(prediction_BNP.shape[:2], device=prediction_BNP.device).scatter(1, keep_BK, 1.0)
        denoising = _mean_where((prediction_BNP - target_BNP).square().mean(-1), kept_BN)
        denoised_BNP = noisy_BNP - t_B.view(-1, 1, 1) * prediction_BNP  # on the linear path, D = x_t - t v
        return denoising + self.reconstruction * reconstruction_loss(denoised_BNP, noisy_BNP, kept_BN)


def reconstruction_loss(denoised_BNP: torch.Tensor, noisy_BNP: torch.Tensor, kept_BN: torch.Tensor) -> torch.Tensor:
    """(B,) mean squared error on dropped patches of the denoised image against the noisy input, normalised per patch
    (MAE, 2111.06377).

    A patch of a single value has no spread to be normalised by: there the target is the noisy input itself.
    """
    normalised = noisy_BNP
    if noisy_BNP.shape[-1] > 1:
        mean, variance = noisy_BNP.mean(-1, keepdim=True), noisy_BNP.var(-1, keepdim=True)
        normalised = (noisy_BNP - mean) / (variance + 1e-6).sqrt()
    return _mean_where((denoised_BNP - normalised).square().mean(-1), 1 - kept_BN)


def _mean_where(values_BN: torch.Tensor, chosen_BN: torch.Tensor) -> torch.Tensor:
    return (values_BN * chosen_BN).sum(1) / chosen_BN.sum(1)
