"""The class token of DINOv2 with a ViT-S/14: 384 features."""

from sprint.metrics.extractors import Extractor, Weights


class DinoV2Small(Extractor):
    title = "DINOv2 ViT-S/14"
    cites = "Oquab et al., arXiv 2304.07193"
    takes = "coloured images of any size, resized to 224 x 224 bicubically by PIL, as dgm-eval does"
    resizes = "PIL bicubic"
    dim = 384
    weights = Weights(
        "https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/dinov2_vits14_pretrain.pth", "b938bf1bc15cd2ec"
    )

    @staticmethod
    def build(weights):
        from sprint.metrics.networks import fidelity

        return fidelity.DinoV2("dinov2", ["dinov2"], weights, size="s")
