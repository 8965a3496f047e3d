"""A file of published weights: tensors by published name, and what their names and shapes tell. It runs no code."""

import argparse
import pickle
import re
import warnings
import zipfile
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from sprint.runtime.errors import UserError


class Weights(dict):
    """Tensors by published name; errors name the file that they came from."""

    def __init__(self, path: Path, tensors: dict[str, torch.Tensor]):
        super().__init__(tensors)
        self.path = path

    def matrix(self, name: str) -> torch.Size:
        """The shape, of at least two dimensions, of a tensor that tells the network's. Raises UserError without it."""
        if name not in self:
            shown = ", ".join(sorted(self)[:4])
            raise UserError(f"{self.path}: missing: {name}; it has {len(self)} tensors such as {shown}")
        if self[name].ndim < 2:
            shape = list(self[name].shape)
            raise UserError(f"{self.path}: misshapen: {name} ({shape}, allowed at least two dimensions)")
        return self[name].shape

    def blocks(self, section: str) -> int:
        """How many blocks the names of a section count."""
        return len({match[1] for name in self if (match := re.match(rf"{re.escape(section)}\.(\d+)\.", name))})


def read_weights(path: Path, shapes: bool = False) -> tuple[Weights, list[str]]:
    """The tensors of a file, moving averages preferred; and sentences on what was chosen.

    shapes: of each tensor only its shape, on the meta device; a file of gigabytes is read in milliseconds.
    """
    content = _read(path, shapes)
    if not isinstance(content, dict):
        raise UserError(f"{path}: holds a {type(content).__name__}; allowed: tensors by name")
    chosen = next((key for key in ("ema", "model", "state_dict") if isinstance(content.get(key), dict)), None)
    said = []
    if chosen:
        said.append(f"took {chosen!r} of {', '.join(sorted(map(repr, content)))}")
        content = content[chosen]
    strange = [str(name) for name, value in content.items() if not isinstance(value, torch.Tensor)]
    if strange or not content:
        raise UserError(f"{path}: {', '.join(strange[:8]) or 'nothing'} in it; allowed: tensors by name only")
    for prefix in ("module.", "_orig_mod.", "model."):
        if all(name.startswith(prefix) for name in content):
            content = {name.removeprefix(prefix): value for name, value in content.items()}
    return Weights(path, content), said


def _read(path: Path, shapes: bool) -> object:
    try:
        if path.suffix == ".safetensors":
            return _shapes(path) if shapes else load_file(path)
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickle protocols; what cannot be read is an error below
            mapped = shapes and zipfile.is_zipfile(path)  # what torch wrote before 1.6 is no ZIP, and is read whole
            return torch.load(path, map_location="meta" if shapes else "cpu", weights_only=True, mmap=mapped)
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{path}: cannot be read as {path.suffix or 'a file without ending'} ({reason})") from error


def _shapes(path: Path) -> dict[str, torch.Tensor]:
    with safe_open(path, framework="pt") as file:
        return {name: torch.empty(file.get_slice(name).get_shape(), device="meta") for name in file.keys()}  # noqa: SIM118
