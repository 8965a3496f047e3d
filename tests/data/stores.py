"""Latents written as each layout's documentation says, with the library that its authors write them with."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import lmdb
import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

COUNT, CLASSES, SIDE = 20, 5, 4


@dataclass(frozen=True)
class Source:
    """Posteriors (n, 4, 4, 4) as Stable Diffusion's are, one sample of each, those of the mirror images, and labels."""

    mean: np.ndarray
    logvar: np.ndarray
    sample: np.ndarray
    labels: np.ndarray

    @property
    def std(self) -> np.ndarray:
        return np.exp(self.logvar / 2)

    @property
    def mean_std(self) -> np.ndarray:
        return np.concatenate([self.mean, self.std], 1)

    @property
    def moments(self) -> np.ndarray:
        return np.concatenate([self.mean, self.logvar], 1)


def source(count: int = COUNT, centre=(0.0, 0.0, 0.0, 0.0), side: int = SIDE) -> Source:
    numbers, shape = np.random.default_rng(1), (count, 4, side, side)
    mean = (numbers.normal(0, 4.5, shape) + np.reshape(centre, (1, 4, 1, 1))).astype(np.float32)
    logvar = numbers.normal(-9, 1.5, shape).astype(np.float32)
    sample = (mean + np.exp(logvar / 2) * numbers.normal(size=shape)).astype(np.float32)
    return Source(mean, logvar, sample, np.arange(count) * 7 % CLASSES)


def npy(path: Path, array: np.ndarray, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array, **options)


def repa(folder: Path, found: Source) -> Path:
    """preprocessing/dataset_tools.py encode: vae-sd/00000/img-mean-std-00000000.npy and vae-sd/dataset.json."""
    labels = []
    for index, (array, label) in enumerate(zip(found.mean_std, found.labels, strict=True)):
        name = f"{index:08d}"[:5] + f"/img-mean-std-{index:08d}.npy"
        npy(folder / "vae-sd" / name, array)
        labels.append([name, int(label)])
    (folder / "vae-sd/dataset.json").write_text(json.dumps({"labels": labels}))
    return folder


def edm2_zip(folder: Path, found: Source) -> Path:
    """dataset_tool.py encode --dest=x.zip: the same names in a ZIP that is not compressed."""
    inner, path = repa(folder / "unpacked", found) / "vae-sd", folder / "edm2.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(inner.rglob("*.*")):
            archive.write(file, file.relative_to(inner).as_posix())
    return path


def fast_dit(folder: Path, found: Source) -> Path:
    """extract_features.py: one sample times 0.18215, and a label, each in an .npy of its own."""
    for index, (array, label) in enumerate(zip(found.sample, found.labels, strict=True)):
        npy(folder / f"imagenet256_features/{index}.npy", array[None] * np.float32(0.18215))
        npy(folder / f"imagenet256_labels/{index}.npy", np.array([label]))
    return folder


def lightningdit(folder: Path, found: Source) -> Path:
    """extract_features.py: save_file of latents, latents_flip and labels, so many a shard."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, first in enumerate(range(0, len(found.labels), 8)):
        rows = slice(first, first + 8)
        latents, labels = torch.from_numpy(found.sample[rows]), torch.from_numpy(found.labels[rows])
        tensors = {"latents": latents, "latents_flip": latents.flip(3).contiguous(), "labels": labels}
        save_file(tensors, folder / f"latents_rank00_shard{number:03d}.safetensors")
    return folder


def maskdit(folder: Path, found: Source) -> Path:
    """extract_latent.py: an LMDB of z-{i}, y-{i} and length."""
    (folder / "train").mkdir(parents=True)
    with lmdb.open(str(folder / "train"), map_size=1 << 24) as environment, environment.begin(write=True) as write:
        for index, (array, label) in enumerate(zip(found.moments, found.labels, strict=True)):
            write.put(f"z-{index}".encode(), _eight_channels(array).tobytes())
            write.put(f"y-{index}".encode(), str(label).encode())
        write.put(b"length", str(len(found.labels)).encode())
    return folder


def _eight_channels(array: np.ndarray) -> np.ndarray:
    assert array.shape[0] == 8 and array.dtype == np.float32
    return np.ascontiguousarray(array)


def mar(folder: Path, found: Source) -> Path:
    """main_cache.py: np.savez of moments and moments_flip under the picture's name, in the folder of its class."""
    order = np.argsort(found.labels, kind="stable")
    for index in order:
        path = folder / f"n{found.labels[index]:08d}" / f"{index:06d}.JPEG.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, moments=found.moments[index], moments_flip=found.moments[index][:, :, ::-1])
    return folder


def by_class(found: Source) -> Source:
    """In the order in which folders of classes are read."""
    order = np.argsort(found.labels, kind="stable")
    return Source(*(part[order] for part in (found.mean, found.logvar, found.sample, found.labels)))


def pictures(folder: Path, count: int = COUNT, size: int = 24) -> Path:
    """Colour pictures in folders of classes."""
    numbers = np.random.default_rng(2)
    for index in range(count):
        path = folder / f"class {index % CLASSES}" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        levels = numbers.integers(0, 256, (3, 3, 3), dtype=np.uint8)
        Image.fromarray(levels).resize((size + index % 3, size), Image.Resampling.BICUBIC).save(path)
    return folder
