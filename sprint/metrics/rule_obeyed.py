"""How often the cells of generated images go together as the data set's rule says: global consistency."""

from sprint.metrics import Metric, Unavailable


class RuleObeyed(Metric):
    title = "rule obeyed"
    cites = "this repository's own: sprint/data/sets/mosaic.py"
    meaning = (
        "share of the cells tied by the data set's rule in which a classifier of cells reads what the rule says, "
        "by chance one in as many as there are labels"
    )
    better = "higher"
    range = (0.0, 1.0)
    form = "percent"
    digits = 1
    per_extractor = False
    needs = ("obeyed",)
    table = "main"
    place = 91

    @staticmethod
    def compute(evidence):
        if len(evidence.obeyed) == 0:
            raise Unavailable("there are no images")
        return float(evidence.obeyed.mean())

    @staticmethod
    def replicates(evidence, counts):
        return (counts.double() @ evidence.obeyed.double() / len(evidence.obeyed)).tolist()
