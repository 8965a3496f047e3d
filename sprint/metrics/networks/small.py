"""The small network of extractors that are trained here, for square or oblong images of any size and channels."""

import json
from dataclasses import asdict, dataclass

import safetensors.torch
import torch
from torch import nn

from sprint.data import to_signal

WIDTHS = (24, 48, 64)  # channels of the stages; later stages keep the last


@dataclass(frozen=True)
class NetworkConfig:
    """What a small extractor was built for: images (channels, height, width) of so many classes, d features."""

    channels: int
    height: int
    width: int
    classes: int
    dim: int = 64


class SmallNetwork(nn.Module):
    """Convolutions that halve the image until 4 x 4 or less, a hidden layer of `dim` features, and a head."""

    def __init__(self, shape: NetworkConfig, outputs: int):
        super().__init__()
        self.shape, self.cells = shape, 1  # cells: along one side of the images that it looks at one by one
        layers = [nn.Conv2d(shape.channels, WIDTHS[0], 3, padding=1), nn.ReLU()]
        width, side, stage = WIDTHS[0], min(shape.height, shape.width), 1
        while stage == 1 or side > 4:
            wider = WIDTHS[min(stage, len(WIDTHS) - 1)]
            layers += [nn.Conv2d(width, wider, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]
            width, side, stage = wider, -(-side // 2), stage + 1
        layers += [nn.Conv2d(width, WIDTHS[-1], 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten()]
        self.body = nn.Sequential(*layers, nn.Linear(WIDTHS[-1] * 16, shape.dim), nn.ReLU())
        self.head = nn.Linear(shape.dim, outputs)

    def embed(self, signal: torch.Tensor) -> torch.Tensor:
        """Features (n, dim) of images (n, C, H, W) in [-1, 1]."""
        return self.body(signal)

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (n, dim) and what the head makes of them (n, outputs), of uint8 images (n, C, H, W)."""
        features = self.embed(to_signal(pixels))
        return features, self.head(features)

    def standardise(self, pixels: torch.Tensor) -> None:
        """Scale the features so that over these images (n, C, H, W) their variance is 1 on average; the head's output
        stays. The scale of a hidden layer is an accident of training, and KID's kernel is not blind to it."""
        deviation = self(pixels)[0].var(0).mean().sqrt().clamp(min=1e-6)
        hidden = self.body[-2]
        hidden.weight /= deviation
        hidden.bias /= deviation
        self.head.weight *= deviation


def to_bytes(network: SmallNetwork) -> bytes:
    """safetensors, with the shape in its metadata; equal weights are equal bytes."""
    tensors = {name: tensor.detach().contiguous() for name, tensor in network.state_dict().items()}
    cells = {"cells": network.cells} if network.cells > 1 else {}
    # One key: the library writes several in an order of its own, another each time.
    return safetensors.torch.save(tensors, {"shape": json.dumps({**asdict(network.shape), **cells}, sort_keys=True)})


def from_file(path) -> SmallNetwork:
    """The network that `to_bytes` wrote. Raises OSError, ValueError or SafetensorError for another file."""
    with safetensors.safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if "shape" not in metadata or "head.weight" not in tensors:
        raise ValueError("it holds no small extractor")
    shape = {"cells": 1, **json.loads(metadata["shape"])}
    cells = shape.pop("cells")
    network = SmallNetwork(NetworkConfig(**shape), len(tensors["head.weight"]))
    network.load_state_dict(tensors)
    network.cells = cells
    return network
