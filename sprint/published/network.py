"""The network that a published checkpoint is of, and its weights under our names, with nothing left unsaid.

The model's size says what the weights cannot (heads, patch); the rest is read from their shapes. A missing, surplus or
misshapen tensor is named and refused, and so is one whose values must be ours and are not.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sprint.diffusion.denoiser import Model, ModelConfig
from sprint.methods import METHODS
from sprint.nn.backbones import BACKBONES, USUAL
from sprint.nn.sizes import parse
from sprint.published.codebases import CODEBASES, Codebase
from sprint.published.translate import refuse_unfit, translate
from sprint.published.weights import Weights, read_weights
from sprint.runtime.errors import UserError
from sprint.runtime.strict import build, checked, refuse_unknown

POSITIONS = "places.positions_ND"  # our name of what tells the grid
GRID_UNTOLD = 32  # latent pixels along one side of ImageNet-256, where no positions in a file tell them


@dataclass(frozen=True)
class Published:
    """A checkpoint that was looked at: whose it is, its network, and what to know beside it."""

    path: Path
    codebase: type[Codebase]
    config: ModelConfig  # as this bench builds it: without predicted variance
    said: list[str]  # a sentence each: what was taken, what was left, what its authors do otherwise


def look_at(path: Path, source: str, model: str, image_size: int = GRID_UNTOLD, given: dict | None = None) -> Published:
    """What a file's names and shapes tell; no weights are read.

    source: a file of sprint/published/codebases.
    image_size: latent pixels along one side, where no positions in the file tell it (SPRINT's are rotary).
    given: settings of the method that no tensor tells, where they are not the published ones.
    Raises UserError for a file that cannot be read or whose tensors are not exactly those of such a model.
    """
    codebase, size, path = importable(source), parse(model), Path(path)
    refuse_unknown(given or {}, list(codebase.untold), f"--set, of {source}")
    weights, said = read_weights(path, shapes=True)
    config = _config(codebase, weights, size, image_size, given or {})
    with torch.device("meta"):
        refuse_unfit(codebase, weights, Model(config), str(path))
    if config.out_channels != config.channels:
        said.append(f"left out the {config.channels} channels of predicted variance")
    conventions = (f"as published: {sentence}" for sentence in codebase.conventions)
    return Published(path, codebase, replace(config, out_channels=0), [*said, *conventions])


def weights_of(published: Published) -> dict[str, torch.Tensor]:
    """The state dict of its network, float32. Raises UserError where a constant that it holds is not ours."""
    weights, _ = read_weights(published.path)
    config, codebase = published.config, published.codebase
    values = weights.matrix(f"{codebase.outside['final.linear']}.weight")[0] // config.backbone.patch**2
    with torch.device("meta"):
        network = Model(replace(config, out_channels=values))
    tensors = translate(codebase, weights, network, str(published.path))
    return tensors if values == config.channels else {**tensors, **_without_variance(tensors, values, config.channels)}


def importable(source: str) -> type[Codebase]:
    """The codebase of that name. Raises UserError where there is none, or its checkpoints cannot be had here."""
    codebase = CODEBASES[source]
    if not codebase.parameterization:
        allowed = ", ".join(name for name in CODEBASES if CODEBASES[name].parameterization)
        raise UserError(f"--from is {source!r}, which has {codebase.inexpressible[0]}; allowed: {allowed}")
    return codebase


def _config(codebase: type[Codebase], weights: Weights, size: tuple, image_size: int, given: dict) -> ModelConfig:
    """The network, from the model's size and what the tensors' shapes tell."""
    depth, width, heads, patch = size
    embedding = weights.matrix(f"{codebase.outside['patches']}.weight")
    channels = embedding[1] if len(embedding) == 4 else max(1, embedding[1] // patch**2)
    published = weights.matrix(f"{codebase.outside['final.linear']}.weight")[0]
    known = [theirs for theirs, ours in codebase.constants.items() if ours == POSITIONS and theirs in weights]
    if known:
        grid = math.isqrt(weights.matrix(known[0])[1])
    elif image_size < patch or image_size % patch:
        raise UserError(f"image size is {image_size}; allowed: a multiple of the patch, {patch}")
    else:
        grid = image_size // patch
    positions = "sincos" if known else codebase.positions
    if width % (4 * heads if positions == "rope2d" else math.lcm(4, heads)):
        raise UserError(f"model of width {width} has {heads} heads; allowed: a number of heads that divides it evenly")
    qk_norm = any(name.endswith("q_norm.weight") for name in weights)
    sizes = BACKBONES[USUAL](width, depth, heads, patch, positions, qk_norm)
    backbone, method = sizes.on(max(1, grid) * patch, codebase.drop), METHODS[codebase.method]
    classes, told = codebase.classes(weights), {**codebase.settings(weights), **given}
    settings = checked(
        str(weights.path), lambda: method.settle(build(method.Settings, told, codebase.method), backbone)
    )
    out_channels = 2 * channels if published == 2 * channels * patch**2 else channels
    return ModelConfig(
        channels, backbone.grid * patch, max(1, classes), backbone, codebase.method, settings, out_channels
    )


def _without_variance(tensors: dict[str, torch.Tensor], values: int, channels: int) -> dict[str, torch.Tensor]:
    """What predicts the first `channels` of `values` channels."""
    return {
        name: tensors[name].unflatten(0, (-1, values))[:, :channels].flatten(0, 1)
        for name in ("final.linear.weight", "final.linear.bias")
    }
