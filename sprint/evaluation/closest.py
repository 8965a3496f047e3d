"""Of a few samples the closest pictures that were trained on, to be looked at beside them: whether they are copies."""

import torch

from sprint.data import ROWS, Examples
from sprint.evaluation.measured import Tensors

MOST = 5000  # training pictures that samples are held against; of more as many, drawn at random, always the same


def closest(examples: Examples, pixels: torch.Tensor) -> Tensors:
    """`closest`: for each of the uint8 samples (n, C, H, W) the training picture of least squared difference, likewise;
    `levels` (n,): the root of its mean, in levels of 255; `of`: among how many. Nothing where pictures would have to be
    decoded first, or are of another shape."""
    shape = (examples.data_set.channels, examples.data_set.size, examples.data_set.size)
    if examples.codec.autoencoder or not len(pixels) or pixels.shape[1:] != shape:
        return {}
    indices = examples.training_part(MOST, "closest")
    samples = pixels.flatten(1).float()
    least, found = torch.full((len(pixels),), torch.inf), torch.empty_like(pixels)
    for rows in indices.split(ROWS):
        pictures, _ = examples.pictures(rows)
        distances, places = torch.cdist(samples, pictures.flatten(1).float()).min(dim=1)
        closer = distances < least
        least[closer], found[closer] = distances[closer], pictures[places[closer]]
    return {"closest": found, "levels": least / samples.shape[1] ** 0.5, "of": torch.tensor(len(indices))}
