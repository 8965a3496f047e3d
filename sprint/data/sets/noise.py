"""Random pixels of any size with random labels: nothing to learn from, for measuring speed without a data set."""

from dataclasses import dataclass

from sprint.data.held import Held
from sprint.runtime.strict import ranged

MOST = 1 << 20


@dataclass(frozen=True)
class Settings:
    """Of the images."""

    channels: int = ranged(1, MOST)
    classes: int = ranged(1, MOST)
    images: int = ranged(1, MOST)


class Noise(Held):
    """Always the same pixels for the same settings."""

    Settings = Settings
    title = "noise"
    cites = "random numbers of this repository's own"

    @classmethod
    def smallest(cls, folder):
        return {"channels": 3, "classes": 4, "images": 40}, 8

    @property
    def channels(self):
        return self.settings.channels

    @property
    def classes(self):
        return self.settings.classes

    def __len__(self):
        return self.settings.images

    def read(self):
        import torch

        from sprint.runtime.rng import generator

        count, side = self.settings.images, self.image_size
        numbers = generator("noise data", count, side)
        shape = (count, self.settings.channels, side, side)
        pixels = torch.randint(256, shape, dtype=torch.uint8, generator=numbers)
        return pixels, torch.randint(self.settings.classes, (count,), generator=numbers)
