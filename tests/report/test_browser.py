"""The report in a real browser: all that a reader does with it, and what must hold of every kind of page."""

import shutil
from importlib import resources

import browser
import browsing
import pytest
from fake_results import FLOOR, SETTINGS, make_results, make_run, study

from sprint.report import render_index
from sprint.report.views import run_curves
from sprint.runtime.files import read_json, write_json

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not browser.chromium(), reason="no chromium on this machine"),
]
WIDTHS = (1280, 400, 1920)
AXE = resources.files("axe_core_python") / "axe.min.js"
VIOLATIONS = """axe.run(%s).then(found => found.violations.map(one => `${one.id}: ${one.nodes.slice(0, 3)
  .map(node => node.html.slice(0, 160) + ' ' + node.failureSummary).join(' | ')}`))"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The pages of made results."""
    results, studies = make_results(tmp_path_factory.mktemp("made"))
    out = tmp_path_factory.mktemp("reports") / "digits"
    render_index("digits", results, studies, out / "index.html")
    return out


@pytest.fixture(scope="module")
def tab():
    with browser.opened() as found:
        yield found


@pytest.mark.parametrize("check", browsing.CHECKS, ids=lambda check: check.__name__)
def test_what_a_reader_does(check, tab, folder):
    tab.errors.clear()
    tab.requests.clear()
    tab.look(1280)
    check(tab, folder)
    assert tab.errors == []
    assert [url for url in tab.requests if not url.startswith(("file:", "data:", "about:"))] == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_kind_of_page_fits_and_is_accessible(dark, tab, folder):
    """Nothing is wider than its screen, no picture is broken, and axe-core finds no violation."""
    axe = AXE.read_text(encoding="utf-8")
    for page in [*browsing.kinds_of_page(folder), folder / "report.html"]:
        tab.look(1280, dark)
        tab.open(page.as_uri())
        tab.value("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        for width in WIDTHS:
            tab.look(width, dark)
            assert tab.value("document.documentElement.scrollWidth") <= width, page
            assert tab.value(browser.OUTSIDE) == [], page
        if page.name != "report.html":
            tab.value(axe)
            assert tab.value(VIOLATIONS % ("{runOnly: ['color-contrast']}" if dark else "")) == [], page


def test_latex_of_every_table_is_latex_and_has_the_numbers_of_the_page(tab, folder):
    found = [one for page in browsing.kinds_of_page(folder) for one in browsing.latex_of(tab, page)]
    assert len(found) > 12
    for latex, shown in found:
        cells = browsing.parsed(latex)
        texts = [[cell.split("{\\scriptsize")[0].strip() for cell in row] for row in cells[1:]]
        plain = {text.replace("\\%", "%").replace("$\\times$", "×") for row in texts for text in row}
        numbers = [cell for row in shown for cell in row if cell.replace(".", "").replace("%", "").isdigit()]
        assert [number for number in numbers if number not in plain] == []
    browsing.compiled([latex for latex, _ in found])


def test_the_page_works_without_scripts(tab, folder):
    """Tables, figures and samples stand in the page itself."""
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open((folder / browsing.STUDY).as_uri())
        text = tab.value("document.body.innerText")
        assert (
            "Results" in text and "SPRINT 75%" in text and tab.value("document.querySelectorAll('.tools').length") == 0
        )
        assert tab.value("[...document.images].every(image => image.naturalWidth > 0)")
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)


def test_two_hundred_runs_are_small_and_sort(tab, tmp_path, monkeypatch):
    """All of them in one file below 10 MB; their table sorts, and each run's page is a click away from it.

    Runs of a method have the same loss here, so that each of its curves is drawn once.
    """
    for name in ("draw_loss", "draw_milestones"):
        monkeypatch.setattr(run_curves, name, once_for_each_method(getattr(run_curves, name)))
    results, names = tmp_path / "results" / "digits", []
    for method, (_, drop, _, distance) in SETTINGS.items():
        first = make_run(results, method, drop, 0, distance)
        for seed in range(1, 51):
            names.append(copied(results, first, seed))
    write_json(results / "reference" / "floor.json", {"images": 898, "reference_images": 898, "metrics": FLOOR})
    plan = study("methods", names, ["method", "drop", "seed"], "Methods")
    render_index("digits", results, [plan], tmp_path / "digits" / "index.html")
    mailed = (tmp_path / "digits" / "report.html").read_text(encoding="utf-8")
    assert len(mailed) < 10_000_000 and "The pages of 200 runs lie in" in mailed and 'id="run-' not in mailed
    tab.open((tmp_path / "digits" / "runs.html").as_uri())
    table = "#" + tab.value("document.querySelector('figure.table').id")
    assert len(browsing.rows(tab, table)) == len(names) == 200
    place = browsing.column(tab, table, "lowest")
    tab.click(f"{table} thead th:nth-child({place + 1}) button")
    values = [browsing.number(row[place]) for row in browsing.rows(tab, table)]
    assert values == sorted(values)
    assert tab.value(f"document.querySelectorAll('{table} tbody th a').length") == 200


def once_for_each_method(draw):
    known = {}

    def drawn(run, *rest):
        if run.method not in known:
            known[run.method] = draw(run, *rest)
        return known[run.method]

    return drawn


def copied(results, first: str, seed: int) -> str:
    """The same run with another seed and other numbers."""
    name = f"{first[:-8]}{seed:08x}"
    shutil.copytree(results / "runs" / first, results / "runs" / name)
    config = read_json(results / "runs" / name / "config.json")
    write_json(results / "runs" / name / "config.json", config | {"name": name, "seed": seed})
    metrics = read_json(results / "runs" / name / "metrics.json")
    for entry in metrics["evaluations"]:
        entry["metrics"]["fd/digits-cnn"] *= 1 + (seed * 37 % 50) / 100
    write_json(results / "runs" / name / "metrics.json", metrics | {"run": name})
    return name
