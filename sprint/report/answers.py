"""A study's answer in a sentence or two, computed from its numbers and claiming no more than they show.

With several seeds two settings are told apart only where their ranges over seeds do not overlap; with one seed nothing is
said about noise except that it is unknown.
"""

from sprint.report.plots import numeric_factor
from sprint.report.read import Study
from sprint.report.summary import Line, Spread, lines, ranking
from sprint.report.words import factor_name, factor_text, listed, metric_name, metric_text

DENSE = 0.0  # a drop ratio of zero marks the runs that everything is compared with


def answer(study: Study) -> str:
    """The answer of a study, as plain text."""
    ranked = ranking(study)
    if not ranked:
        return f"No answer yet: none of {len(study.runs)} runs has been evaluated. {_unfinished(study)}".strip()
    body = _guidance_answer(study) if study.sweep else _setting_answer(study, ranked)
    return " ".join(part for part in (body, _seeds(study), _unfinished(study)) if part)


def _setting_answer(study: Study, ranked: list[tuple[str, Line]]) -> str:
    (best, line), (worst, last) = ranked[0], ranked[-1]
    name = metric_name(study.primary)
    if len(ranked) == 1:
        return f"Only {best} was evaluated: {name} {_value(study, line)}{_floor_times(study, line)}, {line.guidance}."
    first = f"{best} has the lowest {name}: {_value(study, line)}{_floor_times(study, line)}, {line.guidance}."
    gap = f"The highest, {worst}, is {_times(study, last, line)} that ({_value(study, last)}); {_versus(study, line, last)}."
    return " ".join(
        part for part in (first, gap, _runner_up(study, ranked), _dense(study, ranked), _trend(study, ranked)) if part
    )


def _guidance_answer(study: Study) -> str:
    """For each run: which kind and scale is best, and how much that gains over no guidance."""
    sentences = []
    for setting in study.settings:
        found = [line for line in lines(study, setting) if study.primary in line.metrics]
        if not found:
            continue
        best = min(found, key=lambda line: _mean(study, line))
        plain = next((line for line in found if line.kind == "none"), None)
        text = f"{setting}: {best.guidance} has the lowest {metric_name(study.primary)} ({_value(study, best)})"
        if plain is not None and best is not plain:
            text += f", {_times(study, best, plain)} that of unguided ({_value(study, plain)})"
        others = {
            line.kind: line
            for line in sorted(found, key=lambda line: -_mean(study, line))
            if line.kind not in ("none", best.kind)
        }
        text += "".join(
            f"; the best {kind.upper()} is {line.guidance} ({_value(study, line)})" for kind, line in others.items()
        )
        sentences.append(f"{text}.")
    return " ".join(sentences)


def _runner_up(study: Study, ranked: list[tuple[str, Line]]) -> str:
    """Which settings the best cannot be told from, where seeds allow to say so."""
    best = _spread(study, ranked[0][1])
    if best.seeds < 2:
        return ""
    close = [setting for setting, line in ranked[1:-1] if _several(study, line) and best.overlaps(_spread(study, line))]
    return f"Within the seed spread of the best: {listed(close)}." if close else ""


def _dense(study: Study, ranked: list[tuple[str, Line]]) -> str:
    """Each setting that drops tokens beside the one full-token setting of the study, in quality and in training cost."""
    first = {setting: study.settings[setting][0] for setting, _ in ranked}
    dense = [pair for pair in ranked if first[pair[0]].factor("drop") == DENSE]
    if len(dense) != 1 or not {"method", "drop"} <= set(study.factors):
        return ""
    (name, base), parts = dense[0], []
    for setting, line in ranked:
        if setting != name:
            cost = first[setting].cost.get("train_flops_vs_dense")
            spent = f" at {cost:.2f}× the training FLOP" if cost else ""
            parts.append(f"{setting} {_times(study, line, base)}{spent} ({_versus(study, base, line)})")
    return f"Beside {name} ({_value(study, base)}): {'; '.join(parts)}." if parts else ""


def _trend(study: Study, ranked: list[tuple[str, Line]]) -> str:
    """Along the numeric factor, where each line of the plot is best and what its last value costs."""
    factor = numeric_factor(study)
    if factor is None:
        return ""
    groups: dict[str, list] = {}
    for setting, line in ranked:
        run = study.settings[setting][0]
        rest = [factor_text(name, run.factor(name)) for name in study.factors if name != factor]
        groups.setdefault(", ".join(rest) or run.factor("method"), []).append((run.factor(factor), line))
    parts = []
    for label, points in groups.items():
        points.sort(key=lambda point: point[0])
        (low, first), (high, last) = points[0], points[-1]
        if len(points) > 1:
            span = f"{_value(study, first)} at {factor_text(factor, low)} and {_value(study, last)} at {factor_text(factor, high)}"
            parts.append(f"{label} has {span} ({_times(study, last, first)})")
    return f"By {factor_name(factor)}: {'; '.join(parts)}." if parts else ""


def _seeds(study: Study) -> str:
    counts = {_spread(study, line).seeds for _, line in ranking(study)}
    if counts == {1}:
        return "One seed per setting: differences between seeds are unknown."
    if 1 in counts:
        return "Some settings have one seed only, for which differences between seeds are unknown."
    return f"n = {'–'.join(str(count) for count in sorted({min(counts), max(counts)}))} seeds per setting."


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


def _several(study: Study, line: Line) -> bool:
    return _spread(study, line).seeds > 1


def _spread(study: Study, line: Line) -> Spread:
    return line.metrics[study.primary]


def _mean(study: Study, line: Line) -> float:
    return _spread(study, line).mean


def _value(study: Study, line: Line) -> str:
    return metric_text(study.primary, _mean(study, line))


def _times(study: Study, line: Line, base: Line) -> str:
    return f"{_mean(study, line) / _mean(study, base):.2f}×" if _mean(study, base) else "an undefined multiple of"


def _floor_times(study: Study, line: Line) -> str:
    floor = study.floor.get(study.primary)
    return f" ({_mean(study, line) / floor:.1f}× the floor)" if floor else ""
