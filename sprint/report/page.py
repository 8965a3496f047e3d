"""The page: read, ask every view for its blocks, render with autoescape into one file that needs no network."""

import re
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sprint.report.blocks import Block
from sprint.report.export import study_csv
from sprint.report.judging.outcomes import as_json
from sprint.report.published import read_published
from sprint.report.read import Study, read_study
from sprint.report.views import HEADLINE, Report, ReportView, StudyView, in_order
from sprint.report.views.verdicts import judged
from sprint.runtime.files import write_json, write_text


@dataclass(frozen=True)
class Section:
    """One entry of the contents and what stands under it."""

    id: str
    title: str
    status: str
    blocks: list[Block]


def render_index(preset: str, results: Path, studies: list[dict], out: Path) -> None:
    """Writes one self-contained HTML file on all `studies` (plans as `read_study` takes them) from results/<preset>,
    and before it, beside it, verdicts.json."""
    plans = sorted(studies, key=lambda plan: plan["name"] != HEADLINE)
    report = _read(preset, results, plans, whole=True)
    write_json(out.with_name("verdicts.json"), as_json(judged(report)))
    _render(f"sprint-bench, preset {preset}", report, out)


def render_study(preset: str, results: Path, study: dict, out: Path) -> None:
    """Writes the same page for one study alone, and its numbers as CSV beside it."""
    report = _read(preset, results, [study], whole=False)
    _render(f"{study['title']}, preset {preset}", report, out)
    write_text(out.with_suffix(".csv"), study_csv(report.studies[0]))


def _read(preset: str, results: Path, plans: list[dict], whole: bool) -> Report:
    studies = [read_study(preset, Path(results), plan) for plan in plans]
    tuning = tuple(sorted({seed for plan in plans for seed in plan.get("tuning_seeds", ())}))
    return Report(preset, Path(results), studies, read_published(), whole, tuning)


def _render(title: str, report: Report, out: Path) -> None:
    views = in_order()
    whole = {name: view for name, view in views.items() if isinstance(view, ReportView) and view.applies(report)}
    sections = {name: Section(name, view.title, "", view.blocks(report)) for name, view in whole.items()}
    before = [sections[name] for name, view in whole.items() if view.before]
    after = [sections[name] for name, view in whole.items() if not view.before]
    sections = [*before, *(_section_of(study, report, views) for study in report.studies), *after]
    write_text(out, _template().render(title=title, sections=sections))


def _section_of(study: Study, report: Report, views: dict) -> Section:
    asked = [view for view in views.values() if isinstance(view, StudyView) and view.applies(study, report)]
    blocks = [block for view in asked for block in view.blocks(study, report)]
    return Section(_id(study.name), study.title, _status(study), blocks)


def _template():
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html.j2")


def _id(name: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-") or "study"


def _status(study: Study) -> str:
    """How many runs stand behind a study and what became of the others, for the contents list."""
    states: dict[str, int] = {}
    for run in study.runs:
        states[run.state] = states.get(run.state, 0) + 1
    parts = [f"{count} {state}" for state, count in states.items()]
    return ", ".join(parts + ([f"{len(study.impossible)} impossible"] if study.impossible else [])) or "no runs"
