"""The report of a preset: read, ask every view for its blocks, write the pages."""

from pathlib import Path

from sprint.report.export import study_csv
from sprint.report.judging.outcomes import as_json
from sprint.report.pages.beside import read_other
from sprint.report.pages.write import write_pages, write_study
from sprint.report.published import read_published
from sprint.report.read import read_study
from sprint.report.views import HEADLINE, Report
from sprint.report.views.verdicts import judged
from sprint.runtime.files import write_json, write_text


def render_index(
    preset: str, results: Path, studies: list[dict], out: Path, progress: str = "", against: Path | None = None
) -> None:
    """Writes index.html, `out`, the pages beside it, and verdicts.json, on all `studies`, as `read_study` takes them.

    `progress` says what is left to run; `against` is another folder of results to hold these against.
    """
    plans = sorted(studies, key=lambda plan: plan["name"] != HEADLINE)
    other = read_other(preset, against, plans) if against else None
    report = _read(preset, results, plans, whole=True, progress=progress, other=other)
    write_json(out.with_name("verdicts.json"), as_json(judged(report)))
    write_pages(report, out.parent)


def render_study(preset: str, results: Path, study: dict, out: Path) -> None:
    """Writes the page of one study alone with those of its runs, and its numbers as CSV beside it."""
    report = _read(preset, results, [study], whole=False)
    write_study(report, out)
    write_text(out.with_suffix(".csv"), study_csv(report.studies[0]))


def _read(preset: str, results: Path, plans: list[dict], whole: bool, **more) -> Report:
    studies = [read_study(preset, Path(results), plan) for plan in plans]
    tuning = tuple(sorted({seed for plan in plans for seed in plan.get("tuning_seeds", ())}))
    tuned = next((plan["tuned"] for plan in plans if plan.get("tuned")), "")
    return Report(preset, Path(results), studies, read_published(), whole, tuning, tuned, **more)
