"""Which pages a report has, and the blocks on each, asked of the views."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sprint.report.blocks import Block
from sprint.report.pages.states import all_runs, status_of
from sprint.report.read import Run, Study
from sprint.report.settings_table import protocol
from sprint.report.views import PAGES, Report, ReportView, RunView, StudyView, in_order


@dataclass(frozen=True)
class Page:
    """One page: where it lies below reports/<preset>, what it is called, and what stands on it."""

    target: str  # run:NAME, study:NAME or page:NAME, by which others link to it
    path: str
    title: str
    kind: str  # its class in style.css: index, study, run, other
    blocks: tuple[Block, ...]
    status: str = ""
    menu: str = ""  # what the menu calls it; its title, where it has no other name
    about: str = ""  # what a table taken from it has to say in a paper

    @property
    def anchor(self) -> str:
        """The id of the page where all stand in one file."""
        return safe(self.target.replace(":", "-"))


def safe(name: str) -> str:
    """A name as a file and as an id: the same wherever it is a plain one."""
    if re.fullmatch(r"[\w.-]+", name) and not name.startswith("."):
        return name
    return re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-") or "study"


def pages_of(report: Report) -> list[Page]:
    """All pages: the overview first, then the studies, then what is said of the whole, then the runs."""
    views = in_order()
    studies = [_study(study, report, views) for study in report.studies]
    others = [page for name in PAGES if (page := _other(name, report, views)) is not None]
    runs = [_run(run, report, views) for run in all_runs(report).values()]
    first = [page for page in others if page.target == "page:index"]
    return [*first, *studies, *(page for page in others if page not in first), *runs]


def _asked(views: dict, scope: type, *about: object) -> Iterator[Block]:
    for view in views.values():
        if isinstance(view, scope) and view.applies(*about):
            yield from view.blocks(*about)


def _study(study: Study, report: Report, views: dict) -> Page:
    blocks = tuple(_asked(views, StudyView, study, report))
    about = f"{study.title}, preset {report.preset}: {protocol(study)}"
    return Page(
        f"study:{study.name}", f"{safe(study.name)}.html", study.title, "study", blocks, status_of(study), about=about
    )


def _other(name: str, report: Report, views: dict) -> Page | None:
    mine = {key: view for key, view in views.items() if isinstance(view, ReportView) and view.page == name}
    blocks = tuple(_asked(mine, ReportView, report))
    kind = "index" if name == "index" else "other"
    title = f"Efficient diffusion transformers on {report.preset}" if name == "index" else PAGES[name]
    more = {"menu": PAGES[name], "about": _seen(report)}
    return Page(f"page:{name}", f"{name}.html", title, kind, blocks, **more) if blocks else None


def _run(run: Run, report: Report, views: dict) -> Page:
    title = f"{run.config.get('label', run.name)}, seed {run.seed}"
    blocks = tuple(_asked(views, RunView, run, report))
    return Page(f"run:{run.name}", f"runs/{safe(run.name)}.html", title, "run", blocks, about=run.name)


def _seen(report: Report) -> str:
    first = next(iter(report.studies), None)
    return f"Preset {report.preset}: {protocol(first)}" if first else f"Preset {report.preset}"
