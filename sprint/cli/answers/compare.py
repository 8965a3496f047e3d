"""Two settings side by side with what their difference is worth: `sprint compare RUN RUN --preset digits`.

Each run stands for its setting: all seeds of it that were evaluated are used, and differences are taken seed by seed.
As in the report, the second is held against the first: by its ratio where the metric has them, else by its difference;
here the noise is that of the two alone, a paired t test, where the report pools it over a study.
"""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.table import Table

from sprint.metrics import is_metric, metric_of
from sprint.plan.schema import Plan, Run
from sprint.report.format import drawn_text, logarithmic, metric_text
from sprint.report.pairs import effect_text
from sprint.runtime import status
from sprint.runtime.code import apart, remark
from sprint.runtime.errors import UserError
from sprint.runtime.progress import console
from sprint.runtime.results import METRICS
from sprint.statistics.comparable import conflicts
from sprint.statistics.effects import Effect, effect
from sprint.statistics.intervals import Estimate, Sample, mean_of

Evaluations = dict[int, list[dict]]  # by seed
SIDES = ("first", "second")
NOTE = "brackets: 95% intervals; of one side's mean over seeds and images, of the effect over seeds"


def print_comparison(plan: Plan, results: Path, first: str, second: str) -> None:
    """Print the table. Raises UserError where a run is unknown, not evaluated, or evaluated in another way."""
    runs = [plan.run(name) for name in (first, second)]
    sides = [evaluations_of(plan, results, run) for run in runs]
    if found := conflicts([entry for side in sides for entries in side.values() for entry in entries]):
        raise UserError(
            f"runs {first} and {second} are not comparable: their evaluations differ in {'; '.join(found)}; "
            "allowed to differ: weights, guidance and attention"
        )
    rows = rows_of(*sides)
    if not rows:
        raise UserError(f"runs {first} and {second} share no guidance and no seed under which both were evaluated")
    columns = ("guidance", "metric", "first", "second", "second against first", "seeds")
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*row)
    screen = console()
    screen.print(f"first:  {runs[0].label}\nsecond: {runs[1].label}\n")
    screen.print(table)
    shared = sorted(set(sides[0]) & set(sides[1]))
    note = "one seed in common: no interval" if len(shared) == 1 else NOTE
    screen.print(f"\n{note}; seeds in common: {', '.join(map(str, shared))}")
    for other in _unlike(plan, results, runs):
        screen.print(other, markup=False, soft_wrap=True)


def _unlike(plan: Plan, results: Path, runs: list[Run]) -> list[str]:
    """A sentence for each run of both settings whose code or torch is not today's, and where torch is not the same."""
    both = [_setting(run) for run in runs]
    names = [one.name for one in plan.runs().values() if _setting(one) in both]
    paths = {name: results / "runs" / name / "metrics.json" for name in names}
    trained = {name: status.read(results / "runs" / name) for name in names}
    measured = {name: METRICS.read(path) for name, path in paths.items() if path.exists()}
    found = [(name, remark(record)) for name, record in trained.items()]
    found += [(name, remark(record, "measured")) for name, record in measured.items()]
    unlike = [apart(trained), apart(measured, "measured")]
    return [*(f"{name}: {other}" for name, other in found if other), *filter(None, unlike)]


def evaluations_of(plan: Plan, results: Path, run: Run) -> Evaluations:
    """Evaluations of the last milestone of all seeds of a run's setting that have any."""
    setting = _setting(run)
    found = {}
    for other in [one for one in plan.runs().values() if _setting(one) == setting]:
        path = results / "runs" / other.name / "metrics.json"
        entries = METRICS.read(path)["evaluations"] if path.exists() else []
        if entries:
            last = max(entry["step"] for entry in entries)
            found[other.seed] = [entry for entry in entries if entry["step"] == last]
    if not found:
        raise UserError(
            f"run {run.name!r} is not evaluated yet; first: snakemake --cores all "
            f"{results}/runs/{run.name}/metrics.json --config preset={run.preset}"
        )
    return found


def _setting(run: Run) -> dict:
    return {key: value for key, value in dataclasses.asdict(run).items() if key != "seed"}


def rows_of(first: Evaluations, second: Evaluations) -> list[list[str]]:
    """One row per guidance and metric that both have in some seed."""
    rows = []
    for guidance in _guidances(first):
        pair = [_samples(side, guidance) for side in (first, second)]
        for metric in [name for name in pair[0] if name in pair[1]]:
            sides = [samples[metric] for samples in pair]
            table = {
                name: {seed: one.value for seed, one in side.items()} for name, side in zip(SIDES, sides, strict=True)
            }
            found = effect(table, *reversed(SIDES), logarithmic(metric))
            if found is not None:
                means = [mean_of([*side.values()], logarithmic(metric)) for side in sides]
                cells = [_mean_text(one, metric) for one in means]
                rows.append([guidance, metric, *cells, _effect_text(found, metric), str(found.seeds)])
    return rows


def _guidances(side: Evaluations) -> list[str]:
    return list(dict.fromkeys(drawn_text(entry) for entries in side.values() for entry in entries))


def _samples(side: Evaluations, guidance: str) -> dict[str, dict[int, Sample]]:
    """{metric: {seed: sample}} under one guidance, of the metrics that the report's main tables show."""
    found: dict[str, dict[int, Sample]] = {}
    for seed, entries in side.items():
        for entry in entries:
            if drawn_text(entry) == guidance:
                for metric, value in entry["metrics"].items():
                    if value is not None and is_metric(metric) and metric_of(metric).table == "main":
                        replicates = tuple(entry.get("bootstrap", {}).get(metric, ()))
                        found.setdefault(metric, {})[seed] = Sample(value, replicates)
    return found


def _mean_text(found: Estimate, metric: str) -> str:
    return _text_of(partial(metric_text, metric), found.mean, found.low, found.high)


def _effect_text(found: Effect, metric: str) -> str:
    return _text_of(partial(effect_text, metric, ratio=found.ratio), found.value, found.low, found.high)


def _text_of(written: Callable[[float], str], value: float, low: float | None, high: float | None) -> str:
    """A number with its interval, where there is one."""
    return written(value) if low is None or high is None else f"{written(value)} [{written(low)}, {written(high)}]"
