"""A study's measured training speed beside what its FLOPs alone would give."""

from sprint.report.blocks import Block, Figure
from sprint.report.figures.charts import Series, styles_of
from sprint.report.figures.plots import legend
from sprint.report.figures.speed_charts import DASHED, draw_speedups
from sprint.report.read import Run, Study
from sprint.report.views import Report, StudyView


class Speedup(StudyView):
    title = "Training speed, measured against modelled"
    order = 70

    def applies(self, study: Study, report: Report) -> bool:
        return bool(_points(study))

    def blocks(self, study: Study, report: Report) -> list[Block]:
        found = _points(study)
        series = [Series(label, *map(list, zip(*sorted(points), strict=True))) for label, points in found.items()]
        styles = styles_of([one.label for one in series])
        about = study.throughput
        caption = (
            f"One point per setting: steps of the sparse stage, batch {about['batch']}, {about['threads']} threads, "
            f"taking turns; medians, pale: range of the repeats. {DASHED} Modelled: forward and backward."
        )
        return [Figure((draw_speedups(series, styles),), legend(styles), caption, title=self.title)]


def _points(study: Study) -> dict[str, list]:
    """By method: modelled and measured speed-up of each setting over the study's base; empty where it has none."""
    runs = [run for run in map(_measured, study.settings.values()) if run is not None]
    base = next((run for run in runs if run.factor("method") == study.throughput.get("base")), None)
    points: dict[str, list] = {}
    for run in runs if base else []:
        if run.factor("method") != base.factor("method"):
            points.setdefault(run.method, []).append(_speedup(base, run))
    return points


def _measured(runs: list[Run]) -> Run | None:
    return next((run for run in runs if run.cost and run.throughput.get("train")), None)


def _speedup(base: Run, run: Run) -> tuple[float, float, tuple[float, float]]:
    """Modelled, measured, and the range of the measured."""
    modelled = base.cost["train_flops_per_image"] / run.cost["train_flops_per_image"]
    own, yardstick = run.throughput["train"], base.throughput["train"]["median"]
    return modelled, own["median"] / yardstick, (own["low"] / yardstick, own["high"] / yardstick)
