"""What holds of every view of the report, found by listing the folder; and that adding one is adding a file."""

import html
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from shutil import copytree, rmtree

import pytest
from fake_results import make_results
from markupsafe import Markup

from sprint.report.blocks import (
    KINDS,
    Card,
    Cards,
    Cell,
    Column,
    Facts,
    Figure,
    Grid,
    Key,
    Picture,
    Prose,
    Table,
    text_table,
)
from sprint.report.pages.content import Page
from sprint.report.pages.links import Site
from sprint.report.pages.states import all_runs
from sprint.report.pages.write import render
from sprint.report.published import read_published
from sprint.report.read import read_study
from sprint.report.views import PAGES, VIEWS, Report, ReportView, RunView, StudyView, in_order

SCOPES = (StudyView, RunView, ReportView)
LOST = {  # what can be missing of a tree of results
    "nothing": (),
    "costs, speeds, floor and samples": ("cost", "throughput", "reference", "extractors", "runs/*/samples"),
    "some of each run": ("runs/dense-*/metrics.json", "runs/sprint-*/train.json", "runs/tokendrop-*/config.json"),
    "evaluations": ("runs/*/metrics.json", "sweeps"),
    "all": ("*",),
}


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """A report of the same studies for each thing that can be missing."""
    results, plans = make_results(tmp_path_factory.mktemp("whole"))
    found = {}
    for name, patterns in LOST.items():
        mine = tmp_path_factory.mktemp("lost") / "digits"
        copytree(results, mine)
        for path in [path for pattern in patterns for path in sorted(mine.glob(pattern))]:
            rmtree(path) if path.is_dir() else path.unlink()
        found[name] = (mine, plans)
    return found


def reports(trees) -> Iterator[tuple[str, Report]]:
    """Each read anew, so that nothing one view has worked out is there for the next."""
    for name, (results, plans) in trees.items():
        studies = [read_study("digits", results, plan) for plan in plans]
        yield name, Report("digits", results, studies, read_published(), whole=True)


def asked(view, report: Report) -> Iterator[tuple[str, bool, list]]:
    """What it says of each study, or of the whole: the place, whether it applies, its blocks."""
    if isinstance(view, ReportView):
        applies = view.applies(report)
        yield "the page", applies, view.blocks(report) if applies else []
        return
    if isinstance(view, RunView):
        for run in {run.state: run for run in all_runs(report).values()}.values():  # one of each kind of end
            applies = view.applies(run, report)
            yield run.name, applies, view.blocks(run, report) if applies else []
        return
    for study in report.studies:
        applies = view.applies(study, report)
        yield study.name, applies, view.blocks(study, report) if applies else []


def texts(value: object) -> Iterator[str]:
    """All text in a block, at any depth."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from texts(getattr(value, field.name))
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from texts(inner)


def says_something(block: object) -> bool:
    return any(getattr(block, name, ()) for name in ("text", "items", "command", "groups", "panels", "entries"))


def wrongs(view, name: str, trees) -> list[str]:
    """All that is wrong with a view, in words."""
    found = [f"{name} has no {what}" for what in ("title", "order") if not getattr(view, what, None)]
    found += [] if isinstance(view.cites, str) else [f"{name}: cites is no text"]
    scopes = [scope for scope in SCOPES if isinstance(view, scope)]
    found += [] if len(scopes) == 1 else [f"{name} is not of one scope"]
    found += [f"{name} stands on no page"] if getattr(view, "page", "index") not in PAGES else []
    said = {}
    for lost, report in reports(trees):
        for place, applies, blocks in asked(view, report):
            where = f"{name} on {place} without {lost}"
            unknown = [block for block in blocks if type(block) not in KINDS]
            found += [f"{where}: {type(block).__name__} is no kind of block" for block in unknown]
            found += [f"{where}: applies, and says nothing"] if applies and not blocks else []
            found += [
                f"{where}: an empty {type(b).__name__}" for b in blocks if b not in unknown if not says_something(b)
            ]
            found += [f"{where}: text that would not be escaped" for text in texts(blocks) if isinstance(text, Markup)]
            said.setdefault(place, blocks)
    _, first = next(reports(trees))
    again = {place: blocks for place, _, blocks in asked(view, first)}
    return found + [f"{name} on {at} says something else the second time" for at in said if said[at] != again[at]]


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_keeps_its_contract(name, trees):
    assert wrongs(VIEWS[name](), name, trees) == []


def test_titles_are_told_apart_and_the_order_has_no_ties():
    views = in_order().values()
    assert len({view.title for view in views}) == len(VIEWS) > 10
    for scope, page in [*((scope, "") for scope in SCOPES[:2]), *((ReportView, name) for name in PAGES)]:
        mine = [view.order for view in views if isinstance(view, scope) and getattr(view, "page", "") == page]
        assert len(set(mine)) == len(mine) and mine == sorted(mine)


class Good(StudyView):
    title, order = "Runs", 35

    def applies(self, study, report):
        return bool(study.runs)

    def blocks(self, study, report):
        return [Prose(f"{len(study.runs)} runs of {study.title}")]


class Untitled(Good):
    title = ""


class OfUnknownKind(Good):
    def blocks(self, study, report):
        return ["a string"]


class SaysNothing(Good):
    def blocks(self, study, report):
        return []


class DrawsAnEmptyTable(Good):
    def blocks(self, study, report):
        return [text_table(["run"], [], title="Runs")]


class EscapesByItself(Good):
    def blocks(self, study, report):
        return [Prose(Markup("<em>runs</em>"))]


class CountsItsCalls(Good):
    calls = 0

    def blocks(self, study, report):
        type(self).calls += 1
        return [Prose(f"asked {self.calls} times")]


class NeedsEveryCost(Good):
    def blocks(self, study, report):
        return [Prose(f"{study.runs[0].cost['params']} parameters")]


def test_a_view_that_keeps_the_contract_is_not_complained_of(trees):
    assert wrongs(Good(), "good", trees) == []


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (Untitled, "has no title"),
        (OfUnknownKind, "no kind of block"),
        (SaysNothing, "says nothing"),
        (DrawsAnEmptyTable, "an empty Table"),
        (EscapesByItself, "would not be escaped"),
        (CountsItsCalls, "something else the second time"),
    ],
)
def test_the_contract_is_seen_to_be_broken(wrong, why, trees):
    assert why in "\n".join(wrongs(wrong(), wrong.__name__, trees))


def test_a_view_that_needs_what_may_be_missing_is_seen(trees):
    with pytest.raises(KeyError, match="params"):
        wrongs(NeedsEveryCost(), "needy", trees)


def test_views_load_no_torch():
    code = "import sys; from sprint.report.views import in_order; in_order(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_block_has_a_macro_that_escapes_it(kind, tmp_path):
    """Every field of text becomes text of the page, whatever stands in it."""
    mark = "<b>&"

    mark_by_kind = {Facts: {"entries": ((mark, (mark,)),)}, Figure: {"legend": (Key(mark, "red", "o"),)}}
    mark_by_kind[Cards] = {"entries": (Card(mark, "page:index", mark, mark, mark),)}
    mark_by_kind[Grid] = {"groups": ((mark, (Picture("data:,", mark, mark, (1, 1)),)),)}
    mark_by_kind[Table] = {"columns": (Column(mark, mark),), "groups": (((Cell(mark, (mark,), commands=(mark,)),),),)}
    plain = {field.name: mark if field.type is str else () for field in fields(kind)}
    block = kind(**plain | mark_by_kind.get(kind, {}))
    shown = Page("page:index", "index.html", "x", "index", (block,))
    page = render([shown], [shown], Site({}, tmp_path, tmp_path), "x")
    assert mark not in page and page.count(html.escape(mark)) >= 2


VIEW = '''"""How many runs a study has, by seed."""

from collections import Counter

from sprint.report.blocks import Block, text_table
from sprint.report.read import Study
from sprint.report.views import Report, StudyView


class Seeds(StudyView):
    title = "Runs by seed"
    order = 25

    def applies(self, study: Study, report: Report) -> bool:
        return bool(study.runs)

    def blocks(self, study: Study, report: Report) -> list[Block]:
        counts = Counter(str(run.seed) for run in study.runs)
        return [text_table(["seed", "runs"], [[seed, str(count)] for seed, count in counts.items()], title=self.title)]
'''


def test_a_view_is_one_file(checkout, git, run_cli):
    """It stands in the page of a study between those whose order is lower and higher, and no other file is touched."""
    (checkout / "sprint/report/views/seeds.py").write_text(VIEW, encoding="utf-8")
    done = run_cli("report", "methods", "--preset", "smoke", cwd=checkout, env={"PYTHONPATH": str(checkout)})
    assert done.returncode == 0, done.stderr
    page = (checkout / "reports/smoke/methods.html").read_text(encoding="utf-8")
    assert page.count('<h2 id="runs-by-seed">Runs by seed</h2>') == 1
    assert page.index('<div class="answer">') < page.index(">Runs by seed") < page.index('<div class="study-command">')
    assert git(checkout, "status", "--porcelain").split() == ["??", "sprint/report/views/seeds.py"]
