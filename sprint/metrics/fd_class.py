"""Fréchet distance within classes, meaned over classes: it sees images that are good, but of another class."""

from sprint.metrics import Metric, Unavailable


class FrechetWithinClasses(Metric):
    title = "FD within classes"
    cites = "Benny et al., arXiv 2004.12361 (within-class FID)"
    meaning = "the mean over classes of the FD between generated images of a class and real ones of it"
    better = "lower"
    range = (0.0, None)
    ratios = True
    needs = ("labels",)
    place = 30

    @staticmethod
    def compute(evidence):
        from sprint.metrics.maths.frechet import fd_per_class
        from sprint.metrics.maths.rows import checked, features_of_reference

        theirs, labels = features_of_reference(evidence), evidence.reference_labels
        if labels is None:
            raise Unavailable("needs the labels of the reference images")
        per_class = fd_per_class(checked(evidence.features, "samples"), evidence.labels, theirs, labels)
        missing = sorted(set(labels.tolist()) - per_class.keys())
        if missing:
            raise Unavailable(
                f"needs at least 2 samples and 2 reference images of every class; class {missing[0]} has fewer"
            )
        return sum(per_class.values()) / len(per_class)
