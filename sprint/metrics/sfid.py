"""Spatial FID: the Fréchet distance of where things are in an image, rather than of what is in it."""

from sprint.metrics import Metric, Unavailable


class SpatialFrechet(Metric):
    title = "spatial FD"
    cites = "Nash et al., arXiv 2103.03841, section 4; channels as Dhariwal & Nichol, arXiv 2105.05233, take them"
    meaning = "Fréchet distance between Gaussians fitted to a map of features, of which each place counts by itself"
    better = "lower"
    range = (0.0, None)
    ratios = True
    established = {"inception": "sFID"}
    layer = "spatial"
    place = 11

    @staticmethod
    def compute(evidence):
        from sprint.metrics.fd import Frechet

        spatial = evidence.layers["spatial"]
        if spatial.reference is None and spatial.moments is None:
            raise Unavailable("the reference holds nothing of the spatial features")
        return Frechet.compute(spatial)
