"""Your own pictures: one folder per class, any size, read as data/pictures.py says (upright, ADM's centre crop)."""

import os
from pathlib import Path

import numpy as np
import torch

from sprint.data import Images
from sprint.data.pictures import ENDINGS, read_picture
from sprint.runtime.errors import UserError
from sprint.runtime.progress import track

SETTINGS: dict[str, type] = {"path": str, "channels": int}  # the folder; 1 for grey, 3 for colour


def check(settings: dict, image_size: int) -> None:
    """Raise UserError when the folder is missing, has no classes or an empty one; no picture is opened."""
    if settings["channels"] not in (1, 3):
        raise UserError(f"channels is {settings['channels']}; allowed: 1 (grey) or 3 (colour)")
    _files(settings)


def facts(settings: dict) -> tuple[int, int]:
    """Channels and classes."""
    return settings["channels"], len(_files(settings))


def load(settings: dict, image_size: int) -> Images:
    """All pictures (n, channels, image_size, image_size) uint8; classes are numbered by their folders' names."""
    files = _files(settings)
    paths = [(path, label) for label, found in enumerate(files.values()) for path in found]
    pixels = [
        read_picture(path, settings["channels"], image_size)
        for path, _ in track(paths, f"reading {settings['path']}", len(paths))
    ]
    labels = torch.tensor([label for _, label in paths])
    return Images(torch.from_numpy(np.stack(pixels)), labels, len(files), f"image_folder {settings['path']}")


def _files(settings: dict) -> dict[str, list[Path]]:
    root = Path(settings["path"])
    if not root.is_dir():
        raise UserError(
            f"path is {str(root)!r}, which is no folder; allowed: a folder with one folder of pictures per class"
        )
    try:
        files = {
            entry.name: sorted(path for path in Path(entry.path).iterdir() if path.suffix.lower() in ENDINGS)
            for entry in sorted(os.scandir(root), key=lambda entry: entry.name)
            if entry.is_dir()
        }
    except OSError as error:
        raise UserError(f"path: {error.filename} cannot be read ({error.strerror})") from error
    empty = [name for name, found in files.items() if not found]
    if not files or empty:
        what = (
            f"class {empty[0]!r} of {str(root)!r} has no pictures" if empty else f"{str(root)!r} has no class folders"
        )
        raise UserError(
            f"path: {what}; allowed: one folder per class, with files ending in {', '.join(sorted(ENDINGS))}"
        )
    return files
