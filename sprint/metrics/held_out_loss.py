"""The loss of the averaged weights on images that no training saw: same images, noise and times for every run."""

from sprint.metrics import Metric, Unavailable


class HeldOutLoss(Metric):
    title = "held-out loss"
    cites = "flow matching on all tokens: SiT, arXiv 2401.08740, eq. 5"
    meaning = "mean squared error of the velocity of held-out images, all tokens, at the times that training draws"
    better = "lower"
    range = (0.0, None)
    digits = 4
    per_extractor = False
    needs = ("losses",)
    ratios = True
    table = "main"
    place = 5

    @staticmethod
    def compute(evidence):
        return mean_loss(evidence.losses)


def mean_loss(losses) -> float:
    """Of the losses (k,) of held-out images."""
    if len(losses) == 0:
        raise Unavailable("no image is held out")
    return float(losses.double().mean())
