"""Evaluations averaged over seeds, per setting and guidance: mean, range, interval, number; and the best guidance."""

from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from sprint.metrics import is_metric
from sprint.report.format import logarithmic
from sprint.report.read import Study
from sprint.statistics.intervals import Estimate, Sample, mean_of


@dataclass(frozen=True)
class Spread:
    """Mean over seeds with the lowest and the highest. With one seed all three are equal and say nothing of noise."""

    mean: float
    low: float
    high: float
    seeds: int
    samples: dict[object, Sample] = field(default_factory=dict, repr=False, compare=False)  # by seed
    logarithmic: bool = False  # whether its interval is taken on a logarithmic scale

    @cached_property
    def estimate(self) -> Estimate:
        """The mean with its interval over seeds and images; without one where there is one seed."""
        return mean_of([*self.samples.values()], self.logarithmic)

    @property
    def interval(self) -> tuple[float, float] | None:
        found = self.estimate
        return None if found.low is None else (found.low, found.high)

    def overlaps(self, other: "Spread") -> bool:
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True)
class Line:
    """One setting under one guidance at the end of training: every metric over seeds, and why one is missing."""

    setting: str
    guidance: str
    kind: str
    family: str
    scale: float | None
    metrics: dict[str, Spread]
    reasons: dict[str, str]


def spread(group: pd.DataFrame, metric: str) -> Spread | None:
    """The spread over the seeds of a group of a metric, where it exists; None when it exists nowhere."""
    known = group.dropna(subset=[metric])
    if known.empty:
        return None
    rows = zip(known["seed"], known[metric], known["bootstrap"], strict=True)
    samples = {seed: Sample(value, tuple(replicates.get(metric, ()))) for seed, value, replicates in rows}
    values = known[metric]
    return Spread(values.mean(), values.min(), values.max(), len(values), samples, logarithmic(metric))


def lines(study: Study, setting: str) -> list[Line]:
    """All evaluations of a setting at the end of training, unguided first, then by guidance and scale."""
    if setting not in study.memory:
        study.memory[setting] = _lines(study, setting)
    return study.memory[setting]


def _lines(study: Study, setting: str) -> list[Line]:
    final = study.final
    if final.empty:
        return []
    mine = final[final["setting"] == setting]
    several = mine["sampler"].nunique() > 1
    groups = mine.groupby(["kind", "guidance", "sampler", "images"], sort=False, dropna=False)
    found = [_line(setting, group, several) for _, group in groups]
    return sorted(found, key=lambda line: (line.kind != "none", line.family, line.scale or 0.0))


def chosen_lines(study: Study, setting: str) -> list[Line]:
    """What a table shows of a setting: unguided and, where another guidance was evaluated, the best of those."""
    found = lines(study, setting)
    unguided = [line for line in found if line.kind == "none"][:1]
    best = best_line(study, setting)
    return unguided if best is None or best in unguided else [*unguided, best]


def best_line(study: Study, setting: str) -> Line | None:
    """The guidance with the lowest mean of the primary metric among those evaluated; None when nothing was."""
    ranked = [line for line in lines(study, setting) if study.primary in line.metrics]
    return min(ranked, key=lambda line: line.metrics[study.primary].mean, default=None)


def ranking(study: Study) -> list[tuple[str, Line]]:
    """Settings with their best guidance, best first."""
    best = {setting: best_line(study, setting) for setting in study.settings}
    found = [(setting, line) for setting, line in best.items() if line is not None]
    return sorted(found, key=lambda pair: pair[1].metrics[study.primary].mean)


@dataclass(frozen=True)
class Point:
    """One milestone of a setting: means over seeds of cost so far, spread of the metric asked for."""

    step: int
    tflop: float
    seconds: float
    spread: Spread


def curve(study: Study, setting: str, metric: str) -> list[Point]:
    """A metric along training under the guidance evaluated at most steps, unguided first; by step."""
    same = along(study, setting)
    if same.empty or metric not in same:
        return []
    points = []
    for step, group in same.groupby("step"):
        found = spread(group, metric)
        if found is not None:
            points.append(Point(int(step), group["tflop"].mean(), group["seconds"].mean(), found))
    return points


def along(study: Study, setting: str) -> pd.DataFrame:
    """The evaluations of a setting's milestones, all under the guidance evaluated at most steps, unguided first."""
    if study.frame.empty:
        return study.frame
    mine = study.frame[study.frame["setting"] == setting]
    if mine.empty:
        return mine
    steps = mine.groupby(["guidance", "sampler", "images"], sort=False)["step"].nunique()
    guidance, sampler, images = max(steps.index, key=lambda key: (steps[key], key[0] == "unguided"))
    return mine[(mine["guidance"] == guidance) & (mine["sampler"] == sampler) & (mine["images"] == images)]


def _line(setting: str, group: pd.DataFrame, several_samplers: bool) -> Line:
    first = group.iloc[0]
    metrics = {name: spread(group, name) for name in group.columns if is_metric(name)}
    reasons: dict[str, str] = {}
    for seed, given in zip(group["seed"], group["reasons"], strict=True):
        reasons |= {metric: f"{reason} (seed {seed})" for metric, reason in given.items()}
    return Line(
        setting=setting,
        guidance=first["guidance"] + (f" ({first['sampler']})" if several_samplers else ""),
        kind=first["kind"],
        family=first["family"],
        scale=None if pd.isna(first["scale"]) else float(first["scale"]),
        metrics={name: value for name, value in metrics.items() if value is not None},
        reasons=reasons,
    )
