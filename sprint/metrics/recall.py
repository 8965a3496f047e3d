"""Improved recall: how many real images the generated ones reach."""

from sprint.metrics import Metric


class Recall(Metric):
    title = "recall"
    cites = "Kynkäänniemi et al., arXiv 1904.06991, eq. 1 and 2"
    meaning = "share of real images that lie within the 3-nearest-neighbour balls of generated ones"
    better = "higher"
    range = (0.0, 1.0)
    form = "decimals"
    digits = 2
    place = 61

    @staticmethod
    def compute(evidence):
        from sprint.metrics.maths.neighbours import precision_recall

        return evidence.once(precision_recall)[1]
