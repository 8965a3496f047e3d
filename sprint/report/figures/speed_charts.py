"""Panels about speed: measured against modelled, along the number of tokens, and where the time of a step goes."""

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from sprint.report.blocks import Panel
from sprint.report.figures.charts import DASHED as DASHES
from sprint.report.figures.charts import HEIGHT, Series, empty_panel, panel_of_rows
from sprint.report.figures.styles import INK, Style
from sprint.report.figures.styles import in_order as style_in_order
from sprint.report.figures.svg import Drawing
from sprint.report.format import percent, significant

DASHED = "Dashed: what the FLOPs alone would give."


def draw_speedups(series: list[Series], styles: dict[str, Style], base: str) -> Panel:
    """Speed-up over the base, measured (y) against modelled (x); on the dashed line they are equal."""
    figure, axes = empty_panel(f"training speed-up over {base}, measured", HEIGHT)
    drawing = Drawing(figure)
    most = max(x for one in series for x in one.x)
    axes.plot([1, most], [1, most], color=INK, linestyle=DASHES, linewidth=1.1, alpha=0.8)
    for one in series:
        style = styles[one.label]
        drawing.note(axes.plot(one.x, one.y, color=style.ink, linewidth=1.2)[0], one.label)
        for place, (x, ends) in enumerate(zip(one.x, one.ranges, strict=True)):
            bar = axes.plot([x, x], ends, color=style.ink, linewidth=4, alpha=0.3, solid_capstyle="round")
            drawing.note(bar[0], one.label)
            mark = axes.plot([x], [one.y[place]], color=style.ink, marker=style.mark, markersize=7, linestyle="none")
            says = f"{one.label}: {significant(one.y[place])}× measured, {significant(x)}× modelled"
            drawing.note(mark[0], one.label, says, one.target(place))
    axes.set_xlabel(f"modelled: FLOP of {base} over FLOP")
    figure.subplots_adjust(left=0.085, right=0.98, bottom=0.15, top=0.89)
    said = "; ".join(f"{one.label}: {_measured_in_words(one)}" for one in series)
    return drawing.panel(f"Training speed-up over {base}, measured against modelled. {said}.")


def draw_scaling(title: str, series: list[Series], styles: dict[str, Style], dashed: list[Series]) -> Panel:
    """Against the number of tokens, both axes logarithmic; what is modelled is dashed."""
    figure, axes = empty_panel(title, HEIGHT)
    drawing = Drawing(figure)
    for one in series:
        style = styles[one.label]
        drawing.note(axes.plot(one.x, one.y, color=style.ink, linewidth=1.5)[0], one.label)
        for x, y in zip(one.x, one.y, strict=True):
            mark = axes.plot([x], [y], color=style.ink, marker=style.mark, markersize=6.5, linestyle="none")
            drawing.note(mark[0], one.label, f"{one.label}: {significant(y)} at {x:g} tokens, {title}")
    for one in dashed:
        line = axes.plot(one.x, one.y, color=styles[one.label].ink, linestyle=DASHES, linewidth=1.0, alpha=0.8)
        drawing.note(line[0], one.label)
    _logarithmic(axes, sorted({x for one in series for x in one.x}))
    axes.set_xlabel("tokens of an image")
    figure.subplots_adjust(left=0.085, right=0.98, bottom=0.15, top=0.89)
    said = "; ".join(f"{one.label}: {_points_in_words(one)}" for one in series)
    return drawing.panel(f"{title} against tokens. {said}.")


def draw_parts(title: str, rows: list[tuple[str, dict[str, float]]], shades: dict[str, Style]) -> Panel:
    """Shares of a training step by part, one bar per method."""
    figure, axes = panel_of_rows(title, [label for label, _ in rows], right=0.96)
    drawing = Drawing(figure)
    for place, (label, parts) in enumerate(rows):
        begun, whole = 0.0, sum(parts.values())
        for name, seconds in parts.items():
            share = seconds / whole
            (bar,) = axes.barh(place, share, left=begun, height=0.56, color=shades[name].ink, linewidth=0)
            drawing.note(bar, name, f"{label}: {name} {100 * share:.1f}%")
            begun += share
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value)))
    said = "; ".join(f"{label}: {_parts_in_words(parts)}" for label, parts in rows)
    return drawing.panel(f"{title}. {said}.")


def shades_of(names: list[str]) -> dict[str, Style]:
    """A colour for each part, in order of appearance."""
    return {name: style_in_order(place) for place, name in enumerate(dict.fromkeys(names))}


def _logarithmic(axes: Axes, tokens: list[float]) -> None:
    axes.set(xscale="log", yscale="log")
    axes.set_xticks(tokens, [f"{count:g}" for count in tokens])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _measured_in_words(one: Series) -> str:
    return ", ".join(f"{significant(y)} where {significant(x)} is modelled" for x, y in zip(one.x, one.y, strict=True))


def _points_in_words(one: Series) -> str:
    return ", ".join(f"{significant(y)} at {x:g}" for x, y in zip(one.x, one.y, strict=True))


def _parts_in_words(parts: dict[str, float]) -> str:
    whole = sum(parts.values())
    return ", ".join(f"{name} {100 * seconds / whole:.1f}%" for name, seconds in parts.items())
