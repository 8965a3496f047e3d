"""Arrays of files that other people wrote, as numbers and nothing else: nothing is ever unpickled."""

import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sprint.runtime.errors import UserError

BROKEN = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)  # what NumPy and zipfile raise
FLOATS = (np.float16, np.float32, np.float64)


def read_npy(data: bytes, location: str) -> np.ndarray:
    """The array of an .npy file's bytes. Raises UserError for another file, a broken one, and one of Python objects."""
    return _told(lambda: np.load(io.BytesIO(data), allow_pickle=False), location)


def read_npz(path: Path, names: list[str]) -> list[np.ndarray]:
    """Arrays of an .npz file by name. Raises UserError as `read_npy`, and where one is missing."""

    def read() -> list[np.ndarray]:
        with np.load(path, allow_pickle=False) as arrays:
            if missing := [name for name in names if name not in arrays.files]:
                found = ", ".join(arrays.files) or "nothing"
                raise UserError(f"{path}: holds {found}, but no {missing[0]}")
            return [arrays[name] for name in names]

    return _told(read, str(path))


def _told(read: Callable, location: str):
    try:
        return read()
    except BROKEN as error:
        if "allow_pickle" in str(error) or "Object arrays" in str(error):
            raise UserError(
                f"{location}: holds Python objects, which run code when they are read and are never unpickled here; "
                "allowed: arrays of numbers, so write it anew without objects where it came from"
            ) from error
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(f"{location}: cannot be read as an array ({said}); repair it or write it anew") from error


def as_latent(array: np.ndarray, shape: tuple[int, ...] | None, location: str) -> np.ndarray:
    """float32 (channels, h, w) of one example's array. Raises UserError for another shape (None: any), for what is no
    number of 16 to 64 bits with a fraction, and for values that are not finite."""
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    if array.dtype not in FLOATS or array.ndim != 3 or (shape is not None and array.shape != shape):
        wanted = "(channels, h, w)" if shape is None else str(shape)
        raise UserError(f"{location}: holds {array.dtype} {array.shape}; allowed: floats of shape {wanted}")
    if not np.isfinite(array).all():
        raise UserError(f"{location}: holds values that are not finite; encode that picture anew")
    return array.astype(np.float32, copy=False)


def as_label(value: object, location: str) -> int:
    """A class as a number. Raises UserError for what is no whole number from 0."""
    array = np.asarray(value)
    if array.size != 1 or not np.issubdtype(array.dtype, np.integer) or int(array.reshape(())) < 0:
        raise UserError(f"{location}: its label is {str(value)[:40]!r}; allowed: one whole number from 0")
    return int(array.reshape(()))
