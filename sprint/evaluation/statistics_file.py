"""Reference statistics as they are published: an .npz of `mu` (d,) and `sigma` (d, d) of features.

ADM's files (Dhariwal & Nichol, arXiv 2105.05233) hold more: `mu_s` and `sigma_s` of spatial features, and in `arr_0`
some of the images, uint8 (n, H, W, 3), of which precision and recall are. They are read a few at a time: 10,000 of
256 pixels are 2 GB.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy
import torch

from sprint.metrics.extractors import Extractor
from sprint.metrics.maths.frechet import Gaussian
from sprint.runtime.errors import UserError

LAYERS = {"": ("mu", "sigma"), "spatial": ("mu_s", "sigma_s")}  # the names in a file, by layer of an extractor
IMAGES, ROWS = "arr_0", 256
BROKEN = (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile, zipfile.zlib.error)


def members(path: Path) -> list[str]:
    """Names of the arrays in an .npz file. Raises UserError when it is broken."""
    try:
        with numpy.load(path, allow_pickle=False) as arrays:
            return list(arrays.files)
    except BROKEN as error:
        raise UserError(f"{path}: cannot be read as arrays ({error})") from error


def read_npz(path: Path, dim: int, names: tuple[str, str] = LAYERS[""]) -> Gaussian:
    """The Gaussian of features of `dim` dimensions in the file. Raises UserError when it holds anything else."""
    mu, sigma = names
    try:
        with numpy.load(path, allow_pickle=False) as arrays:
            mean, covariance = (torch.from_numpy(arrays[name].astype("float64")) for name in names)
    except KeyError as error:
        raise UserError(f"{path}: holds no {mu} and {sigma} of features, as reference statistics have them") from error
    except BROKEN as error:
        raise UserError(f"{path}: cannot be read as reference statistics ({error})") from error
    if mean.shape != (dim,) or covariance.shape != (dim, dim):
        got = f"{tuple(mean.shape)} and {tuple(covariance.shape)}"
        raise UserError(f"{path}: {mu} and {sigma} have shapes {got}; the extractor's are ({dim},) and ({dim}, {dim})")
    if not (mean.isfinite().all() and covariance.isfinite().all()):
        raise UserError(f"{path}: {mu} or {sigma} holds values that are not finite")
    return Gaussian(mean, covariance)


def read_moments(path: Path, name: str, kind: type[Extractor]) -> dict[str, Gaussian]:
    """The Gaussians in a file of an extractor's features and of its layers, by `<extractor>[/<layer>]`."""
    there = members(path)
    widths = {"": kind.dim, **kind.layers}
    return {
        f"{name}/{layer}" if layer else name: read_npz(path, widths[layer], names)
        for layer, names in LAYERS.items()
        if layer in widths and (not layer or set(names) <= set(there))
    }


def images_in(path: Path) -> Iterator[torch.Tensor]:
    """The images of a file, uint8 (at most ROWS, 3, H, W) at a time; none of a file without.

    Raises UserError for an array that holds anything else, and for a file that is cut short.
    """
    if IMAGES not in members(path):
        return
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{IMAGES}.npy") as stream:
            yield from _read(path, stream)
    except BROKEN as error:
        raise UserError(f"{path}: {IMAGES} cannot be read ({error})") from error


def _read(path: Path, stream) -> Iterator[torch.Tensor]:
    version = numpy.lib.format.read_magic(stream)
    header = numpy.lib.format.read_array_header_1_0 if version == (1, 0) else numpy.lib.format.read_array_header_2_0
    shape, fortran, kind = header(stream)
    if len(shape) != 4 or shape[3] != 3 or kind != numpy.uint8 or fortran:
        raise UserError(f"{path}: {IMAGES} is {kind} of shape {shape}; allowed: uint8 images (n, H, W, 3)")
    count, picture = shape[0], shape[1] * shape[2] * shape[3]
    for start in range(0, count, ROWS):
        rows = min(ROWS, count - start)
        data = stream.read(rows * picture)
        if len(data) < rows * picture:
            raise EOFError(f"ends within image {start + len(data) // picture} of {count}")
        levels = numpy.frombuffer(data, numpy.uint8).reshape(rows, *shape[1:])
        yield torch.from_numpy(levels.copy()).permute(0, 3, 1, 2).contiguous()
