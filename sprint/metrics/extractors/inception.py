"""Inception-v3 as FID takes it: the 2015 weights, pooled features, TensorFlow's resizing. 2048 features."""

from sprint.metrics.extractors import Extractor, Weights


class Inception(Extractor):
    title = "Inception-v3"
    cites = "Heusel et al., arXiv 1706.08500; torch-fidelity's port of the 2015 weights"
    takes = "coloured images of any size, resized to 299 x 299 bilinearly without antialiasing, as TensorFlow 1 did"
    dim = 2048
    weights = Weights(
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
        "6726825d",
        other_names=("pt_inception-2015-12-05-6726825d.pth",),  # pytorch-fid's
    )

    @staticmethod
    def build(weights):
        from sprint.metrics.networks import fidelity

        return fidelity.inception(weights)
