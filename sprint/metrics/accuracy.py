"""How often the extractor that classifies gives a generated image the label that it was asked for."""

from sprint.metrics import Metric, Unavailable


class Accuracy(Metric):
    title = "classified as label"
    cites = "Shmelkov et al., arXiv 1807.09499 (GAN-test)"
    meaning = "share of generated images to which a classifier of real ones gives the label that was asked for"
    better = "higher"
    range = (0.0, 1.0)
    form = "percent"
    digits = 1
    per_extractor = False
    needs = ("labels",)
    table = "main"
    place = 90

    @staticmethod
    def compute(evidence):
        return float(_right(evidence).mean())

    @staticmethod
    def replicates(evidence, counts):
        return (counts.double() @ _right(evidence) / len(evidence.labels)).tolist()


def _right(evidence):
    """1.0 for each image classified as asked for, else 0.0; float64 (n,)."""
    if evidence.predicted is None:
        raise Unavailable("needs an extractor that classifies")
    if len(evidence.labels) == 0:
        raise Unavailable("there are no images")
    return (evidence.predicted == evidence.labels).double()
