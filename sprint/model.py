"""The network: embed patches, time and label; let the method carry the tokens; project to a prediction per patch."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from sprint.layers import (
    Block,
    Projection,
    TimeEmbedding,
    Where,
    ZeroLinear,
    grid_places,
    patchify,
    sincos_positions,
    unpatchify,
)
from sprint.methods import Spec, find
from sprint.streams import stream


@dataclass(frozen=True)
class Shape:
    """All that fixes a network's parameters."""

    channels: int  # of an image or latent
    size: int  # pixels along one side of it
    patch: int  # pixels along one side of a token
    classes: int  # without the null class, which is numbered `classes`
    spec: Spec
    method: str
    settings: object  # the method's Settings
    out_channels: int = 0  # 0: as many as `channels`; published models that also predict a variance have twice as many


class Model(nn.Module):
    """Velocity (or what a published model predicts) of a noisy image, its time and its label."""

    def __init__(self, shape: Shape, seed: int = 0):
        super().__init__()
        spec = shape.spec
        self.shape, self.out_channels = shape, shape.out_channels or shape.channels
        self.patches = nn.Linear(shape.patch**2 * shape.channels, spec.width)
        self.time = TimeEmbedding(spec.width)
        self.labels = nn.Embedding(shape.classes + 1, spec.width)
        self.method = find(shape.method)(spec, shape.settings)
        self.final = Projection(self.method.out_width, spec.width, shape.patch**2 * self.out_channels, zero=True)
        rotary = spec.positions == "rope2d"
        self.register_buffer("places_1N2", grid_places(spec.grid).unsqueeze(0) if rotary else None, persistent=False)
        self.register_buffer(
            "positions_ND", None if rotary else sincos_positions(spec.width, spec.grid), persistent=False
        )
        initialise(self, seed)

    def forward(self, x_BCHW, t_B, y_B, keep_BK=None, skip=False) -> torch.Tensor:
        """Prediction per token (B, N, patch^2 * out_channels). t from 0 to 1, noise; y = classes is the null label."""
        tokens = self.patches(patchify(x_BCHW, self.shape.patch))
        if self.positions_ND is not None:
            tokens = tokens + self.positions_ND
        where = Where(F.silu(self.time(t_B) + self.labels(y_B)), self.places_1N2, t_B)
        return self.final(self.method(tokens, where, keep_BK, skip), where)

    def image(self, x_BCHW, t_B, y_B, keep_BK=None, skip=False) -> torch.Tensor:
        """The prediction as an image (B, out_channels, H, W), in float32."""
        return unpatchify(self(x_BCHW, t_B, y_B, keep_BK, skip).float(), self.shape.patch, self.out_channels)


@torch.no_grad()
def initialise(model: nn.Module, seed: int) -> None:
    """DiT's initial values, each drawn from (seed, block number, parameter), so that methods share common ones."""
    for prefix, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.is_meta:
                continue
            _start(module, name, parameter, stream("initial", seed, _key(model, prefix), name))
        if hasattr(module, "start"):
            module.start()


def _key(model: nn.Module, prefix: str) -> str:
    """`prefix` with the path to a block replaced by the block's number."""
    parts = prefix.split(".")
    for length in range(len(parts), 0, -1):
        owner = model.get_submodule(".".join(parts[:length]))
        if isinstance(owner, Block):
            return ".".join(["block", str(owner.number), *parts[length:]])
    return prefix


def _start(module: nn.Module, name: str, parameter: nn.Parameter, generator: torch.Generator) -> None:
    if isinstance(module, nn.RMSNorm):
        parameter.fill_(1)
    elif isinstance(module, ZeroLinear) or name == "bias":
        parameter.zero_()
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(parameter, generator=generator)
    else:
        nn.init.normal_(parameter, std=0.02, generator=generator)
