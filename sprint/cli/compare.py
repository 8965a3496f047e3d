"""Two settings side by side with what their difference is worth: `sprint compare RUN RUN --preset digits`.

Each run stands for its setting: all seeds of it that were evaluated are used, and differences are taken seed by seed.
"""

import dataclasses
from pathlib import Path

from rich.table import Table

from sprint.diffusion.guidance import text as guidance_text
from sprint.plan.schema import Plan, Run
from sprint.runtime.errors import UserError
from sprint.runtime.files import read_json
from sprint.runtime.progress import console
from sprint.statistics.comparable import conflicts
from sprint.statistics.intervals import Estimate, Sample, difference, mean_of, ratio

METRICS = ("fd", "accuracy")  # those with replicates, before a slash
Evaluations = dict[int, list[dict]]  # by seed


def print_comparison(plan: Plan, results: Path, first: str, second: str) -> None:
    """Print the table. Raises UserError where a run is unknown, not evaluated, or evaluated in another way."""
    runs = [plan.run(name) for name in (first, second)]
    sides = [evaluations_of(plan, results, run) for run in runs]
    if found := conflicts([entry for side in sides for entries in side.values() for entry in entries]):
        raise UserError(
            f"runs {first} and {second} are not comparable: their evaluations differ in {'; '.join(found)}; "
            "allowed to differ: weights and guidance"
        )
    rows = rows_of(*sides)
    if not rows:
        raise UserError(f"runs {first} and {second} share no guidance and no seed under which both were evaluated")
    table = Table(
        "guidance", "metric", "first", "second", "first - second", "ratio", "P(first lower)", "seeds", box=None
    )
    for row in rows:
        table.add_row(*row)
    screen = console()
    screen.print(f"first:  {runs[0].label}\nsecond: {runs[1].label}\n")
    screen.print(table)
    shared = sorted(set(sides[0]) & set(sides[1]))
    note = (
        "one seed in common: no interval" if len(shared) == 1 else "brackets: 95% interval, seeds and images resampled"
    )
    screen.print(f"\n{note}; seeds in common: {', '.join(map(str, shared))}")


def evaluations_of(plan: Plan, results: Path, run: Run) -> Evaluations:
    """Evaluations of the last milestone of all seeds of a run's setting that have any."""
    setting = _setting(run)
    found = {}
    for other in [one for one in plan.runs().values() if _setting(one) == setting]:
        path = results / "runs" / other.name / "metrics.json"
        entries = read_json(path)["evaluations"] if path.exists() else []
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
            mine, theirs = pair[0][metric], pair[1][metric]
            less = difference(mine, theirs)
            if less is not None:
                times = ratio(mine, theirs) if metric != "accuracy" else None
                means = [mean_of([*side.values()], metric != "accuracy") for side in (mine, theirs)]
                seeds = str(less.seeds)
                below = "-" if less.below is None else f"{(times or less).below:.3f}"
                cells = [text(one) for one in (*means, less)]
                rows.append([guidance, metric, *cells, text(times) if times else "-", below, seeds])
    return rows


def _guidances(side: Evaluations) -> list[str]:
    return list(dict.fromkeys(_text(entry) for entries in side.values() for entry in entries))


def _text(entry: dict) -> str:
    return guidance_text(entry["guidance"])


def _samples(side: Evaluations, guidance: str) -> dict[str, dict[int, Sample]]:
    """{metric: {seed: sample}} under one guidance, of the metrics that exist."""
    found: dict[str, dict[int, Sample]] = {}
    for seed, entries in side.items():
        for entry in entries:
            if _text(entry) == guidance:
                for metric, value in entry["metrics"].items():
                    if metric.partition("/")[0] in METRICS and value is not None:
                        replicates = tuple(entry.get("bootstrap", {}).get(metric, ()))
                        found.setdefault(metric, {})[seed] = Sample(value, replicates)
    return found


def text(found: Estimate) -> str:
    """A mean with its interval, where there is one."""
    return f"{found.mean:.4g}" if found.low is None else f"{found.mean:.4g} [{found.low:.4g}, {found.high:.4g}]"
