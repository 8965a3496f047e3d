"""The network: the backbone embeds patches, time and label, the method carries the tokens, the last layer predicts."""

from dataclasses import dataclass

import torch
from torch import nn

from sprint.methods import METHODS
from sprint.nn.backbones import Backbone
from sprint.nn.layers import Block, ZeroLinear, unpatchify
from sprint.runtime.rng import generator
from sprint.teachers import Taught, Teacher


@dataclass(frozen=True)
class ModelConfig:
    """All that fixes a network's parameters."""

    channels: int  # of an image or latent
    size: int  # pixels along one side of it
    classes: int  # without the null class, which is numbered `classes`
    backbone: Backbone  # on the tokens of such an image
    method: str
    settings: object  # the method's Settings
    out_channels: int = 0  # 0: as many as `channels`; published models that also predict a variance have twice as many
    teacher: Teacher | None = None  # in training


class Model(nn.Module):
    """Velocity (or what a published model predicts) of a noisy image, its time and its label."""

    def __init__(self, config: ModelConfig, seed: int = 0):
        super().__init__()
        backbone = config.backbone
        self.config, self.out_channels = config, config.out_channels or config.channels
        for name, module in backbone.embedding(config.channels, config.classes).items():
            self.add_module(name, module)
        self.method = METHODS[config.method](backbone, config.settings)
        self.final = backbone.output(self.method.out_width, self.out_channels)
        self.teacher = config.teacher and Taught(config.teacher, backbone, self.method)
        initialise(self, seed)

    def forward(self, x_BCHW, t_B, y_B, keep_BK=None, skip=False) -> torch.Tensor:
        """Prediction per token (B, N, patch^2 * out_channels). t from 0 to 1, noise; y = classes is the null label."""
        tokens, context = self.config.backbone.embed(self, x_BCHW, t_B, y_B)
        return self.final(self.method(tokens, context, keep_BK, skip), context)

    def image(self, x_BCHW, t_B, y_B, keep_BK=None, skip=False) -> torch.Tensor:
        """The prediction as an image (B, out_channels, H, W), in float32."""
        return unpatchify(self(x_BCHW, t_B, y_B, keep_BK, skip).float(), self.config.backbone.patch, self.out_channels)


@torch.no_grad()
def initialise(model: nn.Module, seed: int) -> None:
    """DiT's initial values, each drawn from (seed, block number, parameter), so that methods share common ones."""
    for prefix, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.is_meta:
                continue
            _start(module, name, parameter, generator("initial", seed, _key(model, prefix), name))
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
    if isinstance(module, nn.RMSNorm | nn.LayerNorm) and name == "weight":
        parameter.fill_(1)
    elif isinstance(module, ZeroLinear) or name == "bias":
        parameter.zero_()
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(parameter, generator=generator)
    else:
        nn.init.normal_(parameter, std=0.02, generator=generator)
