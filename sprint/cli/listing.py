"""What there is and what is done: the tables of `sprint list`, and a study as the report is told it."""

import os
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sprint.cli.remaining import remaining
from sprint.plan.outline import Outline, RunOutline, StudyOutline
from sprint.plan.targets import study_results
from sprint.runtime import status
from sprint.runtime.code import remark
from sprint.runtime.errors import UserError
from sprint.runtime.progress import console
from sprint.runtime.results import EXTRACTOR, FLOOR, METRICS, SWEEP, TRAIN, Kind

DAMAGED = "damaged"
WIDE = 400  # columns; a name that a terminal breaks is still one name when it is copied


def print_plan(plan: Outline, results: Path) -> None:
    """Studies and runs of a preset, as targets of snakemake, and what is left of the core studies."""
    screen, wide = console(), Console(width=WIDE)
    studies = Table("study", "runs", "done", "question", box=None, padding=(0, 2, 0, 0))
    for study in plan.studies:
        evaluated = sum((results / "runs" / run / "metrics.json").exists() for run in study.runs)
        done = "yes" if is_done(study, results) else "no"
        studies.add_row(study.name, f"{evaluated}/{len(study.runs)}", done, study.question)
    screen.print(studies)
    runs = Table("run", "state", "steps", "training s", "images/s", box=None, padding=(0, 2, 0, 0))
    found = {run.name: ended(results, run) for run in plan.runs}
    for run in plan.runs:
        runs.add_row(run.name, found[run.name]["state"], *_spent(found[run.name], run))
    screen.print()
    wide.print(runs)
    for damaged in (one["reason"] for one in found.values() if one["state"] == DAMAGED):
        screen.print(f"\nnot read: {damaged}", markup=False, soft_wrap=True)
    for run, other in {name: remark(one) for name, one in found.items()}.items():
        if other:
            anew = TRAIN.command(results / "runs" / run / "train.json")
            screen.print(f"\n{run}: {other}; `{anew}` trains it anew", markup=False, soft_wrap=True)
    for other in _of_other_code(plan, results):
        screen.print(f"\n{other}", markup=False, soft_wrap=True)
    at_once = max(1, (os.cpu_count() or 1) // plan.threads)
    print(f"\nThe core studies ({', '.join(plan.core)}):")
    print(remaining(plan, plan.asked(plan.core), results, at_once).sentence())
    print("They, and one study by its name:")
    open_ones = [study.name for study in plan.studies if not is_done(study, results)]
    print(command(plan.preset))
    print(command(plan.preset, (open_ones or plan.core)[0]))


def _of_other_code(plan: Outline, results: Path) -> list[str]:
    """A sentence for all files measured by the same other code or torch, with what measures them anew."""
    made: list[tuple[str, Kind, str, str]] = [
        ("extractor", EXTRACTOR, f"extractors/{name}.json", "") for name in plan.trained_extractors
    ]
    made += [("reference", FLOOR, "reference/floor.json", "")]
    made += [("evaluate", METRICS, f"runs/{run.name}/metrics.json", "") for run in plan.runs]
    made += [("sweep", SWEEP, f"sweeps/{one.name}/{run}.json", one.name) for one in plan.studies for run in one.sweeps]
    found: dict[str, list[Path]] = {}
    for rule, kind, name, target in made:
        path = results / name
        if not path.exists():
            continue
        try:
            other = remark(kind.read(path), "trained" if kind is EXTRACTOR else "measured")
        except UserError as error:
            found[f"not read: {error}"] = []
            continue
        if other:
            anew = f"{command(plan.preset, target)} --forcerun {rule}"
            found.setdefault(f"{other}; `{anew}` makes it anew", []).append(path)
    return [": ".join(filter(None, [_and_more(paths), said])) for said, paths in found.items()]


def _and_more(paths: list[Path]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}" if paths else ""


def is_done(study: StudyOutline, results: Path) -> bool:
    """Whether every result is there that the study's report reads."""
    return all(Path(path).exists() for path in study_results(study, str(results)))


def ended(results: Path, run: RunOutline) -> dict:
    """What became of a run: its state is done, diverged, failed, interrupted, running, damaged, or "-" before all."""
    try:
        return status.read(results / "runs" / run.name) or {"state": "-"}
    except UserError as error:
        return {"state": DAMAGED, "reason": str(error)}


def _spent(trained: dict, run: RunOutline) -> tuple[str, str, str]:
    if "seconds" not in trained or not run.schedule:
        return "-", "-", "-"
    images = run.images_before(trained["step"])
    return f"{trained['step']}", f"{trained['seconds']:.1f}", f"{images / max(trained['seconds'], 1e-9):.0f}"


def command(preset: str, target: str = "") -> str:
    """What a user types to build a target, or all."""
    scale = "" if preset == "digits" else f"--config preset={preset}"
    return " ".join(filter(None, ["snakemake --cores all", target, scale]))


def for_report(plan, study) -> dict:
    """A study as plain data: the report reads no configuration."""
    return {
        "name": study.name,
        "title": study.title,
        "question": study.question,
        "vary": study.vary,
        "runs": [run.name for run in study.runs],
        "configs": {run.name: run.document() | {"label": run.label} for run in study.runs},
        "impossible": study.impossible,
        "evaluate": sorted(study.sweeps) or None,
        "extractors": list(plan.preset.evaluate.extractors),
        "tuning_seeds": plan.preset.tuning_seeds,
        "tuned": plan.preset.tuned,
        "command": command(plan.preset.name, study.name),
    }
