"""What is left of a workflow: runs done, running and to come, and about how long they take, from those that are done.

Snakemake's jobs say so when they end: the Snakefile tells them by the environment which studies were asked for, and how
many jobs go on at a time. How long a job took stands in Snakemake's own benchmark files.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from sprint.plan.outline import Outline, RunOutline, read_outline
from sprint.runtime import status
from sprint.runtime.errors import UserError

ASKED = "SPRINT_WORKFLOW"  # environment variable: {"studies": [name, ...], "at_once": jobs}
STAGES = ("train", "evaluate")  # the jobs of a run


@dataclass(frozen=True)
class Remaining:
    """Of the runs asked for."""

    done: int
    running: int
    to_come: int
    seconds: float | None  # None: no run has ended yet from which to tell

    def sentence(self) -> str:
        """`runs: 12 of 31 done, 2 running, 17 to come, about 6 min left`."""
        total = self.done + self.running + self.to_come
        said = f"runs: {self.done} of {total} done, {self.running} running, {self.to_come} to come"
        if self.seconds is None or total == self.done:
            return said
        return f"{said}, about {about(self.seconds)} left"


def say_remaining(preset: str, results: Path) -> None:
    """Print what is left of the workflow that this job is one of; nothing where it is none's."""
    if ASKED in os.environ:
        asked = json.loads(os.environ[ASKED])
        plan = read_outline(preset)
        if runs := plan.asked(asked["studies"]):
            print(remaining(plan, runs, results, asked["at_once"]).sentence())


def progress(plan: Outline, results: Path) -> str:
    """The sentence on a plan's core studies while any of their runs is not done; nothing afterwards."""
    left = remaining(plan, plan.asked(plan.core), results, max(1, (os.cpu_count() or 1) // plan.threads))
    return left.sentence() if left.running or left.to_come else ""


def remaining(plan: Outline, runs: list[RunOutline], results: Path, at_once: int) -> Remaining:
    """What is left of `runs`, `at_once` jobs at a time. Images of a method take as long as they did before."""
    done = [run for run in runs if (results / "runs" / run.name / "metrics.json").exists()]
    left = [run for run in runs if run not in done]
    running = [run for run in left if _is_running(results / "runs" / run.name)]
    each = [_seconds(run, plan, results) for run in left]
    known = sum(each) / max(1, min(at_once, len(left))) if None not in each else None
    return Remaining(len(done), len(running), len(left) - len(running), known)


def _is_running(folder: Path) -> bool:
    with suppress(UserError):  # of a damaged file; `sprint list` tells of it
        return status.read(folder).get("state") == "running"
    return False


def _seconds(run: RunOutline, plan: Outline, results: Path) -> float | None:
    """Of the jobs of a run that have not ended, as long as those of its method took, or else of any."""
    total = 0.0
    for stage in STAGES:
        if (results / "runs" / run.name / {"train": "train.json", "evaluate": "metrics.json"}[stage]).exists():
            continue
        took = list(_took(stage, run, plan.runs, results))
        mine = [seconds for method, seconds in took if method == _method(run)]
        if not took:
            return None
        total += median(mine or [seconds for _, seconds in took])
    return total


def _took(stage: str, run: RunOutline, others: list[RunOutline], results: Path) -> Iterator[tuple[str, float]]:
    """(method, seconds) of each job of this stage that has ended, as if its training had had as many images."""
    for other in others:
        path = results / "benchmarks" / f"{stage}-{other.name}.tsv"
        try:
            seconds = float(path.read_text(encoding="utf-8").splitlines()[1].split("\t")[0])
        except (OSError, ValueError, IndexError):
            continue
        trained = bool(run.schedule and other.schedule) and stage == "train"
        yield _method(other), seconds * (run.images_before() / other.images_before() if trained else 1)


def _method(run: RunOutline) -> str:
    return run.name.partition("-")[0]


def about(seconds: float) -> str:
    """`40 s`, `6 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
