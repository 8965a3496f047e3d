"""Fréchet distance of Gaussians fitted to features: FID under Inception's, FDD under DINOv2's.

Its replicates draw the generated images again. Beyond WIDE dimensions a replicate's distance is that of all images
plus the first-order change with its weights (the infinitesimal jackknife): one eigendecomposition in all instead of one
a replicate. It needs more images than dimensions: where a covariance is singular, its root has no derivative.
"""

from sprint.metrics import Metric, Unavailable


class Frechet(Metric):
    title = "FD"
    cites = "Heusel et al., arXiv 1706.08500, eq. 6"
    meaning = "Fréchet distance between Gaussians fitted to the features of generated and of real images"
    better = "lower"
    range = (0.0, None)
    ratios = True
    established = {"inception": "FID", "dinov2": "FDD"}  # only these extractors earn these names
    table = "main"
    place = 10

    @staticmethod
    def compute(evidence):
        from sprint.metrics.maths.frechet import distance
        from sprint.metrics.maths.rows import gaussians, root_of_reference

        ours, theirs = evidence.once(gaussians)
        return distance(theirs, evidence.once(root_of_reference), ours)

    @staticmethod
    def replicates(evidence, counts):
        from sprint.metrics.maths.frechet import WIDE, Gaussian, frechet_distances, statistics, weighted

        rows, reference = evidence.features, evidence.reference
        count, dimensions = rows.shape
        if count < 2 or (dimensions > WIDE and count <= dimensions) or not rows.isfinite().all():
            raise Unavailable(f"needs finite features of at least 2 images, and of more than {dimensions}")
        if dimensions > WIDE:
            return _linearised(evidence, counts)
        theirs = reference if isinstance(reference, Gaussian) else statistics(reference)
        return frechet_distances(theirs, (weighted(rows.double(), weights) for weights in counts))


def _linearised(evidence, counts):
    from sprint.metrics.maths.frechet import frechet_influence
    from sprint.metrics.maths.rows import gaussians, root_of_reference

    ours, theirs = evidence.once(gaussians)
    distance, influence = frechet_influence(evidence.features, ours, theirs, evidence.once(root_of_reference))
    return (distance + counts.double() @ influence / len(influence)).tolist()
