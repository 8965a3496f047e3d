"""Coverage: how many real images have a generated one nearby."""

from sprint.metrics import Metric


class Coverage(Metric):
    title = "coverage"
    cites = "Naeem et al., arXiv 2002.09797, eq. 4"
    meaning = "share of real images whose 5-nearest-neighbour ball holds a generated image"
    better = "higher"
    range = (0.0, 1.0)
    form = "decimals"
    digits = 2
    place = 71

    @staticmethod
    def compute(evidence):
        from sprint.metrics.maths.neighbours import density_coverage

        return evidence.once(density_coverage)[1]
