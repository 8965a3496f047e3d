"""Draws one panel as a small SVG data URI, with its values in words as alternative text. Panels wrap on a phone.

Each SVG carries its own style, so that its ink follows light and dark. The floor is drawn in every one. No dates, fixed
salt: the same numbers give the same bytes.
"""

import base64
import io
import textwrap
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from sprint.diffusion.guidance import is_unguided
from sprint.metrics import metric_of
from sprint.report.blocks import Panel
from sprint.report.format import (
    better,
    factor_name,
    logarithmic,
    metric_name,
    metric_text,
    percent,
    significant,
)
from sprint.report.summary import Spread

INK = "#010203"  # stands for the page's text colour and is replaced in the SVG
COLOURS = ["#4080d0", "#dd7f2c", "#36996b", "#c4518c", "#8a6fd1", "#a8871d", "#2f9fb0", "#cf4f49", "#7a828b", "#6b8e23"]
MARKERS = ["o", "s", "^", "D", "v"]
APART = 0.24  # between the marks of one row, as a share of its height
STYLE = (
    "<style>svg{color:#30343a;font-family:system-ui,sans-serif}"
    "@media (prefers-color-scheme:dark){svg{color:#c9ced6}}</style>"
)
LOG_FROM = 8  # a Fréchet distance that spans more than this factor is drawn on a log axis
WIDTH, HEIGHT = 4.6, 3.3  # inches
MARGIN, LETTER, ROW = 0.15, 0.076, 0.4  # inches: blank at the left, width of a letter, height of a row


@dataclass(frozen=True)
class Series:
    """Points joined by a line; `ranges` are their intervals, None where there is none."""

    label: str
    x: list[float]
    y: list[float]
    ranges: list[tuple[float, float] | None]


@dataclass(frozen=True)
class Row:
    """A named row of marks: (guidance, spread over seeds)."""

    label: str
    marks: list[tuple[str, Spread]]


def styles_of(labels: list[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each label, in order of appearance."""
    unique = list(dict.fromkeys(labels))
    return {label: (COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i, label in enumerate(unique)}


def marks_of(guidances: list[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each guidance in a row: ink and hollow for the unguided, a colour for each other."""
    plain = {name: ("currentColor", "hollow") for name in guidances if is_unguided(name)}
    return plain | styles_of([name for name in guidances if name not in plain])


def draw_lines(
    metric: str, series: list[Series], x: str, styles: dict, floor: float | None, guidance: str = ""
) -> Panel:
    """`metric` of several series against `x`, all under one guidance where it is named."""
    figure, axes = empty_panel(_title(metric, guidance), HEIGHT)
    for one in series:
        if one.x:
            colour, marker = styles[one.label]
            axes.plot(one.x, one.y, color=colour, marker=marker, markersize=5.5, linewidth=1.6)
            _band(axes, one, colour)
    _value_axis(axes.yaxis, metric, [value for one in series for value in one.y], floor)
    if floor is not None:
        axes.axhline(floor, color=INK, linestyle=(0, (4, 3)), linewidth=1.1, alpha=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    if x == factor_name("drop"):
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value)))
    axes.set_xlabel(x, parse_math=False)
    figure.subplots_adjust(left=0.14, right=0.97, bottom=0.165, top=0.9)
    said = "; ".join(f"{one.label}: {_points_in_words(metric, one)}" for one in series if one.x)
    what = f"{metric_name(metric)}{guidance and f', {guidance},'} against {x}"
    return Panel(as_uri(figure), f"{what}. {said}. {_floor_in_words(metric, floor)}")


def draw_rows(metric: str, rows: list[Row], styles: dict, floor: float | None) -> Panel:
    """`metric` by row, a mark for each guidance in the style of `marks_of`, a pale bar for its interval."""
    figure, axes = panel_of_rows(_title(metric), [row.label for row in rows], right=0.97)
    for place, row in enumerate(rows):
        for number, (guidance, spread) in enumerate(row.marks):
            _mark(axes, place + APART * (number - (len(row.marks) - 1) / 2), spread, *styles[guidance])
    _value_axis(axes.xaxis, metric, [spread.mean for row in rows for _, spread in row.marks], floor)
    if floor is not None:
        axes.axvline(floor, color=INK, linestyle=(0, (4, 3)), linewidth=1.1, alpha=0.8)
    said = "; ".join(
        f"{row.label}, {guidance}: {metric_text(metric, spread.mean)}" for row in rows for guidance, spread in row.marks
    )
    return Panel(as_uri(figure), f"{metric_name(metric)} by setting. {said}. {_floor_in_words(metric, floor)}")


def _band(axes: Axes, one: Series, colour: str) -> None:
    """The intervals of a line's points, joined to a band; a bar where only one point has any."""
    known = [(x, *ends) for x, ends in zip(one.x, one.ranges, strict=True) if ends is not None]
    if len(known) == 1:
        at, low, high = known[0]
        axes.plot([at, at], [low, high], color=colour, linewidth=4, alpha=0.35, solid_capstyle="round")
    elif known:
        axes.fill_between(*zip(*known, strict=True), color=colour, alpha=0.16, linewidth=0)


def _mark(axes: Axes, place: float, spread: Spread, colour: str, marker: str) -> None:
    face, shape = ("none", "o") if marker == "hollow" else (colour, marker)
    colour, face = (INK if one == "currentColor" else one for one in (colour, face))
    if spread.interval:
        axes.plot(spread.interval, [place, place], color=colour, linewidth=4, alpha=0.35, solid_capstyle="round")
    axes.plot(
        [spread.mean], [place], marker=shape, markersize=6.5, color=colour, markerfacecolor=face, linestyle="none"
    )


def _points_in_words(metric: str, series: Series) -> str:
    return ", ".join(f"{metric_text(metric, y)} at {significant(x)}" for x, y in zip(series.x, series.y, strict=True))


def _floor_in_words(metric: str, floor: float | None) -> str:
    return "Floor: not computed." if floor is None else f"Floor: {metric_text(metric, floor)}."


def _title(metric: str, guidance: str = "") -> str:
    return ", ".join(part for part in (metric_name(metric), guidance, better(metric)) if part)


def empty_panel(title: str, height: float) -> tuple[Figure, Axes]:
    """Axes in the report's style, `height` inches high."""
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_subplot()
    figure.text(0.02, 1 - 0.22 / height, title, fontsize=10, color=INK, parse_math=False)
    axes.patch.set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set(color=INK, alpha=0.4)
    axes.tick_params(which="both", color=INK, labelcolor=INK, labelsize=9, length=3)
    axes.xaxis.label.set(color=INK, fontsize=9.5)
    axes.grid(color=INK, alpha=0.1, linewidth=0.6)
    return figure, axes


def panel_of_rows(title: str, labels: list[str], right: float) -> tuple[Figure, Axes]:
    """The same with a row for each label, the first at the top; `right` is where the axes end, as a share."""
    height = 0.8 + ROW * len(labels)
    figure, axes = empty_panel(title, height)
    names = ["\n".join(textwrap.wrap(label, 24, max_lines=2, placeholder="…")) for label in labels]
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_yticks(range(len(labels)), names, parse_math=False)
    axes.tick_params(axis="y", length=0)
    left = (MARGIN + LETTER * max(len(part) for name in names for part in name.split("\n"))) / WIDTH
    figure.subplots_adjust(left=left, right=right, bottom=0.36 / height, top=1 - 0.36 / height)
    return figure, axes


def _value_axis(axis: Axis, metric: str, values: list[float], floor: float | None) -> None:
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


def as_uri(figure: Figure) -> str:
    """The figure as SVG in a data URI."""
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "sprint-bench", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = stream.getvalue().replace(INK, "currentColor").replace("'DejaVu Sans', ", "")
    svg = svg.replace("<defs>", f"{STYLE}<defs>", 1)
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
