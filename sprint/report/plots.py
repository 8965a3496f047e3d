"""Plots as small single-panel SVGs (they wrap on a phone), each with its values in words as alternative text.

An SVG is a data URI with its own style, so that its ink follows light and dark. The floor is drawn in every quality plot.
Which panel a study gets: against guidance scale if it only evaluates, against its first numeric factor if some method has
more than one value of it, otherwise one row per setting. The legend is HTML, once for all panels of a study.
"""

import base64
import io
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from sprint.report.read import Study
from sprint.report.summary import Line, best_line, curve, lines
from sprint.report.words import better, factor_name, metric_name, metric_text, significant

INK = "#010203"  # stands for the page's text colour and is replaced in the SVG
COLOURS = ["#4080d0", "#dd7f2c", "#36996b", "#c4518c", "#8a6fd1", "#a8871d", "#2f9fb0", "#cf4f49", "#7a828b", "#6b8e23"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "p", "h", "*"]
STYLE = (
    "<style>svg{color:#30343a;font-family:system-ui,sans-serif}"
    "@media (prefers-color-scheme:dark){svg{color:#c9ced6}}</style>"
)
LOG_FROM = 8  # a Fréchet distance that spans more than this factor is drawn on a log axis
WIDTH, HEIGHT = 4.6, 3.3


@dataclass(frozen=True)
class Panel:
    """One drawn panel: data URI, what it shows in words."""

    uri: str
    alt: str


@dataclass(frozen=True)
class Series:
    """A line of points for one entry of the legend; `spans` are lowest and highest over seeds."""

    label: str
    x: list[float]
    y: list[float]
    spans: list[tuple[float, float]]


@dataclass(frozen=True)
class Plots:
    """All panels of a study under one legend."""

    panels: list[Panel]
    legend: list[tuple[str, str, str]]  # label, colour, marker
    x: str


def study_plots(study: Study) -> Plots | None:
    """The panels that answer the study's question; None while there is nothing to draw."""
    if study.final.empty:
        return None
    x = "guidance scale" if study.sweep else numeric_factor(study)
    metrics = [f"fd/{name}" for name in study.extractors] + ["accuracy"]
    if x is None:
        return Plots([_dots(study, metric) for metric in metrics], _DOT_LEGEND, "setting")
    gather = _by_scale if study.sweep else _by_factor
    styles = _styles([series.label for series in gather(study, study.primary, x)])
    name = x if study.sweep else factor_name(x)
    panels = [_chart(study, metric, gather(study, metric, x), name, styles) for metric in metrics]
    return Plots(panels, [(label, *style) for label, style in styles.items()], name)


def cost_plots(study: Study) -> Plots | None:
    """Quality along training against modelled training FLOP and against measured seconds, one line per setting."""
    styles = _styles(list(study.settings))
    panels = []
    for column, name in (("tflop", "training TFLOP (modelled)"), ("seconds", "training time / s (measured)")):
        series = [found for setting in study.settings if (found := _along(study, setting, column)).x]
        if sum(len(found.x) for found in series) > len(series):
            panels.append(_chart(study, study.primary, series, name, styles))
    return Plots(panels, [(label, *style) for label, style in styles.items()], "training cost") if panels else None


def numeric_factor(study: Study) -> str | None:
    """The first numeric factor that takes several values within one group of the other factors."""
    for factor in study.factors:
        values: dict[str, set] = {}
        for run in study.runs:
            if isinstance(value := run.factor(factor), int | float) and not isinstance(value, bool):
                values.setdefault(_others(study, run, factor), set()).add(value)
        if any(len(found) > 1 for found in values.values()):
            return factor
    return None


def _others(study: Study, run, factor: str) -> str:
    """The name of a run's line: its values of all other factors, the method by its name in labels."""
    parts = [str(run.factor(name)) for name in study.factors if name != factor]
    return ", ".join(parts) or run.config.get("method", "all runs")


def _by_factor(study: Study, metric: str, factor: str) -> list[Series]:
    points: dict[str, list] = {}
    for setting, runs in study.settings.items():
        line = best_line(study, setting)
        if line and metric in line.metrics:
            points.setdefault(_others(study, runs[0], factor), []).append(
                (runs[0].factor(factor), line.metrics[metric])
            )
    return [_series(label, found) for label, found in points.items()]


def _by_scale(study: Study, metric: str, _: str) -> list[Series]:
    """One line per setting and kind of guidance. Unguided is the same as scale 1, so each line starts there."""
    points: dict[str, list] = {}
    for setting in study.settings:
        found = [line for line in lines(study, setting) if metric in line.metrics]
        start = [(1.0, line.metrics[metric]) for line in found if line.kind == "none"]
        kinds = list(dict.fromkeys(line.kind for line in found if line.kind != "none"))
        for kind in kinds:
            mine = [(line.scale, line.metrics[metric]) for line in found if line.kind == kind]
            points[f"{setting}, {kind.upper()}"] = start + mine
        if not kinds:
            points[f"{setting}, unguided"] = start
    return [_series(label, found) for label, found in points.items()]


def _along(study: Study, setting: str, column: str) -> Series:
    table = curve(study, setting)
    known = table.dropna(subset=[column, study.primary]) if not table.empty and study.primary in table else table
    return Series(setting, [*known.get(column, [])], [*known.get(study.primary, [])], [])


def _series(label: str, points: list) -> Series:
    points = sorted(points, key=lambda point: point[0])
    spreads = [value for _, value in points]
    return Series(
        label, [x for x, _ in points], [one.mean for one in spreads], [(one.low, one.high) for one in spreads]
    )


def _chart(study: Study, metric: str, series: list[Series], x_name: str, styles: dict) -> Panel:
    figure, axes = _panel(metric)
    for one in series:
        colour, marker = styles[one.label]
        axes.plot(one.x, one.y, color=colour, marker=marker, markersize=5, linewidth=1.6)
        for x, (low, high) in zip(one.x, one.spans, strict=False):
            axes.plot([x, x], [low, high], color=colour, linewidth=3, alpha=0.35, solid_capstyle="round")
    values = [value for one in series for value in one.y]
    _floor(axes, study.floor.get(metric), horizontal=True)
    _value_axis(axes.yaxis, metric, values, study.floor.get(metric))
    if x_name == factor_name("drop"):
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
    axes.set_xlabel(x_name)
    figure.subplots_adjust(left=0.13, right=0.97, bottom=0.155, top=0.9)
    said = "; ".join(
        f"{one.label}: {', '.join(f'{metric_text(metric, y)} at {significant(x)}' for x, y in zip(one.x, one.y, strict=True))}"
        for one in series
    )
    return Panel(_uri(figure), f"{metric_name(metric)} against {x_name}. {said}. {_floor_words(study, metric)}")


def _dots(study: Study, metric: str) -> Panel:
    """One row per setting, its name above: hollow is unguided, filled the best guidance, a bar the range over seeds."""
    rows = list(study.settings)
    figure, axes = _panel(metric, height=0.9 + 0.44 * len(rows))
    values = []
    for row, setting in enumerate(rows):
        best = best_line(study, setting)
        shown = [line for line in lines(study, setting) if line.kind == "none" or line == best]
        found = [(line, line.metrics[metric]) for line in shown if metric in line.metrics]
        for line, value in found:
            _dot(axes, row, line, value, filled=line == best)
        values += [value.mean for _, value in found]
        text = setting if found else f"{setting}: {study.settings[setting][0].state}"
        axes.text(0.015, row - 0.3, text, transform=axes.get_yaxis_transform(), fontsize=8, color=INK, va="center")
        axes.axhline(row, color=INK, alpha=0.12, linewidth=0.8)
    _floor(axes, study.floor.get(metric), horizontal=False)
    _value_axis(axes.xaxis, metric, values, study.floor.get(metric))
    axes.set_ylim(len(rows) - 0.5, -0.75)
    axes.set_yticks([])
    top = 1 - 0.36 / figure.get_figheight()
    figure.subplots_adjust(left=0.03, right=0.97, bottom=0.32 / figure.get_figheight(), top=top)
    return Panel(_uri(figure), _dots_words(study, metric))


_DOT_LEGEND = [
    ("unguided", "currentColor", "hollow"),
    ("best guidance evaluated", COLOURS[0], "o"),
    ("range over seeds", COLOURS[0], "bar"),
]


def _dot(axes: Axes, row: int, line: Line, value, filled: bool) -> None:
    colour = COLOURS[0] if filled else INK
    face = colour if filled else "none"
    axes.plot([value.low, value.high], [row, row], color=colour, linewidth=4, alpha=0.35, solid_capstyle="round")
    axes.plot([value.mean], [row], marker="o", markersize=6.5, color=colour, markerfacecolor=face, linestyle="none")


def _dots_words(study: Study, metric: str) -> str:
    said = [
        f"{line.setting}, {line.guidance}: {metric_text(metric, line.metrics[metric].mean)}"
        for setting in study.settings
        for line in lines(study, setting)
        if metric in line.metrics
    ]
    return f"{metric_name(metric)} by setting. {'; '.join(said)}. {_floor_words(study, metric)}"


def _floor_words(study: Study, metric: str) -> str:
    return f"Floor: {metric_text(metric, study.floor[metric])}." if metric in study.floor else "Floor: not computed."


def _styles(labels: list[str]) -> dict[str, tuple[str, str]]:
    unique = list(dict.fromkeys(labels))
    return {label: (COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i, label in enumerate(unique)}


def _panel(metric: str, height: float = HEIGHT) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_subplot()
    axes.set_title(f"{metric_name(metric)}, {better(metric)}", loc="left", fontsize=9.5, color=INK)
    axes.patch.set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set(color=INK, alpha=0.4)
    axes.tick_params(colors=INK, labelsize=8.5, length=3)
    axes.xaxis.label.set(color=INK, fontsize=9)
    axes.grid(color=INK, alpha=0.1, linewidth=0.6)
    return figure, axes


def _floor(axes: Axes, floor: float | None, horizontal: bool) -> None:
    if floor is None:
        return
    (axes.axhline if horizontal else axes.axvline)(floor, color=INK, linestyle=(0, (4, 3)), linewidth=1.1, alpha=0.8)


def _value_axis(axis, metric: str, values: list[float], floor: float | None) -> None:
    everything = [value for value in [*values, floor] if value is not None and value > 0]
    log = metric.startswith("fd") and everything and max(everything) > LOG_FROM * min(everything)
    if log:
        (axis.axes.set_yscale if axis is axis.axes.yaxis else axis.axes.set_xscale)("log")
    else:
        axis.set_major_locator(MaxNLocator(6))
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{100 * value:g}%" if metric == "accuracy" else f"{value:g}")
    )
    axis.set_minor_formatter(NullFormatter())


def _uri(figure: Figure) -> str:
    """The figure as a reproducible SVG data URI: no date, fixed salt, text as text."""
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "sprint-bench", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = stream.getvalue().replace(INK, "currentColor").replace("'DejaVu Sans', ", "")
    svg = svg.replace("<defs>", f"{STYLE}<defs>", 1)
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
