"""Our networks as torch-fidelity knows extractors: subclasses of its FeatureExtractorBase.

Import it only after `vision.ensure_torchvision()`. What `loading.load` has loaded, torch-fidelity knows by its name
too: `torch_fidelity.calculate_metrics(feature_extractor="digits-cnn", feature_extractor_weights_path=...)`.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from torch_fidelity import (
    FeatureExtractorBase,
    FeatureExtractorDinoV2,
    FeatureExtractorInceptionV3,
    register_feature_extractor,
)
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

from sprint.metrics.networks import small
from sprint.metrics.networks.dinov2 import SIZES, VisionTransformer

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and standard deviation of its channels, from 0 to 1
UNREADABLE = (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError)


class Small(FeatureExtractorBase):
    """A network of small.py; its only features are the last hidden layer."""

    LAYER = "hidden"

    def __init__(self, name, features_list, feature_extractor_weights_path=None, **settings):
        super().__init__(name, features_list)
        self.network = small.from_file(feature_extractor_weights_path)
        shape = self.network.shape
        self.image_shape = (shape.channels, shape.height, shape.width)
        self.requires_grad_(False).eval()

    def labelled(self, pixels: torch.Tensor) -> torch.Tensor:
        """What of images (n, C, H, W) their label names."""
        return pixels

    def forward(self, input):
        return (self.network(input)[0],)

    @staticmethod
    def get_provided_features_list():
        return (Small.LAYER,)

    @staticmethod
    def get_default_feature_layer_for_metric(metric):
        return Small.LAYER

    @staticmethod
    def can_be_compiled():
        return False

    @staticmethod
    def get_dummy_input_for_compile():
        raise NotImplementedError("the size of the images is that of the weights")


class SmallCells(Small):
    """The same for single cells of images that show several, by whose side `cells` of them stand."""

    def __init__(self, name, features_list, feature_extractor_weights_path=None, **settings):
        super().__init__(name, features_list, feature_extractor_weights_path, **settings)
        channels, height, width = self.image_shape
        self.cells = self.network.cells
        self.image_shape = (channels, height * self.cells, width * self.cells)

    def cells_of(self, pixels: torch.Tensor) -> torch.Tensor:
        """Images (n, C, H, W) as their cells in reading order (n c, C, h, w)."""
        channels, height, width = self.image_shape
        side, tall, wide = self.cells, height // self.cells, width // self.cells
        grid = pixels.reshape(-1, channels, side, tall, side, wide).permute(0, 2, 4, 1, 3, 5)
        return grid.reshape(-1, channels, tall, wide)

    def labelled(self, pixels):
        return self.cells_of(pixels)[:: self.cells**2]

    def forward(self, input):
        return (self.network(self.cells_of(input))[0].reshape(len(input), -1),)


class DinoV2(FeatureExtractorDinoV2):
    """torch-fidelity's DINOv2 from a file: its own class can only fetch code and weights through torch.hub."""

    image_shape = (3, None, None)

    def __init__(self, name, features_list, feature_extractor_weights_path=None, size="l", **settings):
        FeatureExtractorBase.__init__(self, name, features_list)
        self.feature_extractor_internal_dtype = torch.float32
        weights = _tensors(feature_extractor_weights_path)
        with torch.device("meta"):  # no time is spent on initial weights
            self.model = VisionTransformer(*SIZES[size])
        self.model.load_state_dict(weights, assign=True)
        self.float().requires_grad_(False).eval()

    def forward(self, input):
        levels = prepared(input).to(next(self.model.parameters()))
        return (self.model(levels),)


def prepared(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 images (n, 3, H, W) as DINOv2 sees them in dgm-eval (Stein et al., arXiv 2306.04675): float32
    (n, 3, 224, 224), each resized by PIL, which rounds to 8 bits again, and normalised as ImageNet's are."""
    side = FeatureExtractorDinoV2.INPUT_IMAGE_SIZE
    pictures = [Image.fromarray(one) for one in pixels.cpu().permute(0, 2, 3, 1).contiguous().numpy()]
    resized = [np.asarray(one.resize((side, side), Image.Resampling.BICUBIC)) for one in pictures]
    levels = torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float() / 255
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in IMAGENET)
    return (levels - mean) / deviation


class Inception(FeatureExtractorInceptionV3):
    """torch-fidelity's Inception-v3, which unpickles whatever a file holds: it sees only files of plain tensors.

    Besides its pooled features it gives the logits without bias, and of a map that torch-fidelity does not give out
    the channels that sFID takes: `mixed_6/conv` of the TensorFlow graph, channels last.
    """

    image_shape = (3, None, None)
    CHANNELS = 7

    def __init__(self, name, features_list, feature_extractor_weights_path=None, **settings):
        _tensors(feature_extractor_weights_path)
        super().__init__(name, features_list, feature_extractor_weights_path, **settings)
        self.spatial = None
        self.Mixed_6d.branch1x1.register_forward_hook(self._keep)

    def _keep(self, module, inputs, output_BCHW):
        self.spatial = output_BCHW[:, : self.CHANNELS].movedim(1, -1).flatten(1)

    def outputs(self, pixels):
        """Features, and the layers `spatial` and `logits`."""
        features, logits = self(pixels)
        return features, self.spatial, logits


def register(name: str, module: FeatureExtractorBase) -> None:
    """Make torch-fidelity know an extractor by our name."""
    if name not in FEATURE_EXTRACTORS_REGISTRY:
        register_feature_extractor(name, type(module))


def _tensors(weights: Path) -> dict[str, torch.Tensor]:
    """A state dict of tensors from a .pth file; nothing in the file is executed."""
    try:
        return torch.load(weights, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises whatever a broken file makes it meet
        raise ValueError(str(error) or type(error).__name__) from error
