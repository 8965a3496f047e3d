"""Your own pictures: one folder per class, any size; centre-cropped to a square and resized (bicubic, antialiased)."""

import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sprint.data import Images
from sprint.runtime.errors import UserError
from sprint.runtime.progress import track

SETTINGS: dict[str, type] = {"path": str, "channels": int}  # the folder; 1 for grey, 3 for colour
# What PIL raises for files that are no pictures.
BROKEN = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"}


def check(settings: dict, image_size: int) -> None:
    """Raise UserError when the folder is missing, has no classes, an empty one, or a file that is no picture."""
    if settings["channels"] not in (1, 3):
        raise UserError(f"channels is {settings['channels']}; allowed: 1 (grey) or 3 (colour)")
    for path in (path for files in _files(settings).values() for path in files):
        _opened(path).close()


def facts(settings: dict) -> tuple[int, int]:
    """Channels and classes."""
    return settings["channels"], len(_files(settings))


def load(settings: dict, image_size: int) -> Images:
    """All pictures (n, channels, image_size, image_size) uint8; classes are numbered by their folders' names."""
    files = _files(settings)
    paths = [(path, label) for label, found in enumerate(files.values()) for path in found]
    pixels = [
        _pixels(path, settings["channels"], image_size)
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


def _opened(path: Path) -> Image.Image:
    try:
        image = Image.open(path)
        image.verify()
        return Image.open(path)
    except BROKEN as error:
        raise _unreadable(path, error) from error


def _eight_bits(image: Image.Image, path: Path) -> Image.Image:
    """16-bit grey scaled to 8, which PIL's own conversion would clip; deeper pixels have no scale that is known."""
    if image.mode in ("I", "F"):
        raise UserError(f"{path}: its pixels have 32 bits; allowed: pictures of 8 or 16 bits")
    if not image.mode.startswith("I;16"):
        return image
    return Image.fromarray((np.asarray(image) / 257).round().astype(np.uint8))


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(f"{path}: not a readable picture ({error}); repair or remove it")


def _pixels(path: Path, channels: int, size: int) -> np.ndarray:
    """(channels, size, size) uint8."""
    try:
        image = _eight_bits(_opened(path), path).convert("L" if channels == 1 else "RGB")
    except BROKEN as error:
        raise _unreadable(path, error) from error
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.BICUBIC)
    return np.array(square, dtype=np.uint8).reshape(size, size, channels).transpose(2, 0, 1)
