"""Density: precision that counts how many real images' balls hold a generated one, so that one outlier moves little."""

from sprint.metrics import Metric


class Density(Metric):
    title = "density"
    cites = "Naeem et al., arXiv 2002.09797, eq. 3"
    meaning = "how many real images' 5-nearest-neighbour balls hold a generated image, over 5; real images have about 1"
    better = "higher"
    range = (0.0, None)
    form = "decimals"
    digits = 2
    place = 70

    @staticmethod
    def compute(evidence):
        from sprint.metrics.maths.neighbours import density_coverage

        return evidence.once(density_coverage)[0]
