"""The standard deviation of kid.py's estimate over its random subsets."""

from sprint.metrics import Metric


class KernelDistanceError(Metric):
    title = "KID error"
    cites = "Binkowski et al., arXiv 1801.01401, section 4"
    meaning = "standard deviation of KID over its random subsets"
    better = "neither"
    range = (0.0, None)
    table = "every"
    place = 41

    @staticmethod
    def compute(evidence):
        from sprint.metrics.maths.kernel import over_subsets

        return float(evidence.once(over_subsets).std(correction=0))
