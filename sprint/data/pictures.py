"""The one way from a file to a picture: upright, 8 bits, without alpha, then ADM's centre crop to a square.

Data sets of pictures and `sprint evaluate --images` both read here, so that a picture is the same pixels to both.
Decided once: the camera's turn (EXIF) is applied; what is transparent shows white; 16-bit grey is divided by 257 and
deeper pixels, whose scale nobody knows, are refused; grey becomes colour by repetition and colour grey by ITU-R 601;
the crop is ADM's (`center_crop_arr`, Dhariwal and Nichol, arXiv 2105.05233): halve with BOX while the smaller side is
at least twice the size, BICUBIC until it is the size, cut out the middle. What has the size already keeps its bytes.
"""

import struct
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from sprint.runtime.errors import UserError

ENDINGS = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
GREY = ("1", "L", "LA", "La")
BACKGROUND = "white"  # under what is transparent
# What PIL raises for files that are no pictures.
BROKEN = (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError)


def read_picture(path: Path, channels: int, size: int) -> np.ndarray:
    """(channels, size, size) uint8 of a file; channels 1 or 3. Raises UserError for one that is no picture."""
    return as_array(centre_crop(in_channels(open_picture(path), channels), size))


def open_picture(path: Path) -> Image.Image:
    """The whole picture of a file, in mode L or RGB as the file has it. Raises UserError as `read_picture` does."""
    try:
        with Image.open(path) as image:
            image.load()
            upright = ImageOps.exif_transpose(image)
            return _without_alpha(_eight_bits(upright, path, image.format))
    except BROKEN as error:
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(f"{path}: not a readable picture ({said}); repair or remove it") from error


def dimensions(path: Path) -> tuple[int, int, bool]:
    """Width and height as it lies in the file, and whether it is grey, from its head alone. Raises UserError."""
    try:
        with Image.open(path) as image:
            return *image.size, image.mode in GREY or image.mode.startswith("I;16")
    except BROKEN as error:
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(f"{path}: not a readable picture ({said}); repair or remove it") from error


def in_channels(image: Image.Image, channels: int) -> Image.Image:
    """The same in grey (1) or colour (3)."""
    return image.convert("L" if channels == 1 else "RGB")


def centre_crop(image: Image.Image, size: int) -> Image.Image:
    """ADM's square of `size` pixels a side from the middle."""
    while min(image.size) >= 2 * size:
        image = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
    scale = size / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    left, top = (image.width - size) // 2, (image.height - size) // 2
    return image.crop((left, top, left + size, top + size))


def as_array(image: Image.Image) -> np.ndarray:
    """(channels, H, W) uint8 of a picture in mode L or RGB."""
    return np.ascontiguousarray(np.atleast_3d(np.asarray(image)).transpose(2, 0, 1))


def _eight_bits(image: Image.Image, path: Path, written_as: str | None) -> Image.Image:
    """16-bit grey scaled to 8, which PIL's own conversion would clip. PIL holds that of PGM files in 32-bit numbers."""
    if image.mode.startswith("I;16") or (image.mode == "I" and written_as == "PPM"):
        return Image.fromarray((np.asarray(image) / 257).round().astype(np.uint8))
    if image.mode in ("I", "F"):
        raise UserError(f"{path}: its pixels have 32 bits; allowed: pictures of 8 or 16 bits")
    return image


def _without_alpha(image: Image.Image) -> Image.Image:
    mode = "L" if image.mode in GREY else "RGB"
    if image.mode in ("La", "RGBa"):  # premultiplied, as in some TIFF files
        image = image.convert(image.mode.upper())
    if not image.has_transparency_data:
        return image.convert(mode)
    ground = Image.new("RGBA", image.size, BACKGROUND)
    return Image.alpha_composite(ground, image.convert("RGBA")).convert(mode)
