"""Draws one panel, with its values in words as alternative text and under the pointer. Panels wrap on a phone.

The floor is drawn in every one of quality.
"""

import textwrap
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from sprint.metrics import metric_of
from sprint.report.blocks import Panel
from sprint.report.figures.styles import INK, Style
from sprint.report.figures.svg import Drawing
from sprint.report.format import (
    better,
    bounded,
    factor_name,
    logarithmic,
    metric_name,
    metric_text,
    percent,
    significant,
)
from sprint.report.summary import Spread

APART = 0.22  # between the marks of one row, as a share of its height
LOG_FROM = 8  # a Fréchet distance that spans more than this factor is drawn on a log axis
WIDTH, HEIGHT = 7.6, 3.7  # inches
MARGIN, LETTER, ROW = 0.15, 0.074, 0.46  # inches: blank at the left, width of a letter, height of a row
DASHED = (0, (4, 3))
FLOOR = "floor"  # the series of the floor's line


@dataclass(frozen=True)
class Series:
    """Points joined by a line; `ranges` are their intervals, None where there is none; `targets` where each leads."""

    label: str
    x: list[float]
    y: list[float]
    ranges: list[tuple[float, float] | None]
    method: object = None
    targets: tuple[str, ...] = ()

    def target(self, place: int) -> str:
        return self.targets[place] if self.targets else ""


@dataclass(frozen=True)
class Row:
    """A named row of marks: (guidance, spread over seeds), of one method."""

    label: str
    marks: list[tuple[str, Spread]]
    method: object = None
    target: str = ""


def draw_lines(
    metric: str, series: list[Series], x: str, styles: dict[str, Style], floor: float | None, guidance: str = ""
) -> Panel:
    """`metric` of several series against `x`, all under one guidance where it is named."""
    figure, axes = empty_panel(_title(metric, guidance), HEIGHT)
    drawing = Drawing(figure)
    for one in series:
        if one.x:
            _line(drawing, axes, one, styles[one.label])
            for place in range(len(one.x)):
                _point(
                    drawing, axes, one, place, styles[one.label], f"{_said(metric, one, place, x)}{_under(guidance)}"
                )
    value_axis(axes.yaxis, metric, [value for one in series for value in one.y], floor)
    draw_floor(drawing, axes.axhline, metric, floor)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    if x == factor_name("drop"):
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value)))
    axes.set_xlabel(x, parse_math=False)
    figure.subplots_adjust(left=0.085, right=0.98, bottom=0.15, top=0.89)
    said = "; ".join(f"{one.label}: {_points_in_words(metric, one)}" for one in series if one.x)
    what = f"{metric_name(metric)}{guidance and f', {guidance},'} against {x}"
    return drawing.panel(f"{what}. {said}. {floor_in_words(metric, floor)}")


def draw_rows(
    metric: str, rows: list[Row], styles: dict[object, Style], fills: dict[str, float], floor: float | None
) -> Panel:
    """`metric` by row, a mark for each guidance, the fuller the stronger, a pale bar for its interval."""
    figure, axes = panel_of_rows(_title(metric), [row.label for row in rows], right=0.98)
    drawing = Drawing(figure)
    for place, row in enumerate(rows):
        for number, (guidance, spread) in enumerate(row.marks):
            at = place + APART * (number - (len(row.marks) - 1) / 2)
            _mark(drawing, axes, at, spread, styles[row.label], fills[guidance], (metric, row, guidance))
    value_axis(axes.xaxis, metric, [spread.mean for row in rows for _, spread in row.marks], floor)
    draw_floor(drawing, axes.axvline, metric, floor)
    said = "; ".join(
        f"{row.label}, {guidance}: {metric_text(metric, spread.mean)}" for row in rows for guidance, spread in row.marks
    )
    return drawing.panel(f"{metric_name(metric)} by setting. {said}. {floor_in_words(metric, floor)}")


def draw_floor(drawing: Drawing, line, metric: str, floor: float | None) -> None:
    """The dashed line of real against real images; `line` is axhline or axvline."""
    if floor is not None:
        drawn = line(floor, color=INK, linestyle=DASHED, linewidth=1.1, alpha=0.7)
        drawing.note(drawn, FLOOR, f"Floor, real images against real ones: {metric_text(metric, floor)}")


def _line(drawing: Drawing, axes: Axes, one: Series, style: Style) -> None:
    (line,) = axes.plot(one.x, one.y, color=style.ink, linestyle=style.dashes, linewidth=1.7)
    drawing.note(line, one.label)
    known = [(x, *ends) for x, ends in zip(one.x, one.ranges, strict=True) if ends is not None]
    if len(known) == 1:
        at, low, high = known[0]
        (bar,) = axes.plot([at, at], [low, high], color=style.ink, linewidth=4, alpha=0.3, solid_capstyle="round")
        drawing.note(bar, one.label)
    elif known:
        drawing.note(axes.fill_between(*zip(*known, strict=True), color=style.ink, alpha=0.13, linewidth=0), one.label)


def _point(drawing: Drawing, axes: Axes, one: Series, place: int, style: Style, says: str) -> None:
    look = {"marker": style.mark, "markersize": 6.5, "color": style.ink, "linestyle": "none", "clip_on": False}
    (mark,) = axes.plot([one.x[place]], [one.y[place]], **look)
    drawing.note(mark, one.label, says, one.target(place))


def _mark(drawing: Drawing, axes: Axes, at: float, spread: Spread, style: Style, fill: float, about: tuple) -> None:
    metric, row, guidance = about
    if spread.interval:
        ends = bounded(metric, *spread.interval)
        (bar,) = axes.plot(ends, [at, at], color=style.ink, linewidth=4.5, alpha=0.28, solid_capstyle="round")
        drawing.note(bar, guidance)
    look = {"marker": style.mark, "markersize": 7.5, "markeredgewidth": 1.4, "linestyle": "none", "clip_on": False}
    (mark,) = axes.plot([spread.mean], [at], color=style.ink, markerfacecolor=(*_rgb(style.ink), fill), **look)
    says = f"{row.label}, {guidance}: {metric_name(metric)} {value_in_words(metric, spread)}"
    drawing.note(mark, guidance, says, row.target)


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))


def value_in_words(metric: str, spread: Spread) -> str:
    """`1.23, 95% interval 1.10–1.40, 2 seeds`."""
    ends = [metric_text(metric, end) for end in (bounded(metric, *spread.interval) if spread.interval else ())]
    known = f", 95% interval {'–'.join(ends)}" if ends else ""
    return f"{metric_text(metric, spread.mean)}{known}, {spread.seeds} seed{'s' * (spread.seeds > 1)}"


def _said(metric: str, one: Series, place: int, x: str) -> str:
    ends = one.ranges[place]
    known = f", 95% interval {'–'.join(metric_text(metric, end) for end in bounded(metric, *ends))}" if ends else ""
    value = metric_text(metric, one.y[place])
    return f"{one.label}: {metric_name(metric)} {value}{known} at {x} {significant(one.x[place])}"


def _under(guidance: str) -> str:
    return f", {guidance}" if guidance else ""


def _points_in_words(metric: str, series: Series) -> str:
    return ", ".join(f"{metric_text(metric, y)} at {significant(x)}" for x, y in zip(series.x, series.y, strict=True))


def floor_in_words(metric: str, floor: float | None) -> str:
    return "Floor: not computed." if floor is None else f"Floor: {metric_text(metric, floor)}."


def _title(metric: str, guidance: str = "") -> str:
    return ", ".join(part for part in (metric_name(metric), guidance, better(metric)) if part)


def empty_panel(title: str, height: float) -> tuple[Figure, Axes]:
    """Axes in the report's style, `height` inches high."""
    figure = Figure(figsize=(WIDTH, height))
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    figure.text(0.015, 1 - 0.2 / height, title, fontsize=10, color=INK, parse_math=False)
    axes.patch.set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set(color=INK, alpha=0.4)
    axes.tick_params(which="both", color=INK, labelcolor=INK, labelsize=9.5, length=3)
    axes.xaxis.label.set(color=INK, fontsize=10)
    axes.yaxis.label.set(color=INK, fontsize=10)
    axes.grid(color=INK, alpha=0.09, linewidth=0.7)
    return figure, axes


def panel_of_rows(title: str, labels: list[str], right: float) -> tuple[Figure, Axes]:
    """The same with a row for each label, the first at the top; `right` is where the axes end, as a share."""
    height = 0.8 + ROW * len(labels)
    figure, axes = empty_panel(title, height)
    names = ["\n".join(textwrap.wrap(label, 28, max_lines=2, placeholder="…")) for label in labels]
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_yticks(range(len(labels)), names, parse_math=False)
    axes.tick_params(axis="y", length=0)
    left = (MARGIN + LETTER * max(len(part) for name in names for part in name.split("\n"))) / WIDTH
    figure.subplots_adjust(left=left, right=right, bottom=0.36 / height, top=1 - 0.38 / height)
    return figure, axes


def value_axis(axis: Axis, metric: str, values: list[float], floor: float | None) -> None:
    """Plain numbers on a linear axis, or on a logarithmic one where Fréchet distances span much."""
    shown = [value for value in [*values, floor] if value is not None]
    if logarithmic(metric) and shown and 0 < LOG_FROM * min(shown) < max(shown):
        axis.axes.set(**{f"{axis.axis_name}scale": "log"})
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_major_locator(MaxNLocator(5))
    found = metric_of(metric)
    if found.range[1] is not None:  # what an interval has beyond the end is cut off
        low, high = axis.get_view_interval()
        axis.axes.set(**{f"{axis.axis_name}lim": (low, min(high, 1.01 * found.range[1]))})
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: percent(value) if found.form == "percent" else f"{value:g}")
    )
