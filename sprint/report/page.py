"""The page: everything gathered for the template, rendered with autoescape into one file that needs no network."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sprint.report import budgets
from sprint.report.answers import sentences
from sprint.report.costs import cost_rows
from sprint.report.export import study_csv
from sprint.report.factors import HEADERS, factor_rows
from sprint.report.format import listed, metric_name
from sprint.report.grids import sample_grids
from sprint.report.pairs import pairs
from sprint.report.plots import cost_plots, study_plots
from sprint.report.provenance import UNITS, protocol, provenance
from sprint.report.published import FILE, beside, read_published
from sprint.report.read import Study, read_study
from sprint.report.speed import speed_section, speedup_plots
from sprint.report.summary import ranking
from sprint.report.tables import evaluation_table, more_table, study_table
from sprint.report.verdicts import verdicts
from sprint.runtime.files import write_text
from sprint.statistics.claims import Claim, read_claims

HEADLINE = "methods"  # the study whose table opens the page and whose runs the sample grids show


def render_index(preset: str, results: Path, studies: list[dict], out: Path) -> None:
    """Writes one self-contained HTML file on all `studies` (plans as `read_study` takes them) from results/<preset>."""
    plans = sorted(studies, key=lambda plan: plan["name"] != HEADLINE)
    studies = _read(preset, results, plans)
    _render(f"sprint-bench, preset {preset}", preset, Path(results), studies, out, speed_section(Path(results)))


def render_study(preset: str, results: Path, study: dict, out: Path) -> None:
    """Writes the same page for one study alone, and its numbers as CSV beside it."""
    studies = _read(preset, results, [study])
    _render(f"{study['title']}, preset {preset}", preset, Path(results), studies, out)
    write_text(out.with_suffix(".csv"), study_csv(studies[0]))


def _read(preset: str, results: Path, plans: list[dict]) -> list[Study]:
    return [read_study(preset, Path(results), plan) for plan in plans]


def _render(title: str, preset: str, results: Path, studies: list[Study], out: Path, speed: dict | None = None) -> None:
    facts = read_published()
    page = _template().render(
        title=title,
        preset=preset,
        sections=[_section(study, results, facts) for study in studies],
        speed=speed,
        verdicts=verdicts(studies, _claims({study.name for study in studies})),
        provenance=provenance(studies, results),
        units=UNITS,
    )
    write_text(out, page)


def _claims(names: set[str]) -> list[Claim]:
    """All claims for the report of many studies; for that of one, those that it can test."""
    claims = read_claims(FILE)
    return claims if len(names) > 1 else [one for one in claims if {rule.study for rule in one.rules} & {"", *names}]


def _template():
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html.j2")


def _section(study: Study, results: Path, facts: dict) -> dict:
    return {
        "id": re.sub(r"[^a-z0-9_]+", "-", study.name.lower()).strip("-") or "study",
        "title": study.title,
        "question": study.question,
        "answer": sentences(study),
        "command": study.command,
        "status": _status(study),
        "protocol": protocol(study),
        "seeds": _seeds(study),
        "ranked_by": metric_name(study.primary) if study.primary else "",
        "sweep": study.sweep,
        "table": study_table(study, headline=study.name == HEADLINE),
        "more": more_table(study),
        "conflicts": listed(study.conflicts),
        "pairs": pairs(study),
        "budget": (*budgets.budget_table(study), budgets.caption(study)),
        "factors": (HEADERS, factor_rows(study, facts) if study.name == HEADLINE else []),
        "plots": study_plots(study),
        "cost_plots": None if study.sweep else cost_plots(study),
        "speedups": speedup_plots(study),
        "grids": sample_grids(study, results) if study.name == HEADLINE else {},
        "published": beside(study, facts),
        "costs": cost_rows(study),
        "evaluations": evaluation_table(study),
    }


def _status(study: Study) -> str:
    """How many runs stand behind a study and what became of the others, for the contents list."""
    states: dict[str, int] = {}
    for run in study.runs:
        states[run.state] = states.get(run.state, 0) + 1
    parts = [f"{count} {state}" for state, count in states.items()]
    return ", ".join(parts + ([f"{len(study.impossible)} impossible"] if study.impossible else [])) or "no runs"


def _seeds(study: Study) -> str:
    """What the small numbers below the large ones mean, with the number of seeds."""
    counts = sorted({line.metrics[study.primary].seeds for _, line in ranking(study)})
    if not counts:
        return "nothing evaluated yet"
    if counts == [1]:
        return "n = 1 seed: no interval can be shown"
    span = "–".join(str(count) for count in sorted({counts[0], counts[-1]}))
    return f"n = {span} seeds: mean, below it the 95% interval, seeds and images resampled"
