"""What there is and what is done: the tables of `sprint list`, and a study as the report is told it."""

from pathlib import Path

from rich.table import Table

from sprint.plan.schedule import images_before
from sprint.plan.schema import Plan, Run, Study
from sprint.runtime import status
from sprint.runtime.code import told
from sprint.runtime.errors import UserError
from sprint.runtime.progress import console
from sprint.runtime.results import TRAIN

DAMAGED = "damaged"


def print_plan(plan: Plan, results: Path) -> None:
    """Studies and runs of a preset, as targets of snakemake."""
    screen = console()
    studies = Table("study", "question", "runs", "done", "command", box=None, padding=(0, 2, 0, 0))
    for study in plan.studies.values():
        done = sum(ended(results, run)["state"] in ("done", "diverged") for run in study.runs)
        whole = (
            "yes" if (results.parent.parent / "reports" / plan.preset.name / f"{study.name}.html").exists() else "no"
        )
        count = f"{done}/{len(study.runs)}"
        studies.add_row(
            study.name, study.title, count, whole if done == len(study.runs) else "no", command(plan, study.name)
        )
    screen.print(studies)
    runs = Table("run", "state", "steps", "training s", "images/s", box=None, padding=(0, 2, 0, 0))
    found = {run.name: ended(results, run) for run in plan.runs().values()}
    for run in plan.runs().values():
        runs.add_row(run.name, found[run.name]["state"], *_spent(found[run.name], run))
    screen.print()
    screen.print(runs)
    for damaged in (one["reason"] for one in found.values() if one["state"] == DAMAGED):
        screen.print(f"\nnot read: {damaged}", markup=False, soft_wrap=True)
    for run, other in {name: told(one) for name, one in found.items()}.items():
        if other:
            anew = TRAIN.command(results / "runs" / run / "train.json")
            screen.print(f"\n{run}: {other}; `{anew}` trains it anew", markup=False, soft_wrap=True)


def ended(results: Path, run: Run) -> dict:
    """What became of a run: its state is done, diverged, failed, interrupted, running, damaged, or "-" before all."""
    try:
        return status.read(results / "runs" / run.name) or {"state": "-"}
    except UserError as error:
        return {"state": DAMAGED, "reason": str(error)}


def _spent(trained: dict, run: Run) -> tuple[str, str, str]:
    if "seconds" not in trained:
        return "-", "-", "-"
    images = images_before(run, trained["step"])
    return f"{trained['step']}", f"{trained['seconds']:.1f}", f"{images / max(trained['seconds'], 1e-9):.0f}"


def command(plan: Plan, target: str) -> str:
    """What a user types to build a target."""
    scale = "" if plan.preset.name == "digits" else f" --config preset={plan.preset.name}"
    return f"snakemake --cores all {target}{scale}"


def for_report(plan: Plan, study: Study) -> dict:
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
        "command": command(plan, study.name),
    }
