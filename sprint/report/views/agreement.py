"""Where distances disagree: FD, FD without the bias of few images, and KID, each setting against the base."""

from sprint.metrics import METRICS, metric_of, ranking
from sprint.report.blocks import Block, Prose
from sprint.report.format import listed, metric_name
from sprint.report.learned import nothing_learned
from sprint.report.pairs import base_of, comparisons, effect_text
from sprint.report.read import Study
from sprint.report.summary import guidances, lines
from sprint.report.views import Report, StudyView
from sprint.statistics.effects import Effect

MORE = "kid"  # another distance without such a bias


class Agreement(StudyView):
    title = "Whether distances agree"
    order = 45

    def applies(self, study: Study, report: Report) -> bool:
        if study.conflicts or study.sweep or nothing_learned(study):
            return False
        return bool(sentences(study))

    def blocks(self, study: Study, report: Report) -> list[Block]:
        first, *more = sentences(study)
        return [Prose(first, tuple(more), title=self.title)]


def sentences(study: Study) -> list[str]:
    """The share of bias, and each setting that lies on another side of the base by another distance; none without two
    distances to hold against each other."""
    base, metrics = base_of(study), _distances(study)
    if base is None or len(metrics) < 2:
        return []
    found = [
        text
        for guidance in guidances(study)
        for setting in study.settings
        if (text := _disagreement(study, metrics, setting, base, guidance))
    ]
    names = listed([metric_name(metric) for metric in metrics])
    known = any(comparisons(study, metric, guidance) for metric in metrics for guidance in guidances(study))
    agreed = [] if found or not known else [f"{names} put every setting on the same side of {base}."]
    return [*(f"Distances disagree: {text}." for text in found), *agreed, *_bias(study)]


def _distances(study: Study) -> list[str]:
    """Of the first extractor, those that some evaluation has."""
    if study.final.empty or not study.extractors:
        return []
    names = [*ranking(study.extractors[0]), f"{MORE}/{study.extractors[0]}"]
    return [name for name in names if name in study.final and study.final[name].notna().any()]


def _disagreement(study: Study, metrics: list[str], setting: str, base: str, guidance: str) -> str:
    """`SPRINT 75%, CFG 1.5, is better than Dense by KID (-0.001) and worse by FD (1.2×)`; empty where all agree."""
    sides: dict[str, list[str]] = {}
    for metric in metrics:
        found = comparisons(study, metric, guidance).get(setting)
        if found is not None:
            sides.setdefault(_side(metric, found), []).append(_told(metric, found))
    if not {"better", "worse"} <= set(sides):
        return ""
    better, worse = (listed(sides[side]) for side in ("better", "worse"))
    return f"{setting}, {guidance}, is better than {base} by {better} and worse by {worse}"


def _side(metric: str, found: Effect) -> str:
    none = 1.0 if found.ratio else 0.0
    if found.value == none:
        return "alike"
    return "better" if (found.value < none) == (metric_of(metric).better == "lower") else "worse"


def _told(metric: str, found: Effect) -> str:
    surely = "surely" if found.sure else "not surely" if found.low is not None else "one seed"
    return f"{metric_name(metric)} ({effect_text(metric, found.value, found.ratio)}, {surely})"


def _bias(study: Study) -> list[str]:
    """What part of a distance is the bias of few images, over all settings and guidances."""
    found = []
    for metric in _distances(study):
        raw = METRICS[metric.partition("/")[0]].debiases
        biased = f"{raw}/{metric.partition('/')[2]}"
        both = [
            (line.metrics[biased].mean, line.metrics[metric].mean)
            for setting in study.settings
            for line in lines(study, setting)
            if raw and biased in line.metrics and metric in line.metrics
        ]
        shares = [100 * (whole - rest) / whole for whole, rest in both if whole > 0]
        if shares:
            ends = " to ".join(dict.fromkeys(f"{end:.0f}%" for end in (min(shares), max(shares))))
            found.append(f"The bias of few images is {ends} of {metric_name(biased)}, by {metric_name(metric)}.")
    return found
