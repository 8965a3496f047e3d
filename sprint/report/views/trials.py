"""The trials of a tuning: what every method lost at every learning rate, which is chosen, and whether at an edge."""

import math

from sprint.metrics import LOSS
from sprint.report.blocks import Block, Cell, text_table
from sprint.report.format import metric_name, metric_text
from sprint.report.read import Run, Study
from sprint.report.views import Report, StudyView
from sprint.statistics.trials import Tried, lowest, means

RATE = "train.learning_rate"
CAPTION = (
    "{name} of the last weights at every learning rate that was tried, the same number of trials for each method, on "
    "seeds that judge nothing. The lowest is chosen; where it is the first or the last of its row, better ones may lie "
    "beyond. Fine-tuning's rate is always in the preset's proportion to it."
)

Losses = dict[str, Tried]  # by method


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
        caption = CAPTION.format(name=metric_name(LOSS).capitalize())
        heads = ["method", *(f"{rate:g}" for rate in rates), "chosen"]
        return [text_table(heads, rows, title=self.title, caption=caption)]


def losses(study: Study) -> Losses:
    """Of the runs that ended, diverged ones among them."""
    found: dict[str, dict[float, list[float]]] = {}
    for run in study.runs:
        if (loss := _loss(run)) is not None:
            found.setdefault(run.method, {}).setdefault(run.factor(RATE), []).append(loss)
    return {method: means(tried) for method, tried in found.items()}


def _loss(run: Run) -> float | None:
    if run.state == "diverged":
        return math.inf
    known = [one["metrics"][LOSS] for one in run.evaluations if one["metrics"].get(LOSS) is not None]
    return known[-1] if run.state == "done" and known else None


def chosen(tried: Tried) -> str:
    """The rate with the lowest loss, and what is to be said of it."""
    found = lowest(tried)
    if found is None:
        return "none: all diverged"
    best, edge = found
    return f"{best:g}, at the edge of what was tried" if edge else f"{best:g}"


def _cell(tried: Tried, rate: float) -> Cell:
    if rate not in tried:
        return Cell("–")
    if math.isinf(tried[rate]):
        return Cell("diverged")
    best = tried[rate] == min(tried.values())
    return Cell(metric_text(LOSS, tried[rate]), style="chosen" if best else "")
