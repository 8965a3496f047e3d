"""Improved precision: how many generated images look real."""

from sprint.metrics import Metric


class Precision(Metric):
    title = "precision"
    cites = "Kynkäänniemi et al., arXiv 1904.06991, eq. 1 and 2"
    meaning = "share of generated images that lie within the 3-nearest-neighbour balls of real ones"
    better = "higher"
    range = (0.0, 1.0)
    form = "decimals"
    digits = 2
    place = 60

    @staticmethod
    def compute(evidence):
        from sprint.metrics.maths.neighbours import precision_recall

        return evidence.once(precision_recall)[0]
