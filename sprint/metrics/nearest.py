"""How far generated images are from the nearest real one, in units of the features."""

from sprint.metrics import Metric


class Nearest(Metric):
    title = "distance to the nearest real image"
    cites = "Meehan et al., arXiv 2004.05675, section 3"
    meaning = "mean distance of a generated image to the nearest real one; 0 where they are copies"
    better = "neither"
    range = (0.0, None)
    table = "every"
    place = 80

    @staticmethod
    def compute(evidence):
        from sprint.metrics.maths.neighbours import nearest

        return evidence.once(nearest)
