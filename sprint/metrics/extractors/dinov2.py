"""The class token of DINOv2 with a ViT-L/14: 1024 features. What FDD takes (Stein et al., arXiv 2306.04675)."""

from sprint.metrics.extractors import Extractor, Weights


class DinoV2(Extractor):
    title = "DINOv2 ViT-L/14"
    cites = "Oquab et al., arXiv 2304.07193"
    takes = "coloured images of any size, resized to 224 x 224 bicubically by PIL, as dgm-eval does"
    resizes = "PIL bicubic"
    dim = 1024
    weights = Weights(
        "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth", "d5383ea8f4877b24"
    )

    @staticmethod
    def build(weights):
        from sprint.metrics.networks import fidelity

        return fidelity.DinoV2("dinov2", ["dinov2"], weights, size="l")
