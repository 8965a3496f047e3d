"""Our extractors as torch-fidelity knows them: FeatureExtractorBase subclasses, registered under their names.

After importing this, `torch_fidelity.calculate_metrics(feature_extractor="digits-cnn",
feature_extractor_weights_path=...)` works too. Import it only after `vision.ensure_torchvision()`.
"""

from pathlib import Path

import torch
from safetensors import SafetensorError
from torch_fidelity import (
    FeatureExtractorBase,
    FeatureExtractorDinoV2,
    FeatureExtractorInceptionV3,
    register_feature_extractor,
)

from sprint.metrics.networks import small as networks
from sprint.metrics.networks.dinov2 import SIZES, VisionTransformer

UNREADABLE = (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError)


class Small(FeatureExtractorBase):
    """A network of networks.py; its only features are the last hidden layer."""

    LAYER = "hidden"

    def __init__(self, name, features_list, feature_extractor_weights_path=None, **settings):
        super().__init__(name, features_list)
        self.network = networks.from_file(feature_extractor_weights_path)
        shape = self.network.shape
        self.dim, self.image_shape = shape.dim, (shape.channels, shape.height, shape.width)
        self.requires_grad_(False).eval()

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


class DinoV2(FeatureExtractorDinoV2):
    """torch-fidelity's DINOv2 from a file: its own class can only fetch code and weights through torch.hub."""

    def __init__(self, name, features_list, feature_extractor_weights_path=None, **settings):
        FeatureExtractorBase.__init__(self, name, features_list)
        self.feature_extractor_internal_dtype = torch.float32
        weights = _tensors(feature_extractor_weights_path)
        with torch.device("meta"):  # no time is spent on initial weights
            self.model = VisionTransformer(*SIZES["l" if name == "dinov2" else name.split("-")[2]])
        self.model.load_state_dict(weights, assign=True)
        self.float().requires_grad_(False).eval()


for small in ("digits-cnn", "digits-ssl"):
    register_feature_extractor(small, Small)
register_feature_extractor("dinov2", DinoV2)


def build(name: str, weights: Path) -> FeatureExtractorBase:
    """The extractor with these weights; gains `dim` and `image_shape`. Raises one of UNREADABLE for a wrong file."""
    if name in ("digits-cnn", "digits-ssl"):
        return Small(name, [Small.LAYER], weights)
    if name == "inception":
        _tensors(weights)  # torch-fidelity unpickles whatever a file holds: let it see only files of plain tensors
        module = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], weights)
        module.dim = 2048
    else:
        module = DinoV2(name, ["dinov2"], weights)
        module.dim = module.model.norm.weight.numel()
    module.image_shape = (3, None, None)
    return module


def _tensors(weights: Path) -> dict[str, torch.Tensor]:
    """A state dict of tensors from a .pth file; nothing in the file is executed."""
    try:
        return torch.load(weights, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises whatever a broken file makes it meet
        raise ValueError(str(error) or type(error).__name__) from error
