"""Fréchet distance of Gaussians fitted to features: FID under Inception's, FDD under DINOv2's.

Its replicates draw the generated images again. Beyond EXACT dimensions a replicate's distance is that of all images
plus the first-order change with its weights (the infinitesimal jackknife): one eigendecomposition in all instead of one
a replicate. It needs more images than dimensions: where a covariance is singular, its root has no derivative.
"""

from sprint.metrics import Metric, Unavailable

EXACT = 256  # most dimensions at which every replicate's distance is computed; above, it is linearised


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
        from sprint.metrics.maths.frechet import frechet_distance
        from sprint.metrics.maths.rows import gaussians

        ours, theirs = evidence.once(gaussians)
        return frechet_distance(*theirs, *ours)

    @staticmethod
    def replicates(evidence, counts):
        from sprint.metrics.maths.frechet import Gaussian, frechet_distances, frechet_influence, statistics, weighted

        rows, reference = evidence.features.double(), evidence.reference
        count, dimensions = rows.shape
        theirs = reference if isinstance(reference, Gaussian) else statistics(reference)
        if count < 2 or (dimensions > EXACT and count <= dimensions) or not rows.isfinite().all():
            raise Unavailable(f"needs finite features of at least 2 images, and of more than {dimensions}")
        if dimensions <= EXACT:
            return frechet_distances(theirs, (weighted(rows, weights) for weights in counts))
        distance, influence = frechet_influence(rows, theirs)
        return (distance + counts.double() @ influence / count).tolist()
