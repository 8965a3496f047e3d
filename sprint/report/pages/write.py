"""Pages to files: each self-contained, nothing fetched; and all of them in one file that may be mailed.

reports/<preset>/index.html  <study>.html  claims.html  speed.html  runs.html  about.html  runs/<run>.html
reports/<preset>/report.html   all of it, but for the pages of runs where there are many
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sprint.report.figures.styles import variables
from sprint.report.pages.content import Page, pages_of
from sprint.report.pages.links import Here, Site
from sprint.report.views import Report
from sprint.runtime.files import write_text

ROOM = Path(__file__).parent.parent
WHOLE = "report.html"
MAILED = 100  # runs whose pages go into it; of more, none


def write_pages(report: Report, folder: Path) -> None:
    """Write every page of a report into a folder, and all of them as one file beside."""
    pages = pages_of(report)
    paths = {page.target: page.path for page in pages}
    _write_whole(report, folder, pages)
    site = Site(paths, folder, report.results)
    for page in reversed(pages):  # the overview last: where it is, all is
        write_text(folder / page.path, render([page], pages, site, report.preset))


def _write_whole(report: Report, folder: Path, pages: Sequence[Page]) -> None:
    runs = [page for page in pages if page.kind == "run"]
    shown = pages if len(runs) <= MAILED else [page for page in pages if page.kind != "run"]
    site = Site({page.target: page.path for page in shown}, folder, report.results, single=True)
    said = f"The pages of {len(runs)} runs lie in {folder}/runs and are not in this file." if shown != pages else ""
    text = render(shown, shown, site, report.preset, f"sprint-bench, preset {report.preset}", said)
    write_text(folder / WHOLE, text)


def write_study(report: Report, out: Path) -> None:
    """Write the page of a report's one study to `out`, and those of its runs below; link what else lies there."""
    study, *rest = pages_of(report)
    shown = [study, *(page for page in rest if page.kind == "run")]
    paths = {page.target: page.path for page in shown} | {study.target: out.name}
    paths |= {page.target: page.path for page in rest if page not in shown and (out.parent / page.path).exists()}
    site = Site(paths, out.parent, report.results)
    for page in shown:
        path = out if page is study else out.parent / page.path
        write_text(path, render([page], [page for page in (study, *rest) if page.target in paths], site, report.preset))


def render(
    shown: Sequence[Page], known: Sequence[Page], site: Site, preset: str, title: str = "", said: str = ""
) -> str:
    """HTML of one page, or of several in one file, with a menu of all that are known; `said` stands under the title."""
    used: set[str] = set()
    drawings: list[int] = []
    level = 3 if site.single else 2
    places = [Here(page, site, level, used, drawings) for page in shown]
    used |= {place.anchor for place in places}
    return _template().render(
        title=title or f"{shown[0].title}, {preset}",
        said=said,
        preset=preset,
        pages=places,
        menu=_menu(known, places[0]),
        style=_style(),
        script=_script(),
    )


def _menu(pages: Sequence[Page], here: Here) -> list[dict]:
    """Groups of entries: the overview, the studies, the rest. Runs are found by their table."""
    groups: dict[str, list[dict]] = {"": [], "Studies": [], "All of it": []}
    titles = {"index": "", "study": "Studies", "other": "All of it"}
    for page in (page for page in pages if page.kind in titles):
        entry = {"title": page.menu or page.title, "status": page.status, "href": here.href(page.target)}
        groups[titles[page.kind]].append(entry | {"current": page is here.page and not here.site.single})
    return [{"title": title, "entries": entries} for title, entries in groups.items() if entries]


@cache
def _style() -> str:
    return (ROOM / "style.css").read_text(encoding="utf-8") + variables()


@cache
def _script() -> str:
    """All of scripts/, in the order of their names, as one that leaves nothing behind."""
    parts = [path.read_text(encoding="utf-8") for path in sorted((ROOM / "scripts").glob("*.js"))]
    return "(() => {\n'use strict';\n" + "\n".join(parts) + "\n})();"


@cache
def _template():
    loader = FileSystemLoader(ROOM)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html.j2")
