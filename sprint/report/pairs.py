"""Every setting against the base of its study, seeds as blocks and their noise pooled: how far, and how surely.

For one seed all methods share initial values, data order, noise and sampled indices, and every evaluation starts from
the same noise: differences taken within a seed are less noisy than the means they are taken from. Intervals speak of
seeds; what other starting noise would change is not in them (statistics/blocks.py, docs/statistics.md).
"""

from dataclasses import dataclass, field

from sprint.metrics import metric_of
from sprint.report.format import logarithmic, metric_name, metric_text
from sprint.report.read import Study
from sprint.report.summary import Line, Spread, best_line, drops_nothing, guidances, line_under, lines
from sprint.report.tables import table_metrics
from sprint.statistics.blocks import UNEQUAL, Table
from sprint.statistics.effects import Effect, against, alike, effect

ONE_SEED = "one seed: no interval"
NO_RATIO = "no ratio: a value is not above zero"


@dataclass(frozen=True)
class Pairs:
    """A table of differences to one setting."""

    base: str
    headers: list[str]
    rows: list[list[list[str]]]  # cells of lines of text
    apart: list[str] = field(default_factory=list)  # where the settings' noise is not alike, and not pooled


def base_of(study: Study) -> str | None:
    """The setting others are held against: the one without a rule to drop tokens, else the first one evaluated."""
    known = [setting for setting in study.settings if lines(study, setting)]
    dense = [name for name in known if study.settings[name][0].factor("drop") == 0]
    plain = [name for name in dense if drops_nothing(study.settings[name][0])]
    for found in (plain, dense, known):
        if len(found) == 1 or (found and found is known):
            return found[0]
    return None


def pairs(study: Study) -> Pairs | None:
    """Differences to the base under the same guidance; None where there is nothing to compare, or it may not be."""
    base = base_of(study)
    if base is None or study.conflicts or study.sweep:
        return None
    metrics, rows = table_metrics(study), []
    for setting in study.settings:
        for line in lines(study, setting) if setting != base else []:
            if line_under(study, base, line.guidance) is not None:
                rows.append([[setting], [line.guidance], *(_cell(study, metric, line, base) for metric in metrics)])
    if not rows:
        return None
    heads = [f"{metric_name(metric)}, {'ratio' if logarithmic(metric) else 'difference'}" for metric in metrics]
    under = [(metric, guidance) for metric in metrics for guidance in guidances(study)]
    apart = [f"{metric_name(metric)} {guidance}" for metric, guidance in under if _apart(study, metric, guidance)]
    return Pairs(base, ["setting", "guidance", *heads], rows, apart)


def _cell(study: Study, metric: str, line: Line, base: str) -> list[str]:
    other = line_under(study, base, line.guidance)
    if metric not in line.metrics or metric not in other.metrics:
        return ["missing"]
    found = comparisons(study, metric, line.guidance).get(line.setting)
    if found is not None:
        return effect_lines(metric, found)
    return [no_effect(line.metrics[metric], other.metrics[metric])]


def no_effect(mine: Spread, theirs: Spread) -> str:
    """Why there is no effect of one beside the other."""
    return NO_RATIO if set(mine.samples) & set(theirs.samples) else "no seed in common"


def comparisons(study: Study, metric: str, guidance: str) -> dict[str, Effect]:
    """Every setting against the base under one guidance, with intervals that hold all at once."""
    key = ("comparisons", metric, guidance)
    if key not in study.memory:
        base, table = base_of(study), _table(study, metric, guidance)
        study.memory[key] = against(table, base, logarithmic(metric)) if base in table else {}
    return study.memory[key]


def compared(study: Study, metric: str, mine: Line, theirs: Line) -> Effect | None:
    """One line against another, as the paired table has it where it does; None where they share no seed, or no ratio
    exists."""
    if mine.guidance == theirs.guidance and theirs.setting == base_of(study):
        found = comparisons(study, metric, mine.guidance).get(mine.setting)
        if found is not None:
            return found
    return alone(study, metric, mine, theirs, logarithmic(metric))


def alone(study: Study, metric: str, mine: Line, theirs: Line, ratio: bool) -> Effect | None:
    """One line against another with the interval of one comparison; None likewise, and of a line against itself.

    The noise of the study's other settings is pooled in, each with one line: under the guidance of both, or where they
    have different ones with its own best. One setting under two guidances stands on itself alone.
    """
    if (mine.setting, mine.guidance) == (theirs.setting, theirs.guidance):
        return None
    table: Table = {}
    if mine.setting != theirs.setting:
        one = mine.guidance == theirs.guidance and mine.guidance in guidances(study)
        table = _table(study, metric, mine.guidance if one else None)
    names = (mine.setting, theirs.setting) if mine.setting != theirs.setting else (mine.guidance, theirs.guidance)
    table |= {name: line.metrics[metric].by_seed for name, line in zip(names, (mine, theirs), strict=True)}
    return effect(table, *names, ratio)


def _table(study: Study, metric: str, guidance: str | None) -> Table:
    """Values by setting and seed under one guidance; without one, of each setting's best."""
    found = {
        setting: line_under(study, setting, guidance) if guidance is not None else best_line(study, setting, metric)
        for setting in study.settings
    }
    return {name: line.metrics[metric].by_seed for name, line in found.items() if line and metric in line.metrics}


def _apart(study: Study, metric: str, guidance: str) -> bool:
    """Whether the noise of the study's settings is not alike, so that each pair stands on its own."""
    found = comparisons(study, metric, guidance).values()
    surely = any(one.low is not None for one in found)
    return surely and alike(_table(study, metric, guidance), logarithmic(metric)) < UNEQUAL


def times_text(study: Study, metric: str, line: Line, base: Line) -> tuple[str, str]:
    """How many times the base's value, as the paired table has it, and how sure that is, each as words.

    Seed by seed where the two share seeds; of their means otherwise.
    """
    mine, theirs = line.metrics[metric], base.metrics[metric]
    found = compared(study, metric, line, base) if logarithmic(metric) else None
    if found is None:
        positive = mine.mean > 0 and theirs.mean > 0
        return (f"{mine.mean / theirs.mean:.2f}×" if positive else "an undefined multiple of"), "not paired"
    if found.low is None:
        return f"{found.value:.2f}×", ONE_SEED
    return f"{found.value:.2f}×", f"95% interval {found.low:.2f}× to {found.high:.2f}×"


def effect_lines(metric: str, found: Effect) -> list[str]:
    """The effect, and below it its interval or that there is none."""
    if found.low is None:
        return [effect_text(metric, found.value, found.ratio), ONE_SEED]
    value, low, high = (effect_text(metric, one, found.ratio) for one in (found.value, found.low, found.high))
    return [value, f"{low} to {high}"]


def effect_text(metric: str, value: float, ratio: bool) -> str:
    """A ratio as `1.08×`, a difference with its sign, of shares in points of a percent."""
    if ratio:
        return f"{value:.2f}×"
    found = metric_of(metric)
    if found.form == "percent":
        return f"{100 * value:+.{found.digits}f} points"
    return ("+" if value > 0 else "") + metric_text(metric, value)
