"""A study's measured training speed beside what its FLOPs alone would give."""

from sprint.report.blocks import Block, Figure
from sprint.report.figures.charts import Series
from sprint.report.figures.plots import legend
from sprint.report.figures.speed_charts import DASHED, draw_speedups
from sprint.report.figures.styles import series_styles
from sprint.report.format import listed
from sprint.report.read import Run, Study
from sprint.report.views import Report, StudyView


class Speedup(StudyView):
    title = "Training speed, measured against modelled"
    order = 70

    def applies(self, study: Study, report: Report) -> bool:
        return bool(_points(study))

    def blocks(self, study: Study, report: Report) -> list[Block]:
        found = _points(study)
        series = [_series(label, method, points) for (label, method), points in found.items()]
        styles = series_styles([(one.label, one.method) for one in series])
        about = study.throughput
        caption = (
            f"One point per setting: steps of the sparse stage, batch {about['batch']}, {about['threads']} threads, "
            f"each in turns with {about['base']}; medians over turns of the ratio within a turn, pale: its range. "
            f"{DASHED} Modelled: forward and backward."
        )
        scattering = [
            setting for setting, run in _measured(study).items() if run.throughput["train"]["of_base"].get("scatters")
        ]
        if scattering:
            caption += f" Turns scatter: {listed(scattering)}."
        return [Figure((draw_speedups(series, styles, about["base"]),), legend(styles), caption, title=self.title)]


def _series(label: str, method: object, points: list) -> Series:
    x, y, ranges, targets = zip(*sorted(points), strict=True)
    return Series(label, list(x), list(y), list(ranges), method, targets)


def _points(study: Study) -> dict[tuple[str, object], list]:
    """By method: modelled and measured speed-up of each setting over the study's base; empty where it has none."""
    runs = _measured(study)
    base = next((run for run in runs.values() if _is_base(study, run)), None)
    points: dict[tuple[str, object], list] = {}
    for run in runs.values() if base else []:
        if not _is_base(study, run):
            name = (run.method, run.factor("method"))
            points.setdefault(name, []).append((*_speedup(base, run), f"run:{run.name}"))
    return points


def _is_base(study: Study, run: Run) -> bool:
    return run.factor("method") == study.throughput.get("base")


def _measured(study: Study) -> dict[str, Run]:
    """By setting, a run whose sparse steps were costed, and measured in turns with the base."""
    known = {
        setting: [run for run in runs if run.cost and "of_base" in run.throughput.get("train", {})]
        for setting, runs in study.settings.items()
    }
    return {setting: runs[0] for setting, runs in known.items() if runs}


def _speedup(base: Run, run: Run) -> tuple[float, float, tuple[float, float]]:
    """Modelled, measured, and the range of the measured."""
    modelled = base.cost["train_flops_per_image"] / run.cost["train_flops_per_image"]
    measured = run.throughput["train"]["of_base"]
    return modelled, measured["median"], (measured["low"], measured["high"])
