"""Kernel distance over all pairs of images, without the luck of subsets."""

from sprint.metrics import Metric


class KernelDistanceOfAll(Metric):
    title = "KID of all images"
    cites = "Binkowski et al., arXiv 1801.01401, eq. 3 and 4"
    meaning = "kernel distance between features, unbiased, over all pairs of images; may be negative"
    better = "lower"
    range = (None, None)
    table = "every"
    place = 42

    @staticmethod
    def compute(evidence):
        from sprint.metrics.maths.kernel import over_all

        return over_all(evidence)
