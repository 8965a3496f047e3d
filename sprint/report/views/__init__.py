"""Views: one file each says one thing of a study, or of the whole report, in blocks. Adding one touches nothing else.

    class Pairs(StudyView):
        title = "Paired differences"
        order = 40

        def applies(self, study, report): ...
        def blocks(self, study, report): return [text_table(...)]

A `StudyView` stands on the page of every study to which it applies, a `RunView` on that of every run, a `ReportView`
on the one of PAGES that it names. What is on a page stands by `order`, then by name.
"""

from dataclasses import dataclass
from pathlib import Path

from sprint.report.blocks import Block
from sprint.report.pages.beside import Other
from sprint.report.read import Run, Study
from sprint.runtime.plugins import find

HEADLINE = "methods"  # the study that the overview is about
PAGES = {
    "index": "Overview",
    "claims": "Claims of the papers",
    "speed": "Speed and cost",
    "runs": "All runs",
    "against": "Against other results",
    "about": "How it was made",
}  # those beside the pages of studies and runs, in the order of the menu


@dataclass(frozen=True)
class Report:
    """What a page is about: the studies of a preset, where its results lie, and what was published."""

    preset: str
    results: Path
    studies: list[Study]
    facts: dict  # of ablations/published.yaml; empty where the repository's folder is not there
    whole: bool  # whether it is of all studies, and not of one alone
    tuning_seeds: tuple = ()  # of study tuning, which judge nothing
    tuned: str = ""  # the file of learning rates that were chosen on them; empty where none were
    progress: str = ""  # what is left to run and how long it takes, while anything is
    other: Other | None = None  # other results to hold against these


class View:
    """One thing that a page says."""

    title: str
    cites = ""  # the paper or the source of the way in which it is told, where there is one
    order: int  # where it stands: small numbers first


class StudyView(View):
    """What is said of one study, in its section."""

    def applies(self, study: Study, report: Report) -> bool:
        """Whether there is anything to say; `blocks` is asked only then, and gives at least one."""
        raise NotImplementedError

    def blocks(self, study: Study, report: Report) -> list[Block]:
        raise NotImplementedError


class RunView(View):
    """What is said of one run, on its page."""

    def applies(self, run: Run, report: Report) -> bool:
        """Whether there is anything to say; `blocks` is asked only then, and gives at least one."""
        raise NotImplementedError

    def blocks(self, run: Run, report: Report) -> list[Block]:
        raise NotImplementedError


class ReportView(View):
    """What is said once of the whole report, on one of its pages."""

    page = "about"  # one of PAGES

    def applies(self, report: Report) -> bool:
        """Whether there is anything to say; `blocks` is asked only then, and gives at least one."""
        raise NotImplementedError

    def blocks(self, report: Report) -> list[Block]:
        raise NotImplementedError


VIEWS = find("sprint.report.views", View)


def in_order() -> dict[str, View]:
    """All views by name, in the order of a page."""
    views = {name: VIEWS[name]() for name in VIEWS}
    return dict(sorted(views.items(), key=lambda named: (named[1].order, named[0])))
