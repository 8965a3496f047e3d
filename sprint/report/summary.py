"""Evaluations averaged over seeds, per setting and guidance: mean, range, interval, number.

Settings are compared under one guidance at a time, `ranking`; where each stands with its own best, `best_line`, that is
the best for the metric at hand, chosen on other seeds than it is told of, and whoever shows it says so.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property

import pandas as pd

from sprint.metrics import is_metric, metric_of
from sprint.report.format import logarithmic
from sprint.report.read import Run, Study
from sprint.statistics.intervals import Estimate, Sample, mean_of

AT_BEST = (  # its metric
    "Each setting, in each seed, with the guidance at which, of those evaluated, its own {} is best in the other seeds"
)


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

    @property
    def by_seed(self) -> dict[object, float]:
        return {seed: sample.value for seed, sample in self.samples.items()}

    def overlaps(self, other: "Spread") -> bool:
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True)
class Line:
    """One setting under one guidance at the end of training: every metric over seeds, and why one is missing."""

    setting: str
    guidance: str
    kind: str
    unguided: bool
    attention: str
    family: str
    scale: float | None
    keys: dict[str, str]  # of its evaluations, by run
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
    return sorted(found, key=lambda line: (not line.unguided, line.family, line.scale or 0.0))


def target_of(study: Study, setting: str) -> str:
    """Where a click on a setting leads: to its first run that ended well, or else to its first."""
    runs = study.settings[setting]
    return f"run:{next((run for run in runs if run.state == 'done'), runs[0]).name}"


def guidances(study: Study) -> list[str]:
    """The guidances of all lines of a study, unguided first: what tables, plots and sentences go through one by one."""
    found = [line for setting in study.settings for line in lines(study, setting)]
    ordered = sorted(found, key=lambda line: (not line.unguided, line.family, line.scale or 0.0))
    return list(dict.fromkeys(line.guidance for line in ordered))


def line_under(study: Study, setting: str, guidance: str) -> Line | None:
    """The line of a setting under a guidance; None where it was not evaluated under it."""
    return next((line for line in lines(study, setting) if line.guidance == guidance), None)


def best_line(study: Study, setting: str, metric: str) -> Line | None:
    """A setting at the guidance at which `metric` is best, as `best_of` chooses it; None when it has that nowhere."""
    return best_of(lines(study, setting), metric)


def best_of(known: list[Line], metric: str) -> Line | None:
    """The lines of a setting as one: for every seed that guidance under which the mean over the other seeds is best.

    So no image judges the guidance that it chose (cross-fitting); with one seed it does, as nothing else is there.
    Where seeds choose differently the line names each guidance, and has the sample keys of the most frequent one.
    """
    known = [line for line in known if metric in line.metrics]
    if not known:
        return None
    seeds = dict.fromkeys(seed for line in known for seed in line.metrics[metric].samples)
    chosen = {seed: _chosen_by_others(known, metric, seed) for seed in seeds}
    if len({line.guidance for line in chosen.values()}) == 1:
        return next(iter(chosen.values()))
    often = Counter(line.guidance for line in chosen.values())
    first = max(chosen.values(), key=lambda line: often[line.guidance])
    names = sorted({name for line in chosen.values() for name in line.metrics})
    return replace(
        first,
        guidance=" or ".join(sorted(often, key=lambda name: -often[name])),
        metrics={name: found for name in names if (found := _of_seeds(chosen, name)) is not None},
    )


def _chosen_by_others(known: list[Line], metric: str, seed: object) -> Line:
    """Of the lines that have this seed, the one that is best over the others, or over this one where it is alone."""
    mine = [line for line in known if seed in line.metrics[metric].samples]

    def value(line: Line) -> float:
        values = line.metrics[metric].by_seed
        others = [one for other, one in values.items() if other != seed] or [values[seed]]
        return sum(others) / len(others)

    return (max if metric_of(metric).better == "higher" else min)(mine, key=value)


def _of_seeds(chosen: dict[object, Line], name: str) -> Spread | None:
    """A metric over seeds, each from its own line."""
    samples = {
        seed: line.metrics[name].samples[seed]
        for seed, line in chosen.items()
        if name in line.metrics and seed in line.metrics[name].samples
    }
    values = [sample.value for sample in samples.values()]
    if not values:
        return None
    return Spread(sum(values) / len(values), min(values), max(values), len(values), samples, logarithmic(name))


def ranking(study: Study, guidance: str) -> list[tuple[str, Line]]:
    """Settings with their line under one guidance, the best of the primary metric first."""
    return _ranked(study, {setting: line_under(study, setting, guidance) for setting in study.settings})


def best_against_best(study: Study) -> list[tuple[str, Line]]:
    """Settings with the guidance at which each one's primary metric is best, the best first."""
    return _ranked(study, {setting: best_line(study, setting, study.primary) for setting in study.settings})


def at_the_end(study: Study) -> list[Line]:
    """The lines of best_against_best at the strongest guidance of their kind that was tried: more may serve better."""
    return [line for setting, line in best_against_best(study) if _is_strongest(line, lines(study, setting))]


def _is_strongest(line: Line, known: list[Line]) -> bool:
    """Whether a line is guided, and none of its kind with a higher scale."""
    alike = [one for one in known if one.family == line.family and not one.unguided]
    return not line.unguided and line.scale == max(one.scale for one in alike)


def _ranked(study: Study, found: dict[str, Line | None]) -> list[tuple[str, Line]]:
    known = [(setting, line) for setting, line in found.items() if line and study.primary in line.metrics]
    if not known:
        return []
    return sorted(
        known, key=lambda pair: pair[1].metrics[study.primary].mean, reverse=metric_of(study.primary).better == "higher"
    )


def training_share(study: Study, runs: list[Run]) -> float | None:
    """Training FLOP of a setting over those of the study's dense one, or else over a dense run's of as many steps."""
    known = next((run.cost for run in runs if "train_flops_vs_dense" in run.cost), None)
    if known is None:
        return None
    usual = [
        run
        for run in study.runs
        if "train_flops" in run.cost and drops_nothing(run) and run.config.get("overrides") == {}
    ]
    spent = {run.cost["train_flops"] for run in usual}
    return known["train_flops"] / spent.pop() if len(spent) == 1 else known["train_flops_vs_dense"]


def drops_nothing(run: Run) -> bool:
    """Whether a run drops no tokens by any rule: what others are held against."""
    return run.factor("drop") == 0 and not run.factor("subsampling")


@dataclass(frozen=True)
class Point:
    """One milestone of a setting: means over seeds of cost so far, spread of the metric asked for."""

    step: int
    tflop: float
    seconds: float
    spread: Spread


def curve(study: Study, setting: str, metric: str) -> list[Point]:
    """A metric along training under the guidance of all of the study's curves; by step."""
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
    """The evaluations of a setting's milestones under `curve_guidance`."""
    if study.frame.empty:
        return study.frame
    mine = study.frame[study.frame["setting"] == setting]
    return mine[mine["guidance"] == curve_guidance(study)]


def curve_guidance(study: Study) -> str:
    """The one guidance under which a study is followed along training: of most milestones, unguided before others."""
    steps = study.frame.groupby("guidance", sort=False)[["run", "step"]].apply(lambda rows: len(rows.drop_duplicates()))
    unguided = set(study.frame.loc[study.frame["unguided"], "guidance"])
    return max(steps.index, key=lambda name: (steps[name], name in unguided))


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
        unguided=bool(first["unguided"]),
        attention=first["attention"],
        family=first["family"],
        scale=None if pd.isna(first["scale"]) else float(first["scale"]),
        keys=dict(zip(group["run"], group["key"], strict=True)),
        metrics={name: value for name, value in metrics.items() if value is not None},
        reasons=reasons,
    )
