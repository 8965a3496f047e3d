"""Cost to a quality, from trainings that were run whole at several budgets: fine-tuning and all, never cut short.

Settings of all studies that differ in nothing but their steps are one line. The quality is the base's own after as many
steps as the preset has, each at the guidance that suits it best, within the same seed. Between two budgets the distance
is taken to run straight in its logarithm against the logarithm of the cost. A line that is there at its smallest budget
costs at most that; one that never gets there is unreached, whatever more steps might have done.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from sprint.report.format import metric_name, prefix, significant
from sprint.report.learned import nothing_learned
from sprint.report.read import TERA, Run, Study
from sprint.report.summary import best_line, drops_nothing
from sprint.statistics.effects import Effect, effect

BUDGETS = ("tflop", "seconds", "step")
STEPS = "steps"  # what may set the settings of one line apart
NONE = "No method was trained whole at several budgets in the studies of this page: study budgets trains some."


@dataclass(frozen=True)
class Reached:
    """Where a line meets a level: the cost, and whether it was there from the smallest budget on."""

    cost: float
    at_first: bool = False


@dataclass
class Trainings:
    """One line: the settings that differ in steps alone, by seed a (cost by budget, distance) of each."""

    usual: bool = False  # whether the preset's own number of steps is among them
    drops_nothing: bool = False
    metric: str = ""
    runs: dict[object, dict[int, tuple[dict, float]]] = field(default_factory=dict)  # by seed, by steps

    def curve(self, seed: object, budget: str) -> tuple[list[float], list[float]]:
        """Costs and distances of one seed, by rising steps."""
        found = [self.runs[seed][steps] for steps in sorted(self.runs[seed])]
        known = [(costs[budget], value) for costs, value in found if costs[budget] is not None]
        return [cost for cost, _ in known], [value for _, value in known]


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


def lines_of(studies: list[Study]) -> dict[str, Trainings]:
    """Every line by its name; a run that several studies have counts once."""
    found: dict[str, Trainings] = {}
    for study in studies:
        if study.sweep or study.conflicts or nothing_learned(study):
            continue
        for setting, runs in study.settings.items():
            line = best_line(study, setting, study.primary)
            for run in [run for run in runs if line is not None and "step" in run.train]:
                value = line.metrics[study.primary].by_seed.get(run.seed)
                if value is not None and value > 0:
                    _add(found, run, study.primary, value)
    return found


def _add(found: dict[str, Trainings], run: Run, metric: str, value: float) -> None:
    overrides = run.config.get("overrides", {})
    steps, label = run.train["step"], run.config.get("label", run.name)
    name = label.replace(f", {STEPS} {overrides[STEPS]}", "") if STEPS in overrides else label
    line = found.setdefault(name, Trainings(metric=metric))
    if line.metric != metric:
        return
    line.usual |= STEPS not in overrides
    line.drops_nothing |= drops_nothing(run) and not set(overrides) - {STEPS}
    costs = {"tflop": run.tflop_at(steps), "seconds": run.seconds_at(steps), "step": steps}
    line.runs.setdefault(run.seed, {})[steps] = (costs, value)


def cost_to_quality(studies: list[Study]) -> tuple[str, dict[str, dict[object, dict[str, Reached | None]]]]:
    """The base, and by line and seed where each budget reached the base's usual quality.

    Lines of one budget are left out, but for the base, whose cost is that of its usual steps. Empty where no other is.
    """
    lines = lines_of(studies)
    base = next((name for name, line in lines.items() if line.drops_nothing and line.usual), "")
    several = {name: line for name, line in lines.items() if any(len(by) > 1 for by in line.runs.values())}
    if not base or not set(several) - {base}:
        return base, {}
    usual, found = _usual_steps(studies), {base: {}}
    for name, line in several.items():
        for seed in line.runs if line.metric == lines[base].metric and name != base else ():
            if usual in lines[base].runs.get(seed, {}):
                costs, level = lines[base].runs[seed][usual]
                found[base][seed] = {key: None if costs[key] is None else Reached(costs[key]) for key in BUDGETS}
                reached = {budget: first_reached(*line.curve(seed, budget), level) for budget in BUDGETS}
                found.setdefault(name, {})[seed] = reached
    return base, found if len(found) > 1 else {}


def _usual_steps(studies: list[Study]) -> int:
    """Steps of the preset: those of a run that nothing sets apart."""
    runs = [run for study in studies for run in study.runs if run.state == "done" and "step" in run.train]
    return next((run.train["step"] for run in runs if not run.config.get("overrides") and drops_nothing(run)), 0)


def budget_table(studies: list[Study]) -> tuple[list[str], list[list[str]]]:
    """Headers and rows of text; no rows where no line can be held against the base."""
    base, found = cost_to_quality(studies)
    if not found:
        return [], []
    reached = [by["tflop"].cost * TERA for seeds in found.values() for by in seeds.values() if by.get("tflop")]
    scale, letter = prefix(reached)
    units = {"tflop": TERA / scale, "seconds": 1.0, "step": 1.0}
    rows = []
    for name, seeds in found.items():
        cells = [_cell([by[budget] for by in seeds.values()], units[budget]) for budget in BUDGETS]
        rows.append([name, *cells, _beside(found[base], seeds)])
    names = [f"training {letter}FLOP, modelled", "training s, wall clock", "steps"]
    return ["setting", *names, "training FLOP, base over this"], rows


def caption(studies: list[Study]) -> str:
    """What the table says."""
    base, _ = cost_to_quality(studies)
    metric = lines_of(studies)[base].metric
    return (
        f"Cost at which trainings that were run whole at several budgets reach the {metric_name(metric)} of {base} in "
        "the same seed, each at the guidance that suits it best; mean over seeds. Interpolated between budgets, "
        "logarithm against logarithm; ≤: there at the smallest budget already; unreached: not within the largest. "
        "A cost that is ≤ leaves a ratio that is ≥. Brackets: 95% interval over seeds."
    )


def _cell(reached: list[Reached | None], unit: float) -> str:
    known = [one for one in reached if one is not None]
    if not known:
        return "unreached"
    mean = sum(one.cost for one in known) / len(known) * unit
    text = ("≤ " if any(one.at_first for one in known) else "") + significant(mean)
    return text if len(known) == len(reached) else f"{text}, unreached in {len(reached) - len(known)} of {len(reached)}"


def _beside(base: dict, seeds: dict) -> str:
    """How many times cheaper than the base's own way to its quality, seed by seed."""
    found = saving(base, seeds, "tflop")
    if found is None:
        return f"unreached in {sum(by.get('tflop') is None for by in seeds.values())} of {len(seeds)} seeds"
    interval = f" ({found.low:.2f}× to {found.high:.2f}×)" if found.low is not None and seeds is not base else ""
    return f"{bound(seeds, 'tflop')}{found.value:.2f}×{interval}"


def bound(seeds: dict, budget: str) -> str:
    """The sign before a saving: what is known only as at most so much leaves a ratio of at least so much."""
    return "≥ " if any(by.get(budget) and by[budget].at_first for by in seeds.values()) else ""


def saving(base: dict, seeds: dict, budget: str) -> Effect | None:
    """The base's cost to its own quality over a line's, over seeds; None when one is unreached."""
    if not seeds or any(by.get(budget) is None or base.get(seed, {}).get(budget) is None for seed, by in seeds.items()):
        return None
    sides = {"base": {seed: base[seed][budget].cost for seed in seeds}}
    sides["line"] = {seed: by[budget].cost for seed, by in seeds.items()}
    return effect(sides, "base", "line", ratio=True)
