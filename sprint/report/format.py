"""How the report names and prints things: metrics, factors, numbers; everywhere alike.

Guidances and samplers say their own: sprint/diffusion/guidance and samplers.
"""

import math
from collections.abc import Iterable

from sprint.diffusion import guidance
from sprint.diffusion.attention import under
from sprint.metrics import METRICS, is_metric, metric_of, title_of

BETTER = {
    "lower": "lower is better",
    "higher": "higher is better",
    "neither": "neither high nor low is better",
}
FACTOR_NAMES = {"drop": "drop ratio"}
FACTOR_UNITS = {"settings.split": "encoder / middle / decoder"}
MISSING = "missing"


def drawn_text(evaluation: dict) -> str:
    """How an evaluation's images were drawn: its guidance, and its attention where that is not the usual one."""
    return under(evaluation, guidance.text(evaluation["guidance"]))


def metric_name(metric: str) -> str:
    """`fd/digits-cnn` as `FD (digits-cnn)`; nothing for the metric that ranks where none was evaluated."""
    return title_of(metric) if metric else ""


def better(metric: str) -> str:
    """Which direction is good."""
    return BETTER[metric_of(metric).better]


def arrow(metric: str) -> str:
    """The same as a sign for the head of a column."""
    return {"lower": "↓", "higher": "↑", "neither": ""}[metric_of(metric).better]


def logarithmic(metric: str) -> bool:
    """Whether values of a metric are compared as ratios, where they are positive: those that span much."""
    if not is_metric(metric):
        return False
    found = metric_of(metric)
    return found.ratios or (bool(found.debiases) and METRICS[found.debiases].ratios)


def of_floor(metric: str, value: float, floor: float | None) -> str:
    """How many times the floor a distance is; empty where it has none, or one that is near zero but for luck."""
    return f"{value / floor:.1f}×" if floor and logarithmic(metric) and not metric_of(metric).debiases else ""


def metric_text(metric: str, value: float | None) -> str:
    """A value of `metric` with the digits it deserves; the word `missing` where there is none."""
    if value is None or math.isnan(value):
        return MISSING
    found = metric_of(metric)
    if found.form == "percent":
        return f"{100 * value:.{found.digits}f}%"
    return significant(value, found.digits) if found.form == "significant" else f"{value:.{found.digits}f}"


def bounded(metric: str, low: float, high: float) -> tuple[float, float]:
    """An interval, cut where the metric ends: shares do at 0 and 1."""
    least, most = metric_of(metric).range
    return low if least is None else max(low, least), high if most is None else min(high, most)


def metrics_explained() -> list[str]:
    """One sentence for every metric, for a reader."""
    return [f"{one.title}: {one.meaning}; {BETTER[one.better]}." for one in (METRICS[name] for name in METRICS)]


def significant(value: float, digits: int = 3) -> str:
    """So many significant digits without an exponent; whole numbers keep all their digits."""
    if value == 0 or abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"


def ranged(values: dict, factor: float = 1) -> str:
    """The median of repeats with their range."""
    return f"{significant(values['median'] * factor)} ({range_text(values, factor)})"


def range_text(values: dict, factor: float = 1) -> str:
    """The range of repeats, with a warning where they scatter too much for one number to stand for them."""
    low, high = (significant(values[key] * factor) for key in ("low", "high"))
    return f"{'turns scatter: ' if values.get('scatters') else ''}{low}–{high}"


PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def prefix(values: Iterable[float | None]) -> tuple[float, str]:
    """The largest of PREFIXES in which none of the positive values is below 1: its factor and its letter."""
    smallest = min((value for value in values if value), default=1.0)
    return next(((factor, letter) for factor, letter in PREFIXES if smallest >= factor), (1.0, ""))


def percent(value: float) -> str:
    return f"{100 * value:g}%"


def factor_key(factor: str) -> str:
    """`depth` of `model.depth`, `teacher` of `teacher.kind`: as labels of runs have it."""
    return factor.removesuffix(".kind").rpartition(".")[2]


def factor_name(factor: str) -> str:
    """The same in words."""
    return FACTOR_NAMES.get(factor, factor_key(factor).replace("_", " "))


def factor_text(factor: str, value: object) -> str:
    """A factor's value for a reader: 0.75 as 75%, [1, 4, 1] as 1/4/1, None as a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "/".join(str(part) for part in value)
    if factor == "drop":
        return percent(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def listed(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def seconds_text(seconds: float) -> str:
    """A duration as a reader says it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
