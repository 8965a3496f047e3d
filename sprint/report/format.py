"""How the report names and prints things: metrics, guidance, samplers, factors, numbers; everywhere alike."""

import math
from collections.abc import Iterable

METRIC_NAMES = {
    "fd": "FD",
    "fd_infinity": "FD∞",
    "kid": "KID",
    "fd_class": "FD within classes",
    "kid_error": "KID error",
    "kid_full": "KID of all images",
    "nearest": "distance to the nearest training image",
    "nearest_ratio": "the same over that of real images",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
}
ESTABLISHED = {"fd/inception": "FID", "fd/dinov2": "FDD"}  # only these extractors earn these names
FACTOR_NAMES = {"drop": "drop ratio"}
FACTOR_UNITS = {"settings.split": "encoder / middle / decoder"}
SAMPLER_NAMES = {"heun": "Heun ODE", "euler": "Euler ODE", "sde": "Euler–Maruyama SDE"}
MISSING = "missing"


def metric_name(metric: str) -> str:
    """`fd/digits-cnn` as `FD (digits-cnn)`."""
    if metric == "accuracy":
        return "classified as label"
    if metric in ESTABLISHED:
        return ESTABLISHED[metric]
    kind, _, extractor = metric.partition("/")
    return f"{METRIC_NAMES.get(kind, kind.replace('_', ' '))} ({extractor})"


def better(metric: str) -> str:
    """Which direction is good."""
    return "lower is better" if metric.startswith(("fd", "kid")) else "higher is better"


def logarithmic(metric: str) -> bool:
    """Whether values of a metric are compared as ratios: Fréchet distances, which are positive and span much."""
    return metric.partition("/")[0] in ("fd", "fd_class")


def metric_text(metric: str, value: float | None) -> str:
    """A value of `metric` with the digits it deserves; the word `missing` where there is none."""
    if value is None or math.isnan(value):
        return MISSING
    if metric == "accuracy":
        return f"{100 * value:.1f}%"
    return significant(value) if metric.startswith(("fd", "kid", "nearest")) else f"{value:.2f}"


def significant(value: float) -> str:
    """Three significant digits without an exponent; whole numbers keep all their digits."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def ranged(values: dict, factor: float = 1) -> str:
    """The median of repeats with their range."""
    low, median, high = (significant(values[key] * factor) for key in ("low", "median", "high"))
    return f"{median} ({low}–{high})"


PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def prefix(values: Iterable[float | None]) -> tuple[float, str]:
    """The largest of PREFIXES in which none of the positive values is below 1: its factor and its letter."""
    smallest = min((value for value in values if value), default=1.0)
    return next(((factor, letter) for factor, letter in PREFIXES if smallest >= factor), (1.0, ""))


def percent(value: float) -> str:
    return f"{100 * value:g}%"


def factor_name(factor: str) -> str:
    return FACTOR_NAMES.get(factor, factor.rpartition(".")[2].replace("_", " "))


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


def guidance_text(guidance: dict) -> str:
    """`{"kind": "cfg", "scale": 1.5}` as `CFG 1.5`; an interval is named when it is not the whole path."""
    if guidance["kind"] == "none":
        return kind_name("none")
    return f"{kind_name(guidance['kind'])} {guidance['scale']:g}{_interval(guidance)}"


def guidance_family(guidance: dict) -> str:
    """A guidance without its scale: what one line of a plot against the scale shares."""
    return kind_name(guidance["kind"]) + _interval(guidance)


def kind_name(kind: str) -> str:
    """`cfg` as CFG, `none` as unguided, `pdg-label` as PDG-label."""
    head, dash, rest = kind.partition("-")
    return "unguided" if kind == "none" else head.upper() + dash + rest


def _interval(guidance: dict) -> str:
    low, high = guidance["interval"]
    return "" if (low, high) == (0.0, 1.0) else f" on [{low:g}, {high:g}]"


def sampler_text(sampler: dict) -> str:
    return f"{SAMPLER_NAMES.get(sampler['kind'], sampler['kind'])}, {sampler['steps']} steps"


def listed(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def seconds_text(seconds: float) -> str:
    """A duration as a reader says it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
