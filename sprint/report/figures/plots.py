"""Which plots a study gets, and the series in them; charts.py draws.

Against guidance scale if the study only evaluates; against its first numeric factor if some method has several values
of it; otherwise one row per setting. Then quality against training cost. One legend serves all panels of a figure.
"""

import math
from dataclasses import replace

from sprint.report.blocks import Figure
from sprint.report.figures.charts import Row, Series, draw_lines, draw_rows, marks_of, styles_of
from sprint.report.format import factor_name, factor_text, listed, prefix
from sprint.report.read import TERA, Run, Study
from sprint.report.summary import curve, curve_guidance, guidances, line_under, lines
from sprint.report.tables import table_metrics

PALE = "Pale: 95% interval over seeds and images, where there are several seeds."
COSTS = {"tflop": "training {}FLOP (modelled)", "seconds": "training time / s (measured)"}
COST_WORDS = "Training FLOP: forward and backward, modelled. Seconds: wall clock, machine under Provenance."
FLOOR = ("floor: real against real", "currentColor", "floor")
INTERVAL = ("95% interval, several seeds", "currentColor", "bar")


def study_plots(study: Study) -> Figure:
    """The panels that answer the study's question, of evaluations that may be compared."""
    metrics = [name for name in table_metrics(study) if study.final[name].notna().any()]
    factor = None if study.sweep else numeric_factor(study)
    if study.sweep:
        gathered = {metric: _by_scale(study, metric) for metric in metrics}
        return _line_plots(study, gathered, "guidance scale", "End of training; unguided stands at scale 1.")
    if factor:
        return _factor_plots(study, metrics, factor)
    styles = marks_of(guidances(study))
    panels = [draw_rows(metric, _rows(study, metric), styles, study.floor.get(metric)) for metric in metrics]
    return Figure(tuple(panels), (*legend(styles), INTERVAL, FLOOR), "End of training, every guidance evaluated.")


def cost_plots(study: Study) -> Figure:
    """Quality against modelled training FLOP and against measured seconds, of which `cost_series` has some.

    With a numeric factor one line joins the ends of training along it, else a line per setting follows its milestones.
    """
    factor, metric, shown = numeric_factor(study), study.primary, cost_series(study)
    styles = styles_of([one.label for series in shown.values() for one in series if one.x])
    floor, under = study.floor.get(metric), cost_guidance(study)
    panels = [draw_lines(metric, series, name, styles, floor, under) for name, series in shown.items()]
    ends = f"End of training, {under}; a line joins the values of {factor_name(factor or '')}."
    along = f"Along training at each milestone, {under}, mean over seeds."
    caption = f"{ends if factor else along} {PALE} {COST_WORDS}"
    return Figure(tuple(panels), (*legend(styles), FLOOR), caption)


def cost_series(study: Study) -> dict[str, list[Series]]:
    """Lines of the primary metric against each cost by its name; without a cost that is not known."""
    if study.conflicts:
        return {}
    if study.final.empty:
        return {}
    factor, metric = numeric_factor(study), study.primary
    under, gathered = cost_guidance(study), {}
    for column, name in COSTS.items():
        series = _by_factor(study, metric, factor, under, column) if factor else _along_training(study, column)
        scale, letter = prefix(x * TERA for one in series for x in one.x) if column == "tflop" else (TERA, "")
        gathered[name.format(letter)] = [replace(one, x=[x * TERA / scale for x in one.x]) for one in series]
    return {name: series for name, series in gathered.items() if any(len(one.x) > 1 for one in series)}


def cost_guidance(study: Study) -> str:
    """The one guidance of all lines against cost: unguided where that was evaluated."""
    return guidances(study)[0] if numeric_factor(study) else curve_guidance(study)


def numeric_factor(study: Study) -> str | None:
    """The first numeric factor that takes several values within one combination of the others."""
    for factor in study.factors:
        values: dict[str, set] = {}
        for run in study.runs:
            if is_number(run.factor(factor)):
                values.setdefault(line_name(study, run, factor), set()).add(run.factor(factor))
        if any(len(found) > 1 for found in values.values()):
            return factor
    return None


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def line_name(study: Study, run: Run, factor: str) -> str:
    """The name of the line that a run stands on along `factor`: its values of all other factors."""
    others = [name for name in study.factors if name != factor]
    parts = [run.method if name == "method" else factor_text(name, run.factor(name)) for name in others]
    return ", ".join(parts) or run.method


def _line_plots(study: Study, gathered: dict[str, list[Series]], x: str, caption: str) -> Figure:
    styles = styles_of([one.label for series in gathered.values() for one in series])
    panels = [draw_lines(metric, series, x, styles, study.floor.get(metric)) for metric, series in gathered.items()]
    return Figure(tuple(panels), (*legend(styles), FLOOR), caption)


def legend(styles: dict[str, tuple[str, str]]) -> tuple[tuple[str, str, str], ...]:
    """The styles of lines as a figure's legend has them."""
    return tuple((label, *style) for label, style in styles.items())


def _factor_plots(study: Study, metrics: list[str], factor: str) -> Figure:
    """One panel per metric and guidance, so that no line joins a guided point to an unguided one."""
    gathered = {
        (metric, guidance): _by_factor(study, metric, factor, guidance)
        for guidance in guidances(study)
        for metric in metrics
    }
    styles = styles_of([one.label for series in gathered.values() for one in series])
    panels = [
        draw_lines(metric, series, factor_name(factor), styles, study.floor.get(metric), guidance)
        for (metric, guidance), series in gathered.items()
        if series
    ]
    caption = f"End of training, one guidance in each panel. {PALE}"
    return Figure(tuple(panels), (*legend(styles), FLOOR), caption)


def _by_factor(study: Study, metric: str, factor: str, guidance: str, column: str = "") -> list[Series]:
    """One line per combination of the other factors, against `factor` or against the mean of a `column` of costs."""
    points: dict[str, list] = {}
    for setting, runs in study.settings.items():
        line, value = line_under(study, setting, guidance), runs[0].factor(factor)
        if line is None or metric not in line.metrics or not is_number(value):
            continue
        x = study.final.loc[study.final["setting"] == setting, column].mean() if column else value
        if not math.isnan(x):
            points.setdefault(line_name(study, runs[0], factor), []).append((value, x, line.metrics[metric]))
    return [_series(label, found) for label, found in points.items()]


def _by_scale(study: Study, metric: str) -> list[Series]:
    """One line per setting and kind of guidance. Unguided is the same as scale 1, so each line starts there."""
    points: dict[str, list] = {}
    for setting in study.settings:
        found = [line for line in lines(study, setting) if metric in line.metrics]
        start = [(1.0, 1.0, line.metrics[metric]) for line in found if line.unguided]
        families = list(dict.fromkeys(line.family for line in found if not line.unguided))
        for family in families:
            mine = [(line.scale, line.scale, line.metrics[metric]) for line in found if line.family == family]
            points[f"{setting}, {family}"] = start + mine
        if start and not families:
            points[f"{setting}, {found[0].family}"] = start
    return [_series(label, found) for label, found in points.items()]


def _along_training(study: Study, column: str) -> list[Series]:
    """One line per setting along its milestones, mean over seeds with its interval."""
    series = []
    for setting in study.settings:
        points = [point for point in curve(study, setting, study.primary) if not math.isnan(getattr(point, column))]
        series.append(_series(setting, [(point.step, getattr(point, column), point.spread) for point in points]))
    return series


def _series(label: str, points: list) -> Series:
    """A line from (order, x, spread) triples."""
    points = sorted(points, key=lambda point: point[0])
    means = [spread.mean for _, _, spread in points]
    return Series(label, [x for _, x, _ in points], means, [spread.interval for _, _, spread in points])


def _rows(study: Study, metric: str) -> list[Row]:
    """One row per setting with a mark for every guidance; a setting without numbers keeps an empty row."""
    rows = []
    for setting, runs in study.settings.items():
        states = {run.state for run in runs}
        name = setting if "done" in states else f"{setting}: {listed(sorted(states))}"
        shown = [line for line in lines(study, setting) if metric in line.metrics]
        rows.append(Row(name, [(line.guidance, line.metrics[metric]) for line in shown]))
    return rows
