"""Images and reference statistics that did not come from us, as the evaluation takes them.

    images      a folder of PNG files (sub-folders too), or an .npy or .npz array (n, H, W[, C]) of uint8, or of floats
                in [0, 1]
    reference   the same, an .npz of `mu` and `sigma` as ADM published them, or the name of a preset

Images whose sizes differ are resized to the reference's, as clean-fid does it: bicubic, anti-aliased, in floating
point, channel by channel (Parmar et al., arXiv 2104.11222), and rounded to uint8, which every extractor here takes.
What cannot be read ends with one sentence.
"""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError

from sprint.runtime.errors import UserError

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
ARRAYS = (".npy", ".npz")
FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
}
RESIZES = (*FILTERS, "none")
LEAST = 2  # images that a covariance takes


def read_images(
    path: Path, size: tuple[int, int] | None, channels: int | None, resize: str
) -> tuple[torch.Tensor, str]:
    """uint8 (n, C, H, W) and the SHA-256 of what was read; (H, W) and channels as asked for, None for those found."""
    path = Path(path)
    if resize not in RESIZES:
        raise UserError(f"--resize is {resize!r}; allowed: {', '.join(RESIZES)}")
    if path.is_dir():
        images, sha256 = _folder(path)
    elif path.suffix in ARRAYS and path.is_file():
        images, sha256 = [*_array(path)], file_sha256(path)
    else:
        raise UserError(f"{path}: no such folder of images, and no .npy or .npz file of them")
    if len(images) < LEAST:
        raise UserError(f"{path}: holds {len(images)} images; a distance needs at least {LEAST}")
    sizes = sorted({image.shape[:2] for image in images})
    size = size or sizes[0]
    if resize == "none" and sizes != [size]:
        raise UserError(
            f"{path}: images of {sizes[0][0]} x {sizes[0][1]} pixels where {size[0]} x {size[1]} are asked "
            f"for; allowed with --resize none: that size"
        )
    channels = channels or (1 if all(image.shape[2] == 1 for image in images) else 3)
    return torch.stack([_prepared(image, size, channels, resize) for image in images]), sha256


def _folder(path: Path) -> tuple[list[np.ndarray], str]:
    files = sorted(one for one in path.rglob("*") if one.suffix.lower() in ENDINGS)
    if not files:
        raise UserError(f"{path}: holds no images; allowed endings: {', '.join(ENDINGS)}")
    digest, images = hashlib.sha256(), []
    for file in files:
        try:
            data = file.read_bytes()
            digest.update(hashlib.sha256(data).digest())
            with Image.open(file) as image:
                grey = image.mode in ("L", "1", "I;16", "I")
                images.append(np.atleast_3d(np.asarray(image.convert("L" if grey else "RGB"))))
        except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise UserError(f"{file}: cannot be read as an image ({_short(error)})") from error
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


def _prepared(image: np.ndarray, size: tuple[int, int], channels: int, resize: str) -> torch.Tensor:
    """uint8 (C, H, W) of the size and number of channels."""
    if image.shape[2] == 3 and channels == 1:
        image = np.atleast_3d(np.asarray(Image.fromarray(image).convert("L")))
    if image.shape[:2] != size:
        planes = [Image.fromarray(image[..., place].astype(np.float32)) for place in range(image.shape[2])]
        resized = [np.asarray(plane.resize(size[::-1], FILTERS[resize])) for plane in planes]
        image = np.stack(resized, axis=-1).round().clip(0, 255).astype(np.uint8)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).expand(channels, -1, -1).contiguous()


def file_sha256(path: Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
