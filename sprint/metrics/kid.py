"""Kernel distance: the mean over random subsets of the unbiased squared MMD."""

from sprint.metrics import Metric


class KernelDistance(Metric):
    title = "KID"
    cites = "Binkowski et al., arXiv 1801.01401, eq. 3 and 4"
    meaning = "kernel distance between features, unbiased, the mean over random subsets; may be negative"
    better = "lower"
    range = (None, None)
    place = 40

    @staticmethod
    def compute(evidence):
        from sprint.metrics.maths.kernel import over_subsets

        return float(evidence.once(over_subsets).mean())
