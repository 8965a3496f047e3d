"""Inception score: how sure a classifier is of each image, and how evenly its answers are spread. Real images are not
looked at.

Splits are of 5,000 images in their order, and the score the mean over them, as Dhariwal & Nichol's evaluator has it
(arXiv 2105.05233); of fewer images there is one split, whose score is lower the fewer they are.
"""

from sprint.metrics import Metric, Unavailable

SPLIT = 5000


class InceptionScore(Metric):
    title = "inception score"
    cites = "Salimans et al., arXiv 1606.03498, section 4"
    meaning = "exponential of the mean divergence of a classifier's answer for an image from its mean answer"
    better = "higher"
    range = (1.0, None)
    established = {"inception": "IS"}
    layer = "logits"
    place = 15

    @staticmethod
    def compute(evidence):
        logits = evidence.layers["logits"].features
        if len(logits) < 2 or not logits.isfinite().all():
            raise Unavailable(f"needs finite logits of at least 2 images, got {len(logits)}")
        scores = [_score(part.double().log_softmax(1)) for part in logits.split(SPLIT)]
        return sum(scores) / len(scores)


def _score(logs):
    """Of the logarithms of probabilities (n, classes)."""
    shares = logs.exp()
    return float((shares * (logs - shares.mean(0).log())).sum(1).mean().exp())
