"""The class token of DINOv2 with a ViT-B/14: 768 features."""

from sprint.metrics.extractors import Extractor, Weights


class DinoV2Base(Extractor):
    title = "DINOv2 ViT-B/14"
    cites = "Oquab et al., arXiv 2304.07193"
    takes = "coloured images of any size, resized to 224 x 224 bicubically by PIL, as dgm-eval does"
    resizes = "PIL bicubic"
    dim = 768
    weights = Weights(
        "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitb14/dinov2_vitb14_pretrain.pth", "0b8b82f85de91b42"
    )

    @staticmethod
    def build(weights):
        from sprint.metrics.networks import fidelity

        return fidelity.DinoV2("dinov2", ["dinov2"], weights, size="b")
