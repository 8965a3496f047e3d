"""nearest.py over the same of real images among themselves: near 0 where images are copies."""

from sprint.metrics import Metric


class NearestRatio(Metric):
    title = "distance to the nearest real image, over that of real images among themselves"
    cites = "Meehan et al., arXiv 2004.05675, section 3"
    meaning = (
        "mean distance of a generated image to the nearest real one, over that of a real image to the nearest other; "
        "1 is like real images, near 0 copies, above 1 far from them"
    )
    better = "neither"
    range = (0.0, None)
    place = 81

    @staticmethod
    def compute(evidence):
        from sprint.metrics.maths.neighbours import nearest, nearest_of_real

        return evidence.once(nearest) / nearest_of_real(evidence)
