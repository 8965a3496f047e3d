"""A golden file: one tiny model with published weights, its inputs, and what the published code computed from them.

Its metadata holds `config`, a JSON object from which the model is rebuilt under this bench's names.
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from sprint.diffusion.denoiser import Model
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

    def inputs(self, model: Model) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Noisy images, times and labels, of a size that the model takes."""
        config = model.config
        x = self.tensor("x", (-1, config.channels, config.size, config.size)).float()
        t, y = self.tensor("t", (len(x),)).float(), self.tensor("y", (len(x),))
        if y.dtype != torch.int64 or not ((y >= 0) & (y <= config.classes)).all():
            raise UserError(
                f"{self.path}: y holds {y.tolist()}; allowed: int64 from 0 to {config.classes}, the null label"
            )
        return x, t, y

    def kept(self, model: Model) -> torch.Tensor:
        """Kept tokens of each sample (B, K)."""
        keep, tokens = self.tensor("ids_keep", (len(self.tensors["x"]), -1)), model.config.backbone.tokens
        repeated = keep.shape[1] != max((len(row.unique()) for row in keep), default=0)
        if keep.dtype != torch.int64 or not keep.numel() or repeated or not ((keep >= 0) & (keep < tokens)).all():
            raise UserError(
                f"{self.path}: ids_keep must hold different int64 numbers from 0 to {tokens - 1} in each row"
            )
        return keep
