"""Fréchet distance extrapolated to infinitely many generated images: free of most of the bias of few of them."""

from sprint.metrics import Metric, Unavailable


class FrechetInfinity(Metric):
    title = "FD∞"
    cites = "Chong & Forsyth, arXiv 1911.07023, section 3.1"
    meaning = "FD extrapolated to infinitely many generated images, without most of the bias of few; may be negative"
    better = "lower"
    range = (None, None)
    debiases = "fd"
    table = "main"
    place = 9

    @staticmethod
    def compute(evidence):
        from sprint.metrics.maths.frechet import fd_infinity
        from sprint.metrics.maths.rows import SEED, gaussians, ours, root_of_reference

        features = evidence.once(ours)
        count, dimensions = features.shape
        if count <= 2 * dimensions:
            raise Unavailable(f"needs more than {2 * dimensions} samples (twice the dimensions), got {count}")
        own, reference = evidence.once(gaussians)
        return fd_infinity(features, reference, SEED, evidence.once(root_of_reference), own)
