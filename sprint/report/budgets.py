"""Cost to a quality: training FLOP, seconds and steps at which a curve first reaches the base's final quality.

The quality is the base setting's own at its last milestone, under one guidance for all, within the same seed. Between
two milestones the distance is taken to run straight in its logarithm against the logarithm of the cost; a curve that is
there at its first milestone reached it `by` then; one that never gets there is unreached, whatever it might have done
later.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sprint.report.format import listed, metric_name, prefix, significant
from sprint.report.learned import nothing_learned
from sprint.report.pairs import base_of
from sprint.report.read import TERA, Study
from sprint.report.summary import along, curve_guidance

BUDGETS = ("tflop", "seconds", "step")


@dataclass(frozen=True)
class Reached:
    """Where a curve meets a level: the cost, and whether it was there from the first milestone on."""

    cost: float
    at_first: bool = False


def first_reached(costs: Sequence[float], values: Sequence[float], level: float) -> Reached | None:
    """Where values, falling along rising costs, first are at `level` or below it; None when they never are."""
    for place, (cost, value) in enumerate(zip(costs, values, strict=True)):
        if value <= level:
            if place == 0:
                return Reached(cost, at_first=True)
            before, above = costs[place - 1], values[place - 1]
            share = math.log(above / level) / math.log(above / value)
            return Reached(before * (cost / before) ** share)
    return None


def cost_to_quality(study: Study) -> dict[str, dict[object, dict[str, Reached | None]]]:
    """{setting: {seed: {budget: where it reached the base's final quality}}} of all settings with milestones."""
    base, metric = base_of(study), study.primary
    if base is None or study.sweep or study.conflicts or nothing_learned(study):
        return {}
    levels = {seed: values[-1] for seed, (_, values) in _curves(study, base, metric, "step").items()}
    found: dict = {}
    for setting in study.settings:
        for budget in BUDGETS:
            for seed, (costs, values) in _curves(study, setting, metric, budget).items():
                if seed in levels:
                    place = found.setdefault(setting, {}).setdefault(seed, {})
                    place[budget] = first_reached(costs, values, levels[seed])
    return found


def _curves(study: Study, setting: str, metric: str, budget: str) -> dict[object, tuple[list, list]]:
    """{seed: (costs, values)} along the milestones of a setting."""
    table = along(study, setting)
    if table.empty or metric not in table:
        return {}
    known = table.dropna(subset=[metric, budget]).sort_values("step")
    known = known[known["state"] == "done"]
    return {seed: ([*group[budget]], [*group[metric]]) for seed, group in known.groupby("seed") if len(group) > 1}


def budget_table(study: Study) -> tuple[list[str], list[list[str]]]:
    """Headers and rows of text; no rows where no curve can be held against another."""
    found = cost_to_quality(study)
    if len(found) < 2:
        return [], []
    reached = [by["tflop"].cost * TERA for seeds in found.values() for by in seeds.values() if by.get("tflop")]
    scale, letter = prefix(reached)
    units = {"tflop": TERA / scale, "seconds": 1.0, "step": 1.0}
    rows = []
    for setting, seeds in found.items():
        cells = [_cell([by.get(budget) for by in seeds.values()], units[budget]) for budget in BUDGETS]
        rows.append([setting, *cells, _beside(found[base_of(study)], seeds)])
    names = [f"training {letter}FLOP, modelled", "training s, wall clock", "steps"]
    return ["setting", *names, "training FLOP, base over this"], rows


def caption(study: Study) -> str:
    """What the table of a study says."""
    return (
        f"Cost at which each setting's curve, {curve_guidance(study)}, first reaches the final "
        f"{metric_name(study.primary)} of {base_of(study)} in the same seed; mean over seeds. Interpolated between "
        "milestones, logarithm against logarithm; ≤: there at its first milestone already; unreached: not within its "
        "training. A cost that is ≤ leaves a ratio that is ≥."
    )


def _cell(reached: list[Reached | None], unit: float) -> str:
    known = [one for one in reached if one is not None]
    if not known:
        return "unreached"
    mean = sum(one.cost for one in known) / len(known) * unit
    text = ("≤ " if any(one.at_first for one in known) else "") + significant(mean)
    return text if len(known) == len(reached) else f"{text}, unreached in {len(reached) - len(known)} of {len(reached)}"


def _beside(base: dict, seeds: dict) -> str:
    """How many times cheaper than the base's own way to its final quality, seed by seed."""
    ratio = saving(base, seeds, "tflop")
    if ratio is None:
        missing = [str(seed) for seed, by in seeds.items() if by.get("tflop") is None]
        return f"unreached in seed {listed(missing)}" if len(missing) < len(seeds) else "unreached"
    return f"{bound(base, seeds, 'tflop')}{ratio:.2f}×"


def bound(base: dict, seeds: dict, budget: str) -> str:
    """The sign before a saving: what is known only as at most so much leaves a ratio of at least so much."""
    if seeds is base:
        return ""
    mine, theirs = (any(by.get(budget) and by[budget].at_first for by in side.values()) for side in (seeds, base))
    return "within both first milestones, about " if mine and theirs else "≥ " if mine else "≤ " if theirs else ""


def saving(base: dict, seeds: dict, budget: str) -> float | None:
    """Geometric mean over seeds of the base's cost to its own quality over a setting's; None when one is unreached."""
    both = [(base.get(seed, {}).get(budget), by.get(budget)) for seed, by in seeds.items()]
    if not both or any(one is None or other is None for one, other in both):
        return None
    return math.exp(sum(math.log(one.cost / other.cost) for one, other in both) / len(both))
