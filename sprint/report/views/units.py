"""The units and words of the page."""

from sprint.report.blocks import Block, Prose
from sprint.report.format import metrics_explained
from sprint.report.views import Report, ReportView

UNITS = [
    "MAC: one multiply-accumulate. FLOP: one floating-point operation, two per MAC.",
    "Forward cost: MAC of one pass of one image with all tokens, without guidance.",
    "Training cost: modelled FLOP of forward and backward (2 × forward) in both stages, fine-tuning included.",
    "Of dense: total training FLOP over those of the study's dense run; where it has none, of one of as many steps.",
    "Images per second, seconds: measured on the machine named here; they move with it.",
    "Network calls: counted per generated image; a strong call runs all blocks, a weak one is what guidance adds.",
    "Metrics with a name in brackets are computed from the features that this extractor makes of images.",
    *metrics_explained(),
    "FD under our own extractors is neither FID nor FDD: these names belong to one Inception and one DINOv2 network.",
    "Floor: the same metric between two random halves of the real images, the mean over several splits. It depends on "
    "their number, as every FD does.",
    "At its best guidance a setting is told, in each seed, at the guidance that serves its other seeds best: no image "
    "judges the guidance that it chose. With one seed it does.",
    "Untrained: the same metric of what a network draws before its first step, which is noise.",
]


class Units(ReportView):
    title = "Units and words"
    order = 30

    def applies(self, report: Report) -> bool:
        return True

    def blocks(self, report: Report) -> list[Block]:
        return [Prose(items=(*UNITS, *_held_against(report)), title=self.title)]


def _held_against(report: Report) -> list[str]:
    """Whether the real images that samples are held against are some that were trained on."""
    known = {study.reference["held_out"] for study in report.studies if "held_out" in study.reference}
    if known == {True}:
        return ["Samples are held against real images that no training saw."]
    return [
        "Samples are held against real images that were trained on: a network that repeats them may fall below the "
        "floor."
    ]
