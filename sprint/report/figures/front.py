"""Quality against training cost: every setting of a study at its own best guidance, with its interval."""

import math

from sprint.report.blocks import Block, Figure, Key
from sprint.report.figures.charts import (
    FLOOR,
    HEIGHT,
    draw_floor,
    empty_panel,
    floor_in_words,
    value_axis,
    value_in_words,
)
from sprint.report.figures.styles import INK, INK_MARK, Style, method_style
from sprint.report.figures.svg import Drawing
from sprint.report.format import better, bounded, metric_name, prefix
from sprint.report.learned import nothing_learned
from sprint.report.read import TERA, Study
from sprint.report.summary import AT_BEST, Line, best_against_best, target_of

CAPTION = (
    f"Down and to the left is better. {AT_BEST}; "
    "bars: 95% interval over seeds and images. Point at a mark for its numbers, click it for its run."
)


PLACES = ((True, 0), (False, 0), (True, 13), (True, -13), (False, 13), (False, -13), (True, 26), (True, -26))
LETTERS, POINTS = 7.2, 0.72  # dots: width of a letter; points in a dot, at matplotlib's 100 dots per inch


def front_figure(study: Study) -> list[Block]:
    """The figure; none where costs are not known, or nothing may be compared."""
    points = _points(study)
    if len(points) < 2:
        return []
    scale, letter = prefix(x * TERA for _, x, _ in points)
    metric = study.primary
    figure, axes = empty_panel(f"{metric_name(metric)}, {better(metric)}", 0.95 * HEIGHT)
    drawing = Drawing(figure)
    for line, tflop, style in points:
        _mark(drawing, axes, study, line, tflop * TERA / scale, style)
    value_axis(axes.yaxis, metric, _values(points, metric), study.floor.get(metric))
    draw_floor(drawing, axes.axhline, metric, study.floor.get(metric))
    axes.set_xlim(left=0, right=1.06 * max(tflop for _, tflop, _ in points) * TERA / scale)
    axes.set_xlabel(f"training cost / {letter}FLOP, forward and backward, fine-tuning charged, modelled")
    figure.subplots_adjust(left=0.07, right=0.98, bottom=0.15, top=0.89)
    _name(drawing, axes, [(line, tflop * TERA / scale) for line, tflop, _ in points], metric)
    said = "; ".join(
        f"{line.setting}, {line.guidance}: {value_in_words(metric, line.metrics[metric])}" for line, _, _ in points
    )
    alt = f"{metric_name(metric)} against training cost. {said}. {floor_in_words(metric, study.floor.get(metric))}"
    keys = tuple(Key(line.setting, style.css, style.mark) for line, _, style in points)
    return [Figure((drawing.panel(alt),), (*keys, Key(FLOOR, INK_MARK, "floor")), CAPTION.format(metric_name(metric)))]


def _points(study: Study) -> list[tuple[Line, float, Style]]:
    if study.conflicts or study.final.empty or nothing_learned(study):
        return []
    found = []
    for setting, line in best_against_best(study):
        tflop = study.final.loc[study.final["setting"] == setting, "tflop"].mean()
        if not math.isnan(tflop):
            found.append((line, float(tflop), method_style(study.settings[setting][0].factor("method"))))
    return found


def _mark(drawing: Drawing, axes, study: Study, line: Line, x: float, style: Style) -> None:
    metric, spread = study.primary, line.metrics[study.primary]
    if spread.interval:
        ends = bounded(metric, *spread.interval)
        (bar,) = axes.plot([x, x], ends, color=style.ink, linewidth=5, alpha=0.28, solid_capstyle="round")
        drawing.note(bar, line.setting)
    look = {"marker": style.mark, "markersize": 9, "linestyle": "none", "clip_on": False}
    (mark,) = axes.plot([x], [spread.mean], color=style.ink, **look)
    says = f"{line.setting}, {line.guidance}: {metric_name(metric)} {value_in_words(metric, spread)}"
    drawing.note(mark, line.setting, says, target_of(study, line.setting))


def _values(points: list, metric: str) -> list[float]:
    """Means and, of those that have one, the ends of their intervals."""
    spreads = [line.metrics[metric] for line, _, _ in points]
    ends = [end for spread in spreads if spread.interval for end in bounded(metric, *spread.interval)]
    return [*(spread.mean for spread in spreads), *ends]


def _name(drawing: Drawing, axes, points: list[tuple[Line, float]], metric: str) -> None:
    """The name of each mark beside it, at the first of PLACES where it covers nothing, or else nowhere."""
    places = {line.setting: axes.transData.transform((x, line.metrics[metric].mean)) for line, x in points}
    taken = [(x - 8, y - 8, x + 8, y + 8) for x, y in places.values()]
    for line, at in points:
        x, y = places[line.setting]
        for right, up in PLACES:
            width = LETTERS * len(line.setting)
            left = x + 11 if right else x - 11 - width
            box = (left, y + up - 5, left + width, y + up + 9)
            if box[2] < axes.bbox.x1 and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                look = {"fontsize": 9, "color": INK, "va": "center", "ha": "left" if right else "right"}
                offset = ((11 if right else -11) * POINTS, up * POINTS)
                text = axes.annotate(
                    line.setting, (at, line.metrics[metric].mean), offset, textcoords="offset points", **look
                )
                text.set_parse_math(False)
                drawing.note(text, line.setting)
                break


def _overlap(one: tuple, other: tuple) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
