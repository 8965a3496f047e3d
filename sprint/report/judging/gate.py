"""What a preset can test: whether depth matters to its task at all, and whether trained networks use their deep part.

Claims about the deep path say nothing where few blocks do as well as all of them. Study `control` trains the network
that drops nothing at several depths: its shallowest one is held against the full one, metric by metric. A method that
can skip its deep part has its held-out loss measured both ways.
"""

from dataclasses import dataclass, field

from sprint.metrics import metric_of
from sprint.report.format import logarithmic, metric_name
from sprint.report.learned import nothing_learned
from sprint.report.read import Run, Study
from sprint.report.summary import Line, best_line, drops_nothing, lines
from sprint.report.tables import table_metrics
from sprint.statistics.effects import Effect, against, effect

CONTROL = "control"  # the study that answers
SKIPPED = "_skipped"  # ends the name of a metric that is another one with the deep part skipped


@dataclass(frozen=True)
class Skip:
    """What skipping the deep part does to a setting: a metric skipped, minus the same with all parts."""

    study: Study
    setting: str
    metric: str
    line: Line
    effect: Effect


@dataclass(frozen=True)
class Gate:
    """The shallowest network against the full one by metric, or why that is not known; and what skipping does."""

    study: Study | None = None
    why: str = ""
    few: str = ""
    full: str = ""
    effects: dict[str, Effect] = field(default_factory=dict)
    skips: list[Skip] = field(default_factory=list)

    def refuses(self, metric: str) -> str:
        """Why nothing about the deep part can be tested by a metric; empty where it can."""
        if self.why:
            return self.why
        found = self.effects.get(metric)
        if found is None:
            return f"study {CONTROL} has no {metric_name(metric)} of {self.few} and {self.full} in one seed"
        if not worse(metric, found):
            return f"{self.few} does as well as {self.full} in {metric_name(metric)}, as far as can be told"
        return ""


def worse(metric: str, found: Effect) -> bool:
    """Whether the interval of an effect says that the first is worse than the second."""
    more = found.value > (1.0 if found.ratio else 0.0)
    return found.sure and more == (metric_of(metric).better == "lower")


def gate_of(studies: list[Study]) -> Gate:
    """The gate of a report; what it lacks is said."""
    skips = _skips(studies)
    study = next((study for study in studies if study.name == CONTROL), None)
    if study is None:
        return Gate(None, f"study {CONTROL}, which trains shallower networks, is not part of this report", skips=skips)
    if study.conflicts or nothing_learned(study):
        return Gate(study, f"study {CONTROL} allows no comparison", skips=skips)
    few, full = _ends(study)
    if not few or not full:
        return Gate(study, f"study {CONTROL} has no network with fewer blocks that was evaluated", skips=skips)
    return Gate(study, "", few, full, _depth(study, few, full), skips)


def _ends(study: Study) -> tuple[str, str]:
    """The settings that drop nothing and train as the preset says, of the fewest and of the most blocks."""
    plain = {name: runs[0] for name, runs in study.settings.items() if drops_nothing(runs[0]) and lines(study, name)}
    depths = {name: _blocks(run) for name, run in plain.items() if not _trains_otherwise(run)}
    if len(set(depths.values())) < 2:
        return "", ""
    return min(depths, key=depths.__getitem__), max(depths, key=depths.__getitem__)


def _blocks(run: Run) -> int:
    return run.factor("model.depth") or 0


def _trains_otherwise(run: Run) -> bool:
    """Whether more than the number of blocks sets a run apart."""
    return bool(set(run.config.get("overrides", {})) - {"depth"})


def _depth(study: Study, few: str, full: str) -> dict[str, Effect]:
    """The shallowest against the full network by metric, each at its best guidance; intervals hold over the study."""
    found = {}
    for metric in table_metrics(study):
        best = {setting: best_line(study, setting, metric) for setting in study.settings}
        table = {name: line.metrics[metric].by_seed for name, line in best.items() if line is not None}
        known = against(table, full, logarithmic(metric)) if full in table else {}
        found |= {metric: known[few]} if few in known else {}
    return found


def _skips(studies: list[Study]) -> list[Skip]:
    """By setting, the first study that has it; of one seed only where all are."""
    found = [skip for study in studies if not study.sweep for skip in _skips_of(study)]
    several = [skip for skip in found if skip.effect.low is not None]
    return list({skip.setting: skip for skip in reversed(several or found)}.values())[::-1]


def _skips_of(study: Study) -> list[Skip]:
    found = []
    for setting in study.settings:
        for line in lines(study, setting):
            for metric in [name for name in line.metrics if f"{name}{SKIPPED}" in line.metrics]:
                sides = {name: line.metrics[name].by_seed for name in (metric, f"{metric}{SKIPPED}")}
                skipped = effect(sides, f"{metric}{SKIPPED}", metric, ratio=False)
                found += [Skip(study, setting, metric, line, skipped)] if skipped is not None else []
    return found
