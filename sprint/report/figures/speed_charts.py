"""Panels about speed: measured against modelled, along the number of tokens, and where the time of a step goes."""

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from sprint.report.blocks import Panel
from sprint.report.figures.charts import COLOURS, HEIGHT, INK, Series, as_uri, empty_panel, panel_of_rows
from sprint.report.format import percent, significant

DASHED = "Dashed: what the FLOPs alone would give."


def draw_speedups(series: list[Series], styles: dict, base: str) -> Panel:
    """Speed-up over the base, measured (y) against modelled (x); on the dashed line they are equal."""
    figure, axes = empty_panel(f"training speed-up over {base}, measured", HEIGHT)
    most = max(x for one in series for x in one.x)
    axes.plot([1, most], [1, most], color=INK, linestyle=(0, (4, 3)), linewidth=1.1, alpha=0.8)
    for one in series:
        colour, marker = styles[one.label]
        axes.plot(one.x, one.y, color=colour, marker=marker, markersize=5.5, linewidth=1.2)
        for x, ends in zip(one.x, one.ranges, strict=True):
            axes.plot([x, x], ends, color=colour, linewidth=4, alpha=0.35, solid_capstyle="round")
    axes.set_xlabel(f"modelled: FLOP of {base} over FLOP")
    figure.subplots_adjust(left=0.12, right=0.97, bottom=0.165, top=0.9)
    said = "; ".join(f"{one.label}: {_measured_in_words(one)}" for one in series)
    return Panel(as_uri(figure), f"Training speed-up over {base}, measured against modelled. {said}.")


def draw_scaling(title: str, series: list[Series], styles: dict, dashed: list[Series]) -> Panel:
    """Against the number of tokens, both axes logarithmic; what is modelled is dashed."""
    figure, axes = empty_panel(title, HEIGHT)
    for one in series:
        colour, marker = styles[one.label]
        axes.plot(one.x, one.y, color=colour, marker=marker, markersize=5, linewidth=1.4)
    for one in dashed:
        axes.plot(one.x, one.y, color=styles[one.label][0], linestyle=(0, (4, 3)), linewidth=1.0, alpha=0.8)
    _logarithmic(axes, sorted({x for one in series for x in one.x}))
    axes.set_xlabel("tokens of an image")
    figure.subplots_adjust(left=0.14, right=0.97, bottom=0.165, top=0.9)
    said = "; ".join(f"{one.label}: {_points_in_words(one)}" for one in series)
    return Panel(as_uri(figure), f"{title} against tokens. {said}.")


def draw_parts(title: str, rows: list[tuple[str, dict[str, float]]], colours: dict[str, str]) -> Panel:
    """Shares of a training step by part, one bar per method."""
    figure, axes = panel_of_rows(title, [label for label, _ in rows], right=0.95)
    for place, (_, parts) in enumerate(rows):
        begun, whole = 0.0, sum(parts.values())
        for name, seconds in parts.items():
            axes.barh(place, seconds / whole, left=begun, height=0.62, color=colours[name], linewidth=0)
            begun += seconds / whole
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value)))
    said = "; ".join(f"{label}: {_parts_in_words(parts)}" for label, parts in rows)
    return Panel(as_uri(figure), f"{title}. {said}.")


def colours_of(names: list[str]) -> dict[str, str]:
    """A colour for each part, in order of appearance."""
    return {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(dict.fromkeys(names))}


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
