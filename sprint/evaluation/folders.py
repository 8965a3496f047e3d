"""Images and reference statistics that did not come from us, as the evaluation takes them.

    images      a folder of pictures (sub-folders too), or an .npy or .npz array (n, H, W[, C]) of uint8, or of floats
                in [0, 1]
    reference   the same, an .npz of `mu` and `sigma` as ADM published them, or the name of a preset

Files are read as data sets read them (data/pictures.py), and what has not the size that is asked for is brought to it
as there: ADM's centre crop. The other ways cut out the middle in the shape asked for and resize it as clean-fid does:
anti-aliased, in floating point, channel by channel (Parmar et al., arXiv 2104.11222), and rounded to uint8. What has
the size is left as it is. What cannot be read ends with one sentence.
"""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sprint.data import pictures
from sprint.runtime.errors import UserError
from sprint.runtime.files import file_sha256

ARRAYS = (".npy", ".npz")
FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
}
ADM, KEPT = "adm", "none"
RESIZES = (ADM, *FILTERS, KEPT)
LEAST = 2  # images that a covariance takes


def read_images(
    path: Path, size: tuple[int, int] | None, channels: int | None, resize: str
) -> tuple[torch.Tensor, str]:
    """uint8 (n, C, H, W) and the SHA-256 of what was read; (H, W) and channels as asked for, None for those found.

    Where sizes differ and none is asked for, it is a square as large as the smallest side.
    """
    path = Path(path)
    if resize not in RESIZES:
        raise UserError(f"--resize is {resize!r}; allowed: {', '.join(RESIZES)}")
    if path.is_dir():
        images, sha256 = _folder(path)
    elif path.suffix in ARRAYS and path.is_file():
        images = [Image.fromarray(one.squeeze(-1) if one.shape[2] == 1 else one) for one in _array(path)]
        sha256 = file_sha256(path)
    else:
        raise UserError(f"{path}: no such folder of images, and no .npy or .npz file of them")
    if len(images) < LEAST:
        raise UserError(f"{path}: holds {len(images)} images; a distance needs at least {LEAST}")
    size = size or _common_size(images)
    channels = channels or (1 if all(image.mode == "L" for image in images) else 3)
    prepared = (_sized(pictures.in_channels(image, channels), size, resize, path) for image in images)
    return torch.stack([torch.tensor(pictures.as_array(image)) for image in prepared]), sha256


def _common_size(images: list[Image.Image]) -> tuple[int, int]:
    sizes = {(image.height, image.width) for image in images}
    side = min(min(size) for size in sizes)
    return sizes.pop() if len(sizes) == 1 else (side, side)


def _sized(image: Image.Image, size: tuple[int, int], resize: str, path: Path) -> Image.Image:
    """The picture at (H, W) = size, in mode L or RGB as it is."""
    height, width = size
    if (image.height, image.width) == size:
        return image
    if resize == KEPT or (resize == ADM and height != width):
        ways = "that size" if resize == KEPT else f"a square, or --resize {', '.join(FILTERS)}"
        raise UserError(
            f"{path}: images of {image.height} x {image.width} pixels where {height} x {width} are asked "
            f"for; allowed with --resize {resize}: {ways}"
        )
    return pictures.centre_crop(image, height) if resize == ADM else _filtered(image, size, FILTERS[resize])


def _filtered(image: Image.Image, size: tuple[int, int], kernel: Image.Resampling) -> Image.Image:
    height, width = size
    scale = min(image.height / height, image.width / width)
    cut_width, cut_height = round(width * scale), round(height * scale)
    left, top = (image.width - cut_width) // 2, (image.height - cut_height) // 2
    image = image.crop((left, top, left + cut_width, top + cut_height))
    planes = [Image.fromarray(np.asarray(plane, dtype=np.float32)) for plane in image.split()]
    resized = [np.asarray(plane.resize((width, height), kernel)).round().clip(0, 255) for plane in planes]
    return Image.merge(image.mode, [Image.fromarray(plane.astype(np.uint8)) for plane in resized])


def _folder(path: Path) -> tuple[list[Image.Image], str]:
    files = sorted(one for one in path.rglob("*") if one.suffix.lower() in pictures.ENDINGS)
    if not files:
        raise UserError(f"{path}: holds no images; allowed endings: {', '.join(pictures.ENDINGS)}")
    digest, images = hashlib.sha256(), []
    for file in files:
        images.append(pictures.open_picture(file))
        digest.update(bytes.fromhex(file_sha256(file)))
    return images, digest.hexdigest()


def _array(path: Path) -> np.ndarray:
    """(n, H, W, C) uint8 from an array file: the only array in it, or the one called arr_0 or images."""
    arrays = read_arrays(path)
    names = [name for name in ("images", "arr_0") if name in arrays] or list(arrays)
    if len(names) != 1 or arrays[names[0]].ndim not in (3, 4):
        raise UserError(f"{path}: holds {', '.join(arrays) or 'nothing'}; allowed: one array of images (n, H, W[, C])")
    array = arrays[names[0]]
    array = array[..., None] if array.ndim == 3 else array
    if array.shape[3] not in (1, 3):
        raise UserError(f"{path}: images have {array.shape[3]} channels; allowed: 1 or 3, in the last dimension")
    if np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all():
            raise UserError(f"{path}: holds images with values that are not finite (NaN or infinite)")
        if array.min() < 0 or array.max() > 1:
            raise UserError(f"{path}: holds floats from {array.min():g} to {array.max():g}; allowed: 0 to 1, or uint8")
        array = (array * 255).round().astype(np.uint8)
    if array.dtype != np.uint8:
        raise UserError(f"{path}: holds {array.dtype} images; allowed: uint8, or floats from 0 to 1")
    return array


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npy or .npz file; nothing in it is executed. Raises UserError when it is broken."""
    try:
        found = np.load(path, allow_pickle=False)
        return {"arr_0": found} if isinstance(found, np.ndarray) else {name: found[name] for name in found.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zipfile.zlib.error) as error:
        raise UserError(f"{path}: cannot be read as arrays ({_short(error)})") from error


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
