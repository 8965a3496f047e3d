"""A study's answer in sentences computed from its numbers, claiming no more than they show.

Every comparison has one guidance on both sides, which the sentence names; where each side has its own best, it says
so. Figures are those of the tables: shares of training FLOP from `share_text`, ratios with intervals from `times_text`.
With several seeds two settings are told apart only where their ranges over seeds do not overlap; with one seed nothing
is said about noise except that it is unknown.
"""

import re

from sprint.diffusion.guidance import is_unguided
from sprint.report.blocks import Block, Prose
from sprint.report.figures.plots import line_name, numeric_factor
from sprint.report.format import factor_name, factor_text, listed, metric_name, metric_text, of_floor
from sprint.report.learned import nothing_learned, warning
from sprint.report.pairs import times_text
from sprint.report.read import Study
from sprint.report.summary import (
    Line,
    Spread,
    best_against_best,
    drops_nothing,
    guidances,
    line_under,
    lines,
    ranking,
)
from sprint.report.tables import UNKNOWN, share_text
from sprint.report.views import Report, StudyView

Ranked = list[tuple[str, Line]]


class Answer(StudyView):
    title = "Question and answer"
    order = 10

    def applies(self, study: Study, report: Report) -> bool:
        return True

    def blocks(self, study: Study, report: Report) -> list[Block]:
        first, *more = sentences(study)
        return [Prose(study.question, style="question"), Prose(first, tuple(more), style="answer")]


def sentences(study: Study) -> list[str]:
    """The answer first, then what qualifies it, as plain text."""
    best = best_against_best(study)
    if not best:
        found = [f"No answer yet: none of {len(study.runs)} runs has been evaluated."]
    elif nothing_learned(study):
        found = [warning(study)]
    else:
        found = [*_answer(study, best), warning(study)]
    return [text for text in (*found, _seeds(study, best), _unfinished(study)) if text]


def _answer(study: Study, best: Ranked) -> list[str]:
    if study.sweep:
        return [_lowest_of_all(study, best), *_per_run(study)]
    rankings = {guidance: ranking(study, guidance) for guidance in guidances(study)}
    leads = [_best_and_worst(study, kind, ranked) for kind, ranked in rankings.items() if ranked]
    compared = _along_factor(study) or _beside_base(study)
    return [*leads, _each_at_its_best(study, best), *compared, _within_spread(study, rankings)]


def _best_and_worst(study: Study, guidance: str, ranked: Ranked) -> str:
    (best, line), (worst, last) = ranked[0], ranked[-1]
    name, under = metric_name(study.primary), _under(guidance, start=True)
    lowest = f"{_value(study, line)}{_of_floor(study, line)}"
    if len(ranked) == 1:
        return f"{under}: only {best} was evaluated, {name} {lowest}."
    return (
        f"{under}: {best} has the lowest {name}, {lowest}; the highest, {worst}, has {_value(study, last)}, "
        f"{_as_much(study, last, line)} ({_versus(study, line, last)})."
    )


def _each_at_its_best(study: Study, best: Ranked) -> str:
    """Best against best, where there is more than one guidance to choose from."""
    if len(guidances(study)) < 2 or len(best) < 2:
        return ""
    (first, line), (worst, last) = best[0], best[-1]
    others = " in its other seeds" if _several(study, line) else ""
    return (
        f"Best against best, each setting with the guidance at which its own {metric_name(study.primary)} is lowest"
        f"{others}: "
        f"{first} ({line.guidance}) has {_value(study, line)}; the highest, {worst} ({last.guidance}), has "
        f"{_value(study, last)}, {_as_much(study, last, line)} ({_versus(study, line, last)})."
    )


def _beside_base(study: Study) -> list[str]:
    """Each setting beside the one that drops nothing, if there is exactly one: quality and training cost."""
    dense = [setting for setting, runs in study.settings.items() if drops_nothing(runs[0]) and lines(study, setting)]
    if len(dense) != 1 or "method" not in study.factors:
        return []
    found = []
    for setting in study.settings:
        parts = [] if setting == dense[0] else _held_against(study, setting, dense[0])
        if parts:
            share = share_text(study, study.settings[setting])
            spent = "" if share == UNKNOWN else f", for {share} the training FLOP"
            found.append(f"{setting} beside {dense[0]}, in {metric_name(study.primary)}: {listed(parts)}{spent}.")
    return found


def _held_against(study: Study, setting: str, base: str) -> list[str]:
    """How many times the base's distance, with its interval beside it, once for each guidance that both have."""
    parts = []
    for guidance in guidances(study):
        mine, theirs = line_under(study, setting, guidance), line_under(study, base, guidance)
        if mine and theirs and study.primary in mine.metrics and study.primary in theirs.metrics:
            if study.conflicts:
                return []
            times, surely = times_text(study, study.primary, mine, theirs)
            parts.append(f"{times} ({surely}) {_under(guidance)}")
    return parts


def _along_factor(study: Study) -> list[str]:
    """Along the numeric factor: the two ends of each line of the plot, under every guidance."""
    factor = numeric_factor(study)
    if factor is None:
        return []
    groups: dict[str, list] = {}
    for setting, runs in study.settings.items():
        if isinstance(runs[0].factor(factor), int | float):
            groups.setdefault(line_name(study, runs[0], factor), []).append((runs[0].factor(factor), setting))
    return [_ends(study, factor, label, sorted(points)) for label, points in groups.items() if len(points) > 1]


def _ends(study: Study, factor: str, label: str, points: list) -> str:
    (low, first), (high, last) = points[0], points[-1]
    parts = []
    for guidance in guidances(study):
        pair = [line_under(study, setting, guidance) for setting in (first, last)]
        if all(line is not None and study.primary in line.metrics for line in pair):
            start, end = pair
            change = f"{_times(study, end, start)}, {_versus(study, start, end)}"
            parts.append(f"{_under(guidance)} {_value(study, start)} to {_value(study, end)} ({change})")
    ends = f"from {factor_name(factor)} {factor_text(factor, low)} to {factor_text(factor, high)}"
    return f"{label}, {metric_name(study.primary)} {ends}: {'; '.join(parts)}." if parts else ""


def _lowest_of_all(study: Study, best: Ranked) -> str:
    setting, line = best[0]
    chosen = "with the guidance that its other seeds choose" if _several(study, line) else "with its best guidance"
    return (
        f"Of all settings, each {chosen}, {setting} has the lowest {metric_name(study.primary)}, {_value(study, line)}"
        f"{_of_floor(study, line)}: {line.guidance}."
    )


def _per_run(study: Study) -> list[str]:
    """For each setting the best scale of each kind of guidance, and unguided."""
    found = []
    for setting in study.settings:
        best: dict[str, Line] = {}
        known = [line for line in lines(study, setting) if study.primary in line.metrics]
        for line in sorted(known, key=lambda line: -_mean(study, line)):
            best[line.family] = line
        ordered = sorted(best.values(), key=lambda line: _mean(study, line))
        plain = next((line for line in ordered if line.unguided and not line.attention), None)
        parts = [
            f"{_value(study, line)} {_under(line.guidance)}"
            + (f" ({_times(study, line, plain)} of unguided)" if plain and line is not plain else "")
            for line in ordered
        ]
        if parts:
            found.append(f"{setting}, each kind at the scale that is best on these seeds: {listed(parts)}.")
    return found


def _within_spread(study: Study, rankings: dict[str, Ranked]) -> str:
    """Which settings the best cannot be told from, where seeds allow to say so, under each guidance."""
    parts = []
    for guidance, ranked in rankings.items():
        if ranked and _several(study, ranked[0][1]):
            best = _spread(study, ranked[0][1])
            close = [name for name, line in ranked[1:] if _several(study, line) and best.overlaps(_spread(study, line))]
            parts += [f"{listed(close)} ({_under(guidance)})"] if close else []
    return f"Within the seed spread of the best: {'; '.join(parts)}." if parts else ""


def _seeds(study: Study, ranked: Ranked) -> str:
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


def _under(guidance: str, start: bool = False) -> str:
    """`unguided`, `with CFG 1.5`; with a capital where a sentence starts."""
    text = guidance if is_unguided(re.split(r" \(|, ", guidance)[0]) else f"with {guidance}"
    return text[:1].upper() + text[1:] if start else text


def _versus(study: Study, line: Line, other: Line) -> str:
    if not (_several(study, line) and _several(study, other)):
        return "seed spread unknown"
    if _spread(study, line).overlaps(_spread(study, other)):
        return "within the seed spread"
    return "ranges over seeds do not overlap"


def _several(study: Study, line: Line) -> bool:
    return _spread(study, line).seeds > 1


def _spread(study: Study, line: Line) -> Spread:
    return line.metrics[study.primary]


def _mean(study: Study, line: Line) -> float:
    return _spread(study, line).mean


def _value(study: Study, line: Line) -> str:
    return metric_text(study.primary, _mean(study, line))


def _times(study: Study, line: Line, base: Line) -> str:
    return times_text(study, study.primary, line, base)[0]


def _as_much(study: Study, line: Line, base: Line) -> str:
    """A geometric mean over seeds is not the quotient of the means beside it, and is said to be one."""
    times, surely = times_text(study, study.primary, line, base)
    return f"{times} as much{' seed by seed' if surely.startswith('95%') else ''}"


def _of_floor(study: Study, line: Line) -> str:
    times = of_floor(study.primary, _mean(study, line), study.floor.get(study.primary))
    return times and f" ({times} the floor)"
