"""Reference statistics in the form that ADM published and most papers use: an .npz of `mu` (d,) and `sigma` (d, d)."""

import zipfile
from pathlib import Path

import numpy
import torch

from sprint.metrics.maths.frechet import Gaussian
from sprint.runtime.errors import UserError


def read_npz(path: Path, dim: int) -> Gaussian:
    """The Gaussian of features of `dim` dimensions in the file. Raises UserError when it holds anything else."""
    try:
        with numpy.load(path, allow_pickle=False) as arrays:
            mean, covariance = (torch.from_numpy(arrays[name].astype("float64")) for name in ("mu", "sigma"))
    except KeyError as error:
        raise UserError(f"{path}: holds no mu and sigma of features, as reference statistics have them") from error
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile, zipfile.zlib.error) as error:
        raise UserError(f"{path}: cannot be read as reference statistics ({error})") from error
    if mean.shape != (dim,) or covariance.shape != (dim, dim):
        got = f"{tuple(mean.shape)} and {tuple(covariance.shape)}"
        raise UserError(f"{path}: mu and sigma have shapes {got}; the extractor's are ({dim},) and ({dim}, {dim})")
    if not (mean.isfinite().all() and covariance.isfinite().all()):
        raise UserError(f"{path}: mu or sigma holds values that are not finite")
    return Gaussian(mean, covariance)
