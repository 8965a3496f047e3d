"""Inception-v3 as FID takes it: the 2015 weights, pooled features, TensorFlow's resizing. 2048 features.

Its layers are what else is measured with it: for sFID (Nash et al., arXiv 2103.03841) the first 7 channels of a map of
17 x 17, and for the Inception score the logits without their bias (both as Dhariwal & Nichol's evaluator takes them).
"""

from sprint.metrics.extractors import Extractor, Weights


class Inception(Extractor):
    title = "Inception-v3"
    cites = "Heusel et al., arXiv 1706.08500; torch-fidelity's port of the 2015 weights"
    takes = "coloured images of any size, resized to 299 x 299 bilinearly without antialiasing, as TensorFlow 1 did"
    dim = 2048
    layers = {"spatial": 17 * 17 * 7, "logits": 1008}
    weights = Weights(
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
        "6726825d",
        other_names=("pt_inception-2015-12-05-6726825d.pth",),  # pytorch-fid's
    )

    @staticmethod
    def build(weights):
        from sprint.metrics.networks import fidelity

        return fidelity.Inception("inception", ["2048", "logits_unbiased"], weights)
