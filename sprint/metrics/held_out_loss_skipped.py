"""The held-out loss with the deep part skipped: a network that it does not hurt makes no use of its deep part."""

from sprint.metrics.held_out_loss import HeldOutLoss, mean_loss


class HeldOutLossSkipped(HeldOutLoss):
    title = "held-out loss, deep part skipped"
    cites = "path-drop: SPRINT, arXiv 2510.21986, section 3.3"
    meaning = "the held-out loss of the same weights with the deep part skipped, of methods that can skip it"
    better = "neither"
    needs = ("losses_skipped",)
    table = "further"
    place = 6

    @staticmethod
    def compute(evidence):
        return mean_loss(evidence.losses_skipped)
