"""A golden file: one tiny model with published weights, its inputs, and what the published code computed from them.

Its metadata holds `config`, a JSON object from which the model is rebuilt under this bench's names.
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from sprint.diffusion.denoiser import ModelConfig
from sprint.methods import METHODS
from sprint.nn.backbones import BACKBONES, USUAL, Backbone
from sprint.published.names import PARTS
from sprint.runtime.errors import UserError


class Golden:
    """The configuration and tensors of one golden file, and the reading of both with errors that name them."""

    def __init__(self, path: Path):
        self.path = path
        try:
            with safe_open(path, "pt") as content:
                text = (content.metadata() or {}).get("config")
                self.tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise UserError(f"{path}: not a whole safetensors file ({error})") from error
        try:
            self.config = json.loads(text or "")
        except ValueError as error:
            raise UserError(f"{path}: its metadata holds no JSON object named config, as a golden file does") from error
        if not isinstance(self.config, dict):
            raise UserError(f"{path}: config is {type(self.config).__name__}; allowed: a JSON object")

    def get(self, key: str, kind: type, allowed: tuple = ()) -> object:
        """A value of the configuration, one of `allowed` where there are any; numbers are at least 0."""
        if key not in self.config:
            raise UserError(f"{self.path}: config lacks {key!r}; it has {', '.join(sorted(self.config))}")
        value = self.config[key]
        numeric = kind in (int, float)
        kinds = (int, float) if kind is float else (kind, type(None)) if None in allowed else kind
        wrong = not isinstance(value, kinds) or (numeric and (isinstance(value, bool) or value < 0))
        if wrong or (allowed and value not in allowed):
            named = ", ".join(map(repr, allowed)) or ("a number from 0" if numeric else f"a {kind.__name__}")
            raise UserError(f"{self.path}: config {key} is {value!r}; allowed: {named}")
        return value

    def tensor(self, name: str, shape: tuple[int, ...]) -> torch.Tensor:
        """A tensor, whose shape must be this; -1 is any."""
        if name not in self.tensors:
            raise UserError(f"{self.path}: lacks the tensor {name}")
        found = self.tensors[name]
        if found.ndim != len(shape) or any(want not in (-1, got) for want, got in zip(shape, found.shape, strict=True)):
            raise UserError(f"{self.path}: {name} has shape {list(found.shape)}; its config asks for {list(shape)}")
        return found

    def group(self, prefix: str) -> dict[str, torch.Tensor]:
        """Tensors whose name begins so, without the prefix."""
        return {name.removeprefix(prefix): self.tensors[name] for name in self.tensors if name.startswith(prefix)}

    def shape(self) -> ModelConfig:
        """The network that the configuration describes. Raises UserError when there is none."""
        method = self.get("method", str, tuple(PARTS))
        size, patch, channels = (self.get(key, int) for key in ("input_size", "patch_size", "in_channels"))
        if min(size, patch, channels) < 1 or size % patch:
            raise UserError(
                f"{self.path}: input_size {size} is cut into patches of {patch} with {channels} channels; allowed: at "
                "least one channel, and a whole number of patches"
            )
        settings, depth, drop = READERS[method](self, size // patch)
        backbone = self._backbone(size // patch, depth, drop)
        settings = self._checked(METHODS[method], settings, backbone)
        out_channels = channels * (2 if self.get("learn_sigma", bool) else 1)
        return ModelConfig(channels, size, self.get("num_classes", int), backbone, method, settings, out_channels)

    def _backbone(self, grid: int, depth: int, drop: float) -> Backbone:
        backbone = BACKBONES[USUAL](
            width=self.get("hidden_size", int),
            depth=depth,
            heads=self.get("num_heads", int),
            patch=self.get("patch_size", int),
            grid=grid,
            positions=self.get("pos", str, ("sincos", "rope2d")),
            qk_norm=self.get("qk_norm", str, (None, "rms")) == "rms",
            drop=drop,
            mlp_ratio=self.get("mlp_ratio", float),
        )
        unit = 4 * backbone.heads if backbone.positions == "rope2d" else 4
        if min(backbone.heads, backbone.width, depth) < 1 or backbone.width % unit or backbone.width % backbone.heads:
            raise UserError(
                f"{self.path}: {depth} blocks of hidden_size {backbone.width}, num_heads {backbone.heads}, "
                f"{backbone.positions}; "
                "allowed: at least one of each, and a hidden_size divided by num_heads and by 4, with rope2d by "
                "4 x num_heads"
            )
        return backbone

    def _checked(self, method: type, settings: dict, backbone: Backbone) -> object:
        """The method's settings, complete; an impossible combination is named with the file."""
        try:
            return method.settle(method.Settings(**settings), backbone)
        except UserError as error:
            raise UserError(f"{self.path}: {error}") from error


def _dense(golden: Golden, grid: int) -> tuple[dict, int, float]:
    return {}, golden.get("depth", int), 0.0


def _sprint(golden: Golden, grid: int) -> tuple[dict, int, float]:
    depths = [golden.get(f"{part}_depth", int) for part in ("encoder", "middle", "decoder")]
    fusion = golden.get("fusion", str, ("concat_linear", "add", "none"))
    return {"split": "/".join(map(str, depths)), "fusion": fusion}, sum(depths), golden.get("drop_ratio", float)


def _tread(golden: Golden, grid: int) -> tuple[dict, int, float]:
    last = golden.get("end_layer", int) - (0 if golden.get("end_layer_inclusive", bool) else 1)
    route = f"{golden.get('start_layer', int)}-{last}"
    return {"route": route}, golden.get("depth", int), golden.get("drop_ratio", float)


def _maskdit(golden: Golden, grid: int) -> tuple[dict, int, float]:
    keys = {
        "decoder_depth": "decoder_depth",
        "decoder_width": "decoder_hidden_size",
        "decoder_heads": "decoder_num_heads",
    }
    settings = {ours: golden.get(theirs, int) for ours, theirs in keys.items()}
    return settings, golden.get("depth", int), golden.get("drop_ratio", float)


def _sparsedit(golden: Golden, grid: int) -> tuple[dict, int, float]:
    bottom, modules, top = (golden.get(f"num_{part}", int) for part in ("poolingformer", "dumbbell", "normal_block"))
    layout = f"{bottom}+{modules}x{'/'.join(map(str, golden.get('dumbbell_group', list)))}+{top}"
    side = golden.get("semantic_size", int)
    if not 1 <= side <= grid:
        raise UserError(f"{golden.path}: semantic_size is {side}; allowed: 1 to {grid}, the grid that it pools")
    return {"layout": layout}, golden.get("depth", int), 1 - (side / grid) ** 2


READERS = {"dense": _dense, "sprint": _sprint, "tread": _tread, "maskdit": _maskdit, "sparsedit": _sparsedit}
