"""Checkpoints: safetensors for the tensors, JSON for the rest, written whole or not at all and verified by SHA-256.

The JSON is written last: without it the tensors beside it do not count. `step-00000450.safetensors` belongs to
`step-00000450.json`, which holds the hash of the tensors, the hash of the run's configuration, and what else the writer
gave.
"""

import hashlib
import json
import os
import re
import sys
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from sprint.runtime.code import changed
from sprint.runtime.errors import UserError
from sprint.runtime.files import file_sha256, read_json, replacing, write_json


def path_of(folder: Path, step: int) -> Path:
    """Where the tensors of a step stand."""
    return Path(folder) / f"step-{step:08d}.safetensors"


def write(folder: Path, step: int, tensors: dict[str, torch.Tensor], rest: dict, configuration: str) -> None:
    """Write a checkpoint; an earlier one of the same step is replaced."""
    path = path_of(folder, step)
    with replacing(path) as temporary:
        _save({name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}, temporary)
        sums = {"sha256": file_sha256(temporary), "configuration": configuration, "step": step}
    rest = {**rest, **sums}
    write_json(path.with_suffix(".json"), {**rest, "json_sha256": _sum(rest)})


def read(path: Path, configuration: str) -> tuple[dict[str, torch.Tensor], dict]:
    """Tensors and rest of one checkpoint. Raises UserError when it is damaged or belongs to another configuration."""
    rest = read_json(Path(path).with_suffix(".json"))
    if not isinstance(rest, dict) or not {"sha256", "configuration", "step"} <= rest.keys():
        raise UserError(f"{Path(path).with_suffix('.json')}: not the JSON of a checkpoint")
    if rest.get("json_sha256", _sum(rest)) != _sum(rest):
        raise UserError(f"{Path(path).with_suffix('.json')}: damaged, its SHA-256 is not the one recorded in it")
    if rest["configuration"] != configuration:
        raise UserError(f"{path}: written by configuration {rest['configuration']}, asked for {configuration}")
    try:
        if file_sha256(path) != rest["sha256"]:
            raise UserError(f"{path}: damaged, its SHA-256 is not the one recorded beside it")
        return load_file(path), rest
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file that has no JSON to verify it by. Raises UserError when it is missing or cut short."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error


def latest(folder: Path, configuration: str) -> tuple[dict[str, torch.Tensor], dict] | None:
    """The newest checkpoint that is whole; those that are not are named on stderr and passed over. None without any."""
    paths = sorted(Path(folder).glob("step-*.json"), reverse=True)
    for path in paths:
        try:
            found = read(path.with_suffix(".safetensors"), configuration)
            _refuse_other_code(path, found[1])
        except UserError as error:
            print(f"{error}; trying the one before it", file=sys.stderr)
            continue
        if path != paths[0]:
            print(f"{path.with_suffix('.safetensors')}: whole, going on from step {found[1]['step']}", file=sys.stderr)
        return found
    if paths:
        print(f"{folder}: no checkpoint is left to go on from; starting at step 0", file=sys.stderr)
    return None


def _refuse_other_code(path: Path, rest: dict) -> None:
    """Raise UserError for a checkpoint of a training by code that is not today's, as far as that was recorded."""
    if other := changed(rest.get("code", {})):
        raise UserError(f"{path.with_suffix('.safetensors')}: trained with other code: {', '.join(other)}; not used")


def keep_newest(folder: Path, count: int, step: int) -> None:
    """Remove all but the newest `count` checkpoints up to `step`, JSON first.

    Later ones were refused when the run went on from `step` or before: they do not push out the whole ones.
    """
    paths = [path for path in sorted(Path(folder).glob("step-*.safetensors")) if path <= path_of(folder, step)]
    for path in paths[: max(0, len(paths) - count)]:
        path.with_suffix(".json").unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def _save(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Write tensors from where they lie, without a copy. Raises OSError, as writing otherwise does."""
    try:
        save_file(tensors, path)
    except SafetensorError as error:
        if code := re.search(r"os error (\d+)", str(error)):
            raise OSError(int(code[1]), os.strerror(int(code[1]))) from error
        raise


def _sum(rest: dict) -> str:
    """SHA-256 of all that the JSON says but its own sum, which checkpoints written by earlier versions lack."""
    said = {key: value for key, value in rest.items() if key != "json_sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
