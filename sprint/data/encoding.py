"""Shards of the latents that an autoencoder makes of a folder of pictures.

sprint data encode PICTURES FOLDER --autoencoder FOLDER --size 256
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from sprint.data.autoencoder import Autoencoder
from sprint.data.facts import Facts
from sprint.data.layouts import MEAN_STD
from sprint.data.pictures import read_picture
from sprint.data.sets.image_folder import ImageFolder, Settings
from sprint.data.store import Content, evenly, write_store
from sprint.runtime import distributed
from sprint.runtime.errors import UserError

READERS = 8  # threads that read pictures, which is done outside of Python's lock


def encode(
    pictures: Path,
    folder: Path,
    name: str,
    revision: str,
    size: int,
    fed: tuple[float, ...],
    mirrored: bool,
    held_out: int,
    shard: int | None,
) -> None:
    """Write mean and deviation of the posterior of every picture, and of its mirror image where that is wanted."""
    with distributed.process_group(), ThreadPoolExecutor(READERS) as readers:
        with distributed.all_or_none():
            network = Autoencoder(name, revision, fetch=distributed.is_main())
            source = _source(pictures, size, network)
        content = _content(source, network, fed, mirrored, held_out, readers)
        write_store(folder, content, shard, f"encoding {pictures}")


def _source(pictures: Path, size: int, network: Autoencoder) -> ImageFolder:
    source = ImageFolder(Settings(str(pictures), 3), size)
    source.check()
    if size % network.factor:
        raise UserError(f"--size is {size}; allowed with {network.asked}: a multiple of {network.factor}")
    if network.config["out_channels"] != source.channels:
        raise UserError(f"{network.asked} makes {network.config['out_channels']} channels; allowed: 3, colour")
    return source


def _content(
    source: ImageFolder,
    network: Autoencoder,
    fed: tuple[float, ...],
    mirrored: bool,
    held_out: int,
    readers: ThreadPoolExecutor,
) -> Content:
    import torch

    def read(index: int) -> np.ndarray:
        return read_picture(source.files[index][0], source.channels, source.size)

    def rows(indices: np.ndarray, turned: bool) -> np.ndarray:
        pixels = torch.from_numpy(np.stack(list(readers.map(read, indices.tolist()))))
        return torch.cat(network.encode(pixels.flip(3) if turned else pixels, fed), 1).numpy()

    side = source.size // network.factor
    made_of = {"layout": "pictures", "sha256": source.fingerprint(), "image_size": source.size, "vae_input": list(fed)}
    return Content(
        rows=rows,
        labels=np.array([label for _, label in source.files], np.int64),
        classes=source.classes,
        shape=(2 * network.latent_channels, side, side),
        facts=Facts(MEAN_STD, fed, autoencoder=network.name),
        mirrored=mirrored,
        held_out=evenly(len(source), held_out),
        made_of={**made_of, "autoencoder": network.name, "mirrored": mirrored, "held_out": held_out},
    )
