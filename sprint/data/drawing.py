"""Digits drawn larger, as colour pictures in a folder: a data set of files for whoever has none.

sprint data draw FOLDER --size 32

Each is one of the 1,797 digits of data set `digits`, enlarged, moved, in a colour of its own on another; which ones
depends on its number alone.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from sprint.data import USUAL_CODEC, opened
from sprint.runtime.errors import UserError
from sprint.runtime.files import refuse_unwritable, write_json
from sprint.runtime.progress import track

MANIFEST = "manifest.json"
SMALLEST, SIDE = 16, 8  # pixels of a picture, and of a digit as it is published
LARGEST_SHARE = 0.95  # of the picture that a digit fills


def draw(folder: Path, size: int, count: int) -> None:
    """Write `count` pictures as folder/<digit>/<number>.png, and last a manifest."""
    from sprint.runtime.rng import generator

    examples = opened({"name": "digits"}, USUAL_CODEC, SIDE)
    if not 1 <= count <= len(examples) or size < SMALLEST:
        raise UserError(
            f"asked for {count} pictures of {size} pixels; allowed: 1 to {len(examples)}, of at least {SMALLEST}"
        )
    refuse_unwritable(folder)
    pixels, labels = examples.data_set.held
    for index in track(range(count), f"drawing {folder}", count):
        path = Path(folder) / str(int(labels[index])) / f"{index:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        numbers = np.random.default_rng(generator("drawn digit", index).initial_seed())
        Image.fromarray(drawn(pixels[index, 0].numpy(), size, numbers)).save(path)
    write_json(Path(folder) / MANIFEST, {"pictures": count, "size": size, "of": "digits"})


def drawn(digit: np.ndarray, size: int, numbers: np.random.Generator) -> np.ndarray:
    """(size, size, 3) uint8 of a digit (8, 8) uint8: a light colour on a dark one, or the other way round."""
    side = round(size * numbers.uniform(0.75, LARGEST_SHARE))
    left, top = numbers.integers(0, size - side + 1, 2)
    ink = np.zeros((size, size))
    enlarged = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)
    ink[top : top + side, left : left + side] = np.asarray(enlarged) / 255
    dark, light = numbers.uniform(0, 90, 3), numbers.uniform(165, 255, 3)
    under, over = (dark, light) if numbers.uniform() < 0.5 else (light, dark)
    return (under + ink[..., None] * (over - under)).round().astype(np.uint8)
