"""The runs of a report, each once, and how far a study is."""

from sprint.report.read import Run, Study
from sprint.report.views import Report


def all_runs(report: Report) -> dict[str, Run]:
    """All runs by name; of one that several studies have, as one knows it that did not only sweep it."""
    found: dict[str, Run] = {}
    for run in (run for study in report.studies for run in study.runs):
        if run.name not in found or found[run.name].swept:
            found[run.name] = run
    return found


def status_of(study: Study) -> str:
    """How many runs stand behind a study and what became of the others."""
    states = {"done": 0} if any(run.state == "done" for run in study.runs) else {}
    for run in study.runs:
        states[run.state] = states.get(run.state, 0) + 1
    parts = [f"{count} {state}" for state, count in states.items()]
    return ", ".join(parts + ([f"{len(study.impossible)} impossible"] if study.impossible else [])) or "no runs"
