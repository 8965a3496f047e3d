"""The command that a row shows runs the row again: Snakemake, asked, plans it where all is finished."""

import re
import shlex
from pathlib import Path

import pytest

from sprint.cli.listing import for_report
from sprint.plan.reading import load_plan
from sprint.report.read import read_study
from sprint.report.tables import rerun_command
from sprint.runtime.files import write_json


@pytest.fixture(scope="module")
def finished(new_workspace) -> Path:
    """A project in which the runs of study guidance have been trained, evaluated and swept, as far as files tell."""
    folder = new_workspace("finished")
    results, plan = folder / "results/smoke", load_plan("smoke", folder)
    for name in plan.preset.evaluate.extractors:
        for ending in ("safetensors", "json"):
            write_json(results / "extractors" / f"{name}.{ending}", {})
    for name in ("features.safetensors", "floor.json"):
        write_json(results / "reference" / name, {})
    runs = plan.study("guidance").runs
    for name in ("train.json", "metrics.json", "metrics.time.json"):
        for run in runs:
            write_json(results / "runs" / run.name / name, {})
    for run in runs:
        write_json(results / "sweeps" / "guidance" / f"{run.name}.json", {})
        write_json(results / "sweeps" / "guidance" / f"{run.name}.time.json", {})
    return folder


def planned(done) -> dict[str, int]:
    """Jobs by rule that `snakemake -n` would run."""
    assert done.returncode == 0, done.stdout + done.stderr
    table = re.search(r"^job +count\n-[- ]+\n(.*?)^total", done.stdout + done.stderr, re.M | re.S)
    return {row.split()[0]: int(row.split()[1]) for row in table[1].splitlines()} if table else {}


@pytest.mark.parametrize(
    "swept, expected",
    [(True, {"train": 1, "evaluate": 1, "sweep": 1}), (False, {"train": 1, "evaluate": 1})],
)
def test_the_command_of_a_row_trains_and_evaluates_it_again_and_nothing_else(finished, snakemake, swept, expected):
    plan = load_plan("smoke", finished)
    told = for_report(plan, plan.study("guidance")) | ({} if swept else {"evaluate": None})
    study = read_study("smoke", finished / "results" / "smoke" / "absent", told)
    _, _, _, *words = shlex.split(rerun_command(study, study.runs[0]))
    idle = [word for word in words if word not in ("--forcerun", "train")]
    assert planned(snakemake("-n", *idle, cwd=finished)) == {}
    assert planned(snakemake("-n", *words, cwd=finished)) == expected
