"""The held-out loss with the deep part skipped: a network that it does not hurt makes no use of its deep part."""

from sprint.metrics import Metric, Unavailable


class HeldOutLossSkipped(Metric):
    title = "held-out loss, deep part skipped"
    cites = "path-drop: SPRINT, arXiv 2510.21986, section 3.3"
    meaning = "the held-out loss of the same weights with the deep part skipped, of methods that can skip it"
    better = "neither"
    range = (0.0, None)
    digits = 4
    per_extractor = False
    needs = ("losses_skipped",)
    ratios = True
    place = 6

    @staticmethod
    def compute(evidence):
        if len(evidence.losses_skipped) == 0:
            raise Unavailable("no image is held out")
        return float(evidence.losses_skipped.double().mean())
