"""A study's answer in sentences computed from its numbers, claiming no more than they show.

With several seeds two settings are told apart only where their ranges over seeds do not overlap, and what is held
against the dense one carries a paired interval; with one seed nothing is said about noise except that it is unknown.
"""

from sprint.diffusion.guidance import kind_name
from sprint.report.figures.plots import line_name, numeric_factor
from sprint.report.format import factor_name, factor_text, listed, metric_name, metric_text
from sprint.report.pairs import compared
from sprint.report.read import Study
from sprint.report.summary import Line, Spread, lines, ranking

DENSE = 0.0  # a drop ratio of zero marks the runs that drop nothing


def sentences(study: Study) -> list[str]:
    """The answer first, then what qualifies it, as plain text."""
    ranked = ranking(study)
    if not ranked:
        found = [f"No answer yet: none of {len(study.runs)} runs has been evaluated."]
    elif study.sweep:
        found = [_by_guidance(study, ranked), *_per_run(study)]
    else:
        found = [_best_and_worst(study, ranked), *_beside_dense(study, ranked), *_along_factor(study, ranked)]
    return [text for text in (*found, _within_spread(study, ranked), _seeds(study, ranked), _unfinished(study)) if text]


def _best_and_worst(study: Study, ranked: list[tuple[str, Line]]) -> str:
    (best, line), (worst, last) = ranked[0], ranked[-1]
    name = metric_name(study.primary)
    if len(ranked) == 1:
        return f"Only {best} was evaluated: {name} {_value(study, line)}{_of_floor(study, line)}, {line.guidance}."
    return (
        f"{best} has the lowest {name}, {_value(study, line)}{_of_floor(study, line)}; the highest, {worst}, "
        f"has {_value(study, last)}, {_times(study, last, line)} as much ({_versus(study, line, last)})."
    )


def _beside_dense(study: Study, ranked: list[tuple[str, Line]]) -> list[str]:
    """Each setting beside the one that drops nothing, if there is exactly one: quality and training cost."""
    first = {setting: study.settings[setting][0] for setting, _ in ranked}
    dense = [(setting, line) for setting, line in ranked if first[setting].factor("drop") == DENSE]
    if len(dense) != 1 or "method" not in study.factors:
        return []
    (name, base), found = dense[0], []
    for setting, line in ranked:
        if setting != name:
            cost = first[setting].cost.get("train_flops_vs_dense")
            spent = f" for {cost:.2f}× the training FLOP" if cost else ""
            times, surely = _paired(study, line, base)
            found.append(f"{setting}: {times} the {metric_name(study.primary)} of {name}{spent} ({surely}).")
    return found


def _paired(study: Study, line: Line, base: Line) -> tuple[str, str]:
    """How many times the base's distance, seed by seed, and how sure that is."""
    effect = None if study.conflicts else compared(study.primary, _spread(study, line), _spread(study, base))
    if effect is None:
        return _times(study, line, base), "not paired"
    if effect.low is None:
        return f"{effect.mean:.2f}×", "one seed: no interval"
    return f"{effect.mean:.2f}×", f"95% interval {effect.low:.2f}× to {effect.high:.2f}×"


def _along_factor(study: Study, ranked: list[tuple[str, Line]]) -> list[str]:
    """Along the numeric factor: the two ends of each line of the plot."""
    factor = numeric_factor(study)
    if factor is None:
        return []
    groups: dict[str, list] = {}
    for setting, line in ranked:
        run = study.settings[setting][0]
        if isinstance(run.factor(factor), int | float):
            groups.setdefault(line_name(study, run, factor), []).append((run.factor(factor), line))
    return [_ends(study, factor, label, points) for label, points in groups.items() if len(points) > 1]


def _ends(study: Study, factor: str, label: str, points: list) -> str:
    points.sort(key=lambda point: point[0])
    (low, first), (high, last) = points[0], points[-1]
    start = f"{_value(study, first)} at {factor_name(factor)} {factor_text(factor, low)}"
    end = f"{_value(study, last)} at {factor_text(factor, high)}"
    return f"{label}: {start}, {end}, {_times(study, last, first)} ({_versus(study, first, last)})."


def _by_guidance(study: Study, ranked: list[tuple[str, Line]]) -> str:
    setting, line = ranked[0]
    name = metric_name(study.primary)
    return f"The lowest {name}, {_value(study, line)}{_of_floor(study, line)}, is of {setting} with {line.guidance}."


def _per_run(study: Study) -> list[str]:
    """For each setting the best scale of each kind of guidance, and unguided."""
    found = []
    for setting in study.settings:
        best: dict[str, Line] = {}
        for line in sorted(_measured(study, setting), key=lambda line: -_mean(study, line)):
            best[line.family] = line
        ordered = sorted(best.values(), key=lambda line: _mean(study, line))
        plain = best.get(kind_name("none"))
        parts = [
            f"{_value(study, line)} {line.guidance if line is plain else f'with {line.guidance}'}"
            + (f" ({_times(study, line, plain)})" if plain and line is not plain else "")
            for line in ordered
        ]
        if parts:
            found.append(f"{setting}, each kind at its best scale: {listed(parts)}.")
    return found


def _within_spread(study: Study, ranked: list[tuple[str, Line]]) -> str:
    """Which settings the best cannot be told from, where seeds allow to say so."""
    if not ranked or not _several(study, ranked[0][1]):
        return ""
    best = _spread(study, ranked[0][1])
    close = [name for name, line in ranked[1:] if _several(study, line) and best.overlaps(_spread(study, line))]
    return f"Within the seed spread of the best: {listed(close)}." if close else ""


def _seeds(study: Study, ranked: list[tuple[str, Line]]) -> str:
    counts = sorted({_spread(study, line).seeds for _, line in ranked})
    if not counts:
        return ""
    if counts == [1]:
        return "One seed per setting: how much seeds differ is unknown."
    if counts[0] == 1:
        return "Some settings have one seed only: how much theirs differ is unknown."
    return f"n = {'–'.join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))} seeds per setting."


def _unfinished(study: Study) -> str:
    parts = [f"{setting} (seed {run.seed}) {run.state}" for setting, run in study.unfinished]
    parts += [f"{one['label']} impossible" for one in study.impossible]
    return f"Without a number: {listed(parts)}." if parts else ""


def _versus(study: Study, line: Line, other: Line) -> str:
    if not (_several(study, line) and _several(study, other)):
        return "seed spread unknown"
    if _spread(study, line).overlaps(_spread(study, other)):
        return "within the seed spread"
    return "ranges over seeds do not overlap"


def _measured(study: Study, setting: str) -> list[Line]:
    return [line for line in lines(study, setting) if study.primary in line.metrics]


def _several(study: Study, line: Line) -> bool:
    return _spread(study, line).seeds > 1


def _spread(study: Study, line: Line) -> Spread:
    return line.metrics[study.primary]


def _mean(study: Study, line: Line) -> float:
    return _spread(study, line).mean


def _value(study: Study, line: Line) -> str:
    return metric_text(study.primary, _mean(study, line))


def _times(study: Study, line: Line, base: Line) -> str:
    return f"{_mean(study, line) / _mean(study, base):.2f}×" if _mean(study, base) else "an undefined multiple"


def _of_floor(study: Study, line: Line) -> str:
    floor = study.floor.get(study.primary)
    return f" ({_mean(study, line) / floor:.1f}× the floor)" if floor else ""
