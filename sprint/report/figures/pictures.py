"""Samples as one picture in a data URI, without loss: the same indices in the same places, clear lines between."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors import SafetensorError
from safetensors.numpy import load_file

from sprint.report.blocks import Picture

COLUMNS, ROWS = 10, 3
LARGEST = 64  # larger images are reduced to this side and to one row, so that the page stays small
STRIP = 8  # images of the small picture in a table


def kept(results: Path, run: str, key: object) -> np.ndarray | None:
    """uint8 (n, C, H, W) samples of one evaluation of a run; None when none were kept, or they are damaged."""
    pixels = _tensors(results, run, key).get("pixels")
    return pixels if pixels is not None and pixels.ndim == 4 and pixels.dtype == np.uint8 else None


def closest(results: Path, run: str, key: object) -> Picture | None:
    """The training pictures closest to those samples, in the same places; None when none were kept."""
    found = _tensors(results, run, key)
    if not found.keys() >= {"closest", "levels", "of"}:
        return None
    images = _small(found["closest"])
    levels = np.sort(found["levels"][: len(images)])
    off = f"{levels[0]:.0f} to {levels[-1]:.0f} of 255 levels away, half of them at most {np.median(levels):.0f}"
    caption = f"closest of {int(found['of']):,} training pictures, {off}"
    return _picture(images, COLUMNS, f"For {len(images)} samples of {run} the {caption}", caption)


def _tensors(results: Path, run: str, key: object) -> dict[str, np.ndarray]:
    path = results / "runs" / run / "samples" / f"{key}.safetensors"
    try:
        return load_file(path) if path.exists() else {}
    except (OSError, SafetensorError):  # pictures are for the eye, their numbers stand elsewhere
        return {}


def tiled(images: np.ndarray, of: str, caption: str) -> Picture:
    """The first images as rows of COLUMNS; `of` says whose they are."""
    images = _small(images)
    alt = f"{len(images)} samples of {of}, {caption}: image indices 0 to {len(images) - 1}"
    return _picture(images, COLUMNS, alt, caption)


def strip(images: np.ndarray, of: str) -> Picture:
    """The first few in one row, for a table."""
    images = _small(images)[:STRIP]
    return _picture(images, len(images), f"The first {len(images)} samples of {of}", "")


def _picture(images: np.ndarray, columns: int, alt: str, caption: str) -> Picture:
    picture = _grid(images, columns)
    stream = io.BytesIO()
    image = Image.fromarray(picture, {2: "LA", 4: "RGBA"}[picture.shape[2]]).convert("RGBA")
    image.save(stream, "WEBP", lossless=True, method=6)  # three quarters of a PNG
    uri = "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()
    return Picture(uri, alt, caption, (picture.shape[1], picture.shape[0]))


def _small(images: np.ndarray) -> np.ndarray:
    side = max(images.shape[2:])
    if side <= LARGEST // 2:
        return images[: COLUMNS * ROWS]
    images = images[:COLUMNS]
    if side <= LARGEST:
        return images
    size = (LARGEST, LARGEST)
    reduced = [
        Image.fromarray(np.moveaxis(image, 0, -1).squeeze()).resize(size, Image.Resampling.LANCZOS) for image in images
    ]
    return np.stack([np.atleast_3d(np.asarray(image)).transpose(2, 0, 1) for image in reduced])


def _grid(images: np.ndarray, columns: int) -> np.ndarray:
    """(n, C, H, W) to one (H, W, C + 1) picture with transparent lines, one pixel wide, between the images."""
    count, channels, height, width = images.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    picture = np.zeros((rows * (height + 1) - 1, columns * (width + 1) - 1, channels + 1), np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * (height + 1), index % columns * (width + 1)
        picture[top : top + height, left : left + width, :channels] = np.moveaxis(image, 0, -1)
        picture[top : top + height, left : left + width, channels] = 255
    return picture
