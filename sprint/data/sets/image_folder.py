"""Your own pictures: one folder per class, any size, read as data/pictures.py says (upright, ADM's centre crop)."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from sprint.data.pictures import ENDINGS, read_picture
from sprint.data.sets import DataSet, every
from sprint.runtime.errors import UserError
from sprint.runtime.progress import track
from sprint.runtime.strict import ranged

KEPT = 1 << 30  # bytes of cropped pictures that a process keeps once it has read them


@dataclass(frozen=True)
class Settings:
    """Of the pictures."""

    path: str  # the folder
    channels: int  # 1 for grey, 3 for colour
    held_out: int = ranged(0, 1 << 20, default=0)  # every so-many-th picture of each class; left out (0): none


class ImageFolder(DataSet):
    """Classes are numbered by their folders' names, pictures by class and then by name."""

    Settings = Settings
    title = "pictures of a folder"
    cites = "crop: ADM, Dhariwal and Nichol, arXiv 2105.05233"

    def __init__(self, settings, image_size):
        super().__init__(settings, image_size)
        self.kept = {}  # cropped pictures by number, up to KEPT bytes

    def __getstate__(self):
        return vars(self) | {"kept": {}}

    @classmethod
    def smallest(cls, folder):
        from PIL import Image

        for number in range(24):
            path = Path(folder) / f"class {number // 12}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            slope = Image.linear_gradient("L").rotate(15 * number).resize((9 + number, 8))
            slope.save(path)
        return {"path": str(folder), "channels": 1}, 8

    @property
    def name(self):
        return f"image_folder {self.settings.path}"

    @property
    def channels(self):
        return self.settings.channels

    @property
    def classes(self):
        return len(self.class_folders)

    @cached_property
    def class_folders(self) -> list[Path]:
        root = Path(self.settings.path)
        if not root.is_dir():
            raise UserError(
                f"path is {str(root)!r}, which is no folder; allowed: a folder with one folder of pictures per class"
            )
        with _reading():
            found = sorted(Path(entry.path) for entry in os.scandir(root) if entry.is_dir())
        if not found:
            raise UserError(f"path: {str(root)!r} has no class folders; allowed: one folder of pictures per class")
        return found

    @cached_property
    def files(self) -> list[tuple[Path, int]]:
        """Every picture with its label."""
        with _reading():
            return [
                (path, label)
                for label, folder in enumerate(self.class_folders)
                for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
            ]

    def check(self):
        if self.settings.channels not in (1, 3):
            raise UserError(f"channels is {self.settings.channels}; allowed: 1 (grey) or 3 (colour)")
        for folder in self.class_folders:
            with _reading():
                empty = not any(Path(entry.name).suffix.lower() in ENDINGS for entry in os.scandir(folder))
            if empty:
                raise UserError(
                    f"path: class {folder.name!r} of {self.settings.path!r} has no pictures; allowed: one folder per "
                    f"class, with files ending in {', '.join(ENDINGS)}"
                )

    def verify(self):
        """Reads those that are kept, which are all of a set that fits into KEPT."""
        for index in track(range(len(self)), f"reading {self.settings.path}", len(self)):
            if not self._room():
                return
            self._picture(index)

    def __len__(self):
        return len(self.files)

    def examples(self, indices):
        import torch

        pixels = np.empty((len(indices), self.channels, self.size, self.size), np.uint8)
        labels = np.empty(len(indices), np.int64)
        for row, index in enumerate(indices.tolist()):
            pixels[row], labels[row] = self._picture(index), self.files[index][1]
        return torch.from_numpy(pixels), torch.from_numpy(labels)

    def held_out(self):
        import torch

        return every(self.settings.held_out, torch.tensor([label for _, label in self.files]))

    def fingerprint(self):
        """Of names, sizes and times of change: reading every file would take hours at each start of a large set."""
        digest = hashlib.sha256()
        with _reading():
            for path, label in self.files:
                found = path.stat()
                digest.update(f"{label} {path.parent.name}/{path.name} {found.st_size} {found.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def _room(self) -> bool:
        return (len(self.kept) + 1) * self.channels * self.size**2 <= KEPT

    def _picture(self, index: int) -> np.ndarray:
        """(channels, size, size) uint8."""
        if index in self.kept:
            return self.kept[index]
        picture = read_picture(self.files[index][0], self.channels, self.size)
        if self._room():
            self.kept[index] = picture
        return picture


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """What the file system refuses, in a sentence."""
    try:
        yield
    except OSError as error:
        raise UserError(f"path: {error.filename} cannot be read ({error.strerror})") from error
