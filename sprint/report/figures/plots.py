"""Which plots a study gets, and the series in them; charts.py draws.

Against guidance scale if the study only evaluates; against its first numeric factor if some method has several values
of it; otherwise one row per setting. Then quality against training cost. One legend serves all panels of a figure; the
metric that ranks is in sight, others unfold.
"""

import math
from dataclasses import replace

from sprint.diffusion.guidance import kind_name
from sprint.report.blocks import Figure, Key, Panel
from sprint.report.figures import charts
from sprint.report.figures.charts import Row, Series, draw_lines, draw_rows
from sprint.report.figures.styles import INK_MARK, Style, fills_of, series_styles
from sprint.report.format import factor_name, factor_text, listed, prefix
from sprint.report.read import TERA, Run, Study
from sprint.report.summary import curve, curve_guidance, guidances, line_under, lines, target_of
from sprint.report.tables import table_metrics

PALE = "Pale: 95% interval over seeds and images, where there are several seeds."
COSTS = {"tflop": "training {}FLOP (modelled)", "seconds": "training time / s (measured)"}
COST_WORDS = "Training FLOP: forward and backward, modelled. Seconds: wall clock, machine under Provenance."
FLOOR = Key(charts.FLOOR, INK_MARK, "floor")


def study_plots(study: Study) -> Figure:
    """The panels that answer the study's question, of evaluations that may be compared."""
    metrics = [name for name in table_metrics(study) if study.final[name].notna().any()]
    factor = None if study.sweep else numeric_factor(study)
    if study.sweep:
        gathered = {metric: _by_scale(study, metric) for metric in metrics}
        return _line_plots(study, gathered, "guidance scale", "End of training; unguided stands at scale 1.")
    if factor:
        return _factor_plots(study, metrics, factor)
    return _row_plots(study, metrics)


def _row_plots(study: Study, metrics: list[str]) -> Figure:
    shown = guidances(study)
    fills = fills_of(shown, kind_name("none"))
    styles = _row_styles(study)
    panels = {
        metric: draw_rows(metric, _rows(study, metric), styles, fills, study.floor.get(metric)) for metric in metrics
    }
    keys = [Key(name, INK_MARK, "o", fill=fills[name]) for name in shown]
    return _figure(study, panels, (*keys, FLOOR), f"End of training, every guidance evaluated. {PALE}")


def _row_styles(study: Study) -> dict[str, Style]:
    return {row.label: series_styles([(row.label, row.method)])[row.label] for row in _rows(study, "")}


def _figure(study: Study, panels: dict, keys: tuple[Key, ...], caption: str) -> Figure:
    """The panels of the metric that ranks in sight, those of others folded away."""
    first = [panel for what, panel in panels.items() if study.primary in (what, what[0])]
    rest = [panel for panel in panels.values() if panel not in first]
    return Figure(tuple(first or rest), keys, caption, more=tuple(rest if first else ()))


def cost_plots(study: Study) -> Figure:
    """Quality against modelled training FLOP and against measured seconds, of which `cost_series` has some.

    With a numeric factor one line joins the ends of training along it, else a line per setting follows its milestones.
    """
    factor, metric, shown = numeric_factor(study), study.primary, cost_series(study)
    styles = series_styles([(one.label, one.method) for series in shown.values() for one in series if one.x])
    floor, under = study.floor.get(metric), cost_guidance(study)
    panels = [draw_lines(metric, series, name, styles, floor, under) for name, series in shown.items()]
    ends = f"End of training, {under}; a line joins the values of {factor_name(factor or '')}."
    along = f"Along training at each milestone, {under}, mean over seeds."
    caption = f"{ends if factor else along} {PALE} {COST_WORDS}"
    more = {"more": tuple(panels[1:]), "unfold": "Against measured seconds"}
    return Figure(tuple(panels[:1]), (*legend(styles), FLOOR), caption, **more)


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
    styles = series_styles([(one.label, one.method) for series in gathered.values() for one in series])
    panels = {
        metric: draw_lines(metric, series, x, styles, study.floor.get(metric)) for metric, series in gathered.items()
    }
    return _figure(study, panels, (*legend(styles), FLOOR), caption)


def legend(styles: dict[str, Style]) -> tuple[Key, ...]:
    """The styles of lines as a figure's legend has them."""
    return tuple(Key(label, one.css, one.mark, one.dash) for label, one in styles.items())


def _factor_plots(study: Study, metrics: list[str], factor: str) -> Figure:
    """One panel per metric and guidance, so that no line joins a guided point to an unguided one."""
    gathered = {
        (metric, guidance): _by_factor(study, metric, factor, guidance)
        for guidance in guidances(study)
        for metric in metrics
    }
    styles = series_styles([(one.label, one.method) for series in gathered.values() for one in series])
    panels: dict[tuple[str, str], Panel] = {
        (metric, guidance): draw_lines(metric, series, factor_name(factor), styles, study.floor.get(metric), guidance)
        for (metric, guidance), series in gathered.items()
        if series
    }
    return _figure(study, panels, (*legend(styles), FLOOR), f"End of training, one guidance in each panel. {PALE}")


def _by_factor(study: Study, metric: str, factor: str, guidance: str, column: str = "") -> list[Series]:
    """One line per combination of the other factors, against `factor` or against the mean of a `column` of costs."""
    points: dict[tuple[str, object], list] = {}
    for setting, runs in study.settings.items():
        line, value = line_under(study, setting, guidance), runs[0].factor(factor)
        if line is None or metric not in line.metrics or not is_number(value):
            continue
        x = study.final.loc[study.final["setting"] == setting, column].mean() if column else value
        if not math.isnan(x):
            name = (line_name(study, runs[0], factor), runs[0].factor("method"))
            points.setdefault(name, []).append((value, x, line.metrics[metric], target_of(study, setting)))
    return [_series(label, method, found) for (label, method), found in points.items()]


def _by_scale(study: Study, metric: str) -> list[Series]:
    """One line per setting and kind of guidance. Unguided is the same as scale 1, so each line starts there."""
    series = []
    for setting, runs in study.settings.items():
        method, target = runs[0].factor("method"), target_of(study, setting)
        found = [line for line in lines(study, setting) if metric in line.metrics]
        starts = {line.attention: [(1.0, 1.0, line.metrics[metric], target)] for line in found if line.kind == "none"}
        families = {line.family: line.attention for line in found if line.kind != "none"}
        for family, attention in families.items():
            mine = [(line.scale, line.scale, line.metrics[metric], target) for line in found if line.family == family]
            series.append(_series(f"{setting}, {family}", method, starts.get(attention, []) + mine))
        for attention in [one for one in starts if one not in families.values()]:
            name = ", ".join(filter(None, [setting, "unguided", attention]))
            series.append(_series(name, method, starts[attention]))
    return series


def _along_training(study: Study, column: str) -> list[Series]:
    """One line per setting along its milestones, mean over seeds with its interval."""
    series = []
    for setting, runs in study.settings.items():
        points = [point for point in curve(study, setting, study.primary) if not math.isnan(getattr(point, column))]
        target = target_of(study, setting)
        found = [(point.step, getattr(point, column), point.spread, target) for point in points]
        series.append(_series(setting, runs[0].factor("method"), found))
    return series


def _series(label: str, method: object, points: list) -> Series:
    """A line from (order, x, spread, target) of its points."""
    points = sorted(points, key=lambda point: point[0])
    means = [spread.mean for _, _, spread, _ in points]
    ranges = [spread.interval for _, _, spread, _ in points]
    targets = tuple(target for *_, target in points)
    return Series(label, [x for _, x, _, _ in points], means, ranges, method, targets)


def _rows(study: Study, metric: str) -> list[Row]:
    """One row per setting with a mark for every guidance; a setting without numbers keeps an empty row."""
    rows = []
    for setting, runs in study.settings.items():
        states = {run.state for run in runs}
        name = setting if "done" in states else f"{setting}: {listed(sorted(states))}"
        shown = [(line.guidance, line.metrics[metric]) for line in lines(study, setting) if metric in line.metrics]
        rows.append(Row(name, shown, runs[0].factor("method"), target_of(study, setting)))
    return rows
