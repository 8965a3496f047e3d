"""Fréchet distance between single cells of generated and real images: local quality, blind to how they go together."""

from sprint.metrics import Metric, Unavailable


class FrechetOfCells(Metric):
    title = "FD of cells"
    cites = "Heusel et al., arXiv 1706.08500, eq. 6"
    meaning = "Fréchet distance between features of single cells, of all places together"
    better = "lower"
    range = (0.0, None)
    ratios = True
    needs = ("cells",)
    of_cells = True
    table = "main"
    place = 12

    @staticmethod
    def compute(evidence):
        from sprint.metrics.maths.frechet import frechet_distance, statistics
        from sprint.metrics.maths.rows import canonical, checked, features_of_reference

        cells = evidence.cells.shape[1]
        sides = features_of_reference(evidence), checked(evidence.features, "samples")
        if sides[0].shape[1] % cells:
            raise Unavailable(f"needs features of cells; {sides[0].shape[1]} are no multiple of {cells} cells")
        theirs, ours = (statistics(canonical(side.reshape(len(side) * cells, -1))) for side in sides)
        return frechet_distance(*theirs, *ours)
