"""The trials of a tuning: what every method lost at every learning rate, which is chosen, and whether at an edge."""

import math
from statistics import mean

from sprint.report.blocks import Block, Cell, text_table
from sprint.report.format import metric_name, metric_text
from sprint.report.read import Run, Study
from sprint.report.views import Report, StudyView

METRIC = "held_out_loss"
RATE = "train.learning_rate"
CAPTION = (
    "{name} of the last weights at every learning rate that was tried, the same number of trials for each method, on "
    "seeds that judge nothing. The lowest is chosen; where it is the first or the last of its row, better ones may lie "
    "beyond. Fine-tuning's rate is always in the preset's proportion to it."
)

Losses = dict[str, dict[float, float]]  # method -> learning rate -> mean over seeds, infinite where it diverged


class Trials(StudyView):
    title = "Trials"
    order = 25

    def applies(self, study: Study, report: Report) -> bool:
        tuning = {run.seed for run in study.runs} <= set(report.tuning_seeds)
        return bool(tuning and study.runs and losses(study))

    def blocks(self, study: Study, report: Report) -> list[Block]:
        found = losses(study)
        rates = sorted({rate for tried in found.values() for rate in tried})
        rows = [[method, *(_cell(tried, rate) for rate in rates), chosen(tried)] for method, tried in found.items()]
        caption = CAPTION.format(name=metric_name(METRIC).capitalize())
        heads = ["method", *(f"{rate:g}" for rate in rates), "chosen"]
        return [text_table(heads, rows, title=self.title, caption=caption)]


def losses(study: Study) -> Losses:
    """Of the runs that ended, diverged ones among them."""
    found: dict[str, dict[float, list[float]]] = {}
    for run in study.runs:
        if (loss := _loss(run)) is not None:
            found.setdefault(run.method, {}).setdefault(run.factor(RATE), []).append(loss)
    return {method: {rate: mean(values) for rate, values in tried.items()} for method, tried in found.items()}


def _loss(run: Run) -> float | None:
    if run.state == "diverged":
        return math.inf
    known = [one["metrics"][METRIC] for one in run.evaluations if one["metrics"].get(METRIC) is not None]
    return known[-1] if run.state == "done" and known else None


def chosen(tried: dict[float, float]) -> str:
    """The rate with the lowest loss, and what is to be said of it."""
    rates = sorted(tried)
    best = min(rates, key=tried.__getitem__)
    if math.isinf(tried[best]):
        return "none: all diverged"
    return f"{best:g}, at the edge of what was tried" if best in (rates[0], rates[-1]) else f"{best:g}"


def _cell(tried: dict[float, float], rate: float) -> Cell:
    if rate not in tried:
        return Cell("–")
    if math.isinf(tried[rate]):
        return Cell("diverged")
    best = tried[rate] == min(tried.values())
    return Cell(metric_text(METRIC, tried[rate]), style="chosen" if best else "")
