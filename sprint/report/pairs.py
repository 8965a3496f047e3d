"""Every setting against the base of its study, seed by seed and replicate by replicate: how far, and how surely.

For one seed all methods share initial values, data order, noise and sampled indices, so that differences taken within
a seed are less noisy than the means they are taken from.
"""

from dataclasses import dataclass

from sprint.metrics import called, metric_of
from sprint.report.format import logarithmic, metric_name, metric_text, percent
from sprint.report.read import Study
from sprint.report.summary import Line, Spread, drops_nothing, line_under, lines
from sprint.statistics.intervals import Estimate, difference, ratio

ONE_SEED = "one seed: no interval"


@dataclass(frozen=True)
class Pairs:
    """A table of differences to one setting."""

    base: str
    headers: list[str]
    rows: list[list[list[str]]]  # cells of lines of text


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
    metrics = [*(name for extractor in study.extractors for name in called(extractor, "main")), *called("", "main")]
    rows = []
    for setting in study.settings:
        for line in lines(study, setting) if setting != base else []:
            other = line_under(study, base, line.guidance)
            if other is not None:
                cells = [cell for metric in metrics for cell in _cells(metric, line, other)]
                rows.append([[setting], [line.guidance], *cells])
    headers = ["setting", "guidance"]
    for metric in metrics:
        what = "ratio" if logarithmic(metric) else "difference"
        headers += [f"{metric_name(metric)}, {what}", "probability of being better"]
    return Pairs(base, headers, rows) if rows else None


def _cells(metric: str, line: Line, other: Line) -> list[list[str]]:
    mine, theirs = line.metrics.get(metric), other.metrics.get(metric)
    if mine is None or theirs is None:
        return [["missing"], ["–"]]
    found = compared(metric, mine, theirs)
    if found is None:
        return [["no seed in common"], ["–"]]
    return [effect_lines(metric, found), [probability_text(metric, found)]]


def compared(metric: str, mine: Spread, theirs: Spread) -> Estimate | None:
    """The ratio of two spreads of a distance, the difference of anything else; None where they share no seed."""
    return (ratio if logarithmic(metric) else difference)(mine.samples, theirs.samples)


def times_text(metric: str, line: Line, base: Line) -> tuple[str, str]:
    """How many times the base's value, as the paired table has it, and how sure that is, each as words.

    Seed by seed where the two share seeds; of their means otherwise.
    """
    mine, theirs = line.metrics[metric], base.metrics[metric]
    found = ratio(mine.samples, theirs.samples)
    if found is None:
        return (f"{mine.mean / theirs.mean:.2f}×" if theirs.mean else "an undefined multiple of"), "not paired"
    if found.low is None:
        return f"{found.mean:.2f}×", ONE_SEED
    return f"{found.mean:.2f}×", f"95% interval {found.low:.2f}× to {found.high:.2f}×"


def effect_lines(metric: str, found: Estimate) -> list[str]:
    """The effect, and below it its interval or that there is none."""
    if found.low is None:
        return [effect_text(metric, found.mean), ONE_SEED]
    return [effect_text(metric, found.mean), f"{effect_text(metric, found.low)} to {effect_text(metric, found.high)}"]


def effect_text(metric: str, value: float) -> str:
    """A ratio as `1.08×`, a difference with its sign, of shares in points of a percent."""
    if logarithmic(metric):
        return f"{value:.2f}×"
    found = metric_of(metric)
    if found.form == "percent":
        return f"{100 * value:+.{found.digits}f} points"
    return ("+" if value > 0 else "") + metric_text(metric, value)


def probability_text(metric: str, found: Estimate) -> str:
    """How probable it is that the first is better than the second; unknown with one seed."""
    if found.below is None or metric_of(metric).better == "neither":
        return "–"
    share = found.below if metric_of(metric).better == "lower" else 1 - found.below
    return "> 99%" if share > 0.99 else "< 1%" if share < 0.01 else percent(round(share, 2))
