"""A folder of pictures, one folder per class: pixels that `sprint data encode` makes latents of."""

from functools import cached_property

import numpy as np

from sprint.data.layouts import PIXELS, Layout
from sprint.data.pictures import ENDINGS, as_array, dimensions, open_picture
from sprint.data.sets.image_folder import ImageFolder, Settings
from sprint.runtime.errors import UserError

INDEX = "dataset.json"  # where there is one, folders are no classes: StyleGAN's and edm2's tools write pictures so


class Pictures(Layout):
    title = "a folder of pictures (class/*.png, *.jpg, ...)"
    cites = "torchvision's ImageFolder, as ImageNet is kept"
    kind = PIXELS

    @classmethod
    def recognises(cls, path):
        if not path.is_dir() or (path / INDEX).is_file():
            return False
        folders = [entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
        return bool(folders) and any(file.suffix.lower() in ENDINGS for file in folders[0].iterdir())

    @cached_property
    def folder(self) -> ImageFolder:
        return ImageFolder(Settings(str(self.path), 3), 0)

    def __len__(self):
        return len(self.folder)

    @cached_property
    def sizes(self) -> np.ndarray:
        """Width, height and whether it is grey (1 or 0) of the pictures of a probe, from their heads."""
        return np.array([dimensions(self.folder.files[index][0]) for index in self.spread()])

    @cached_property
    def shape(self):
        """(channels, h, w), 0 for a side that differs from picture to picture."""
        width, height = (int(side[0]) if (side == side[0]).all() else 0 for side in self.sizes[:, :2].T)
        return (1 if self.sizes[:, 2].all() else 3), height, width

    @cached_property
    def classes(self):
        return self.folder.classes

    def check(self):
        self.folder.check()

    def place(self, index):
        return str(self.folder.files[index][0])

    def array(self, index, mirrored):
        """uint8 (3, h, w) of the whole picture, in its own size."""
        return as_array(open_picture(self.folder.files[index][0]).convert("RGB"))

    def read(self, indices, mirrored=False):
        raise UserError(f"{self.path}: holds pictures; first: sprint data encode {self.path}")

    def labels(self, indices):
        return np.array([self.folder.files[index][1] for index in indices], np.int64)
