"""Where links lead from a page: to another file beside it, or to a place in the same one. A page seen by a template."""

import os
import re
from dataclasses import dataclass, field
from html import escape
from pathlib import Path, PurePosixPath

from sprint.report.blocks import Panel, Table
from sprint.report.figures.svg import ID
from sprint.report.pages.content import Page, safe


@dataclass
class Site:
    """All pages by target, the folder they lie in, and the results that `file:` links lead to."""

    paths: dict[str, str]
    folder: Path
    results: Path
    single: bool = False  # whether all stand in one file, which may be mailed without the results


@dataclass
class Here:
    """A page as a template sees it. `used`: ids given so far in its file."""

    page: Page
    site: Site
    level: int
    used: set[str] = field(default_factory=set)
    drawings: list[int] = field(default_factory=list)

    @property
    def title(self) -> str:
        return self.page.title

    @property
    def kind(self) -> str:
        return self.page.kind

    @property
    def blocks(self) -> tuple:
        return self.page.blocks

    @property
    def anchor(self) -> str:
        return self.page.anchor

    def href(self, target: str) -> str:
        """A relative link; empty for what this report has no page or file of."""
        kind, _, rest = target.partition(":")
        if kind == "file":
            path = self.site.results / rest
            there = path.exists() and not self.site.single
            return _relative(path, self.site.folder / PurePosixPath(self.page.path).parent) if there else ""
        path = self.site.paths.get(target)
        if path is None:
            return ""
        if self.site.single:
            return f"#{safe(target.replace(':', '-'))}"
        return os.path.relpath(path, PurePosixPath(self.page.path).parent)

    def id(self, text: str) -> str:
        """An id of this file, of a page's and a heading's words, given once."""
        start = f"{self.anchor}-" if self.site.single else ""
        base = start + (re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "part")
        name, count = base, 1
        while name in self.used or name == "content":
            count += 1
            name = f"{base}-{count}"
        self.used.add(name)
        return name

    def caption(self, block: Table) -> str:
        """What a table has to say where it stands alone."""
        title = block.title or block.label or block.folded
        parts = [title if self.page.title in title else f"{self.page.title}, {title}", self.page.about, block.caption]
        return " ".join(f"{part.rstrip('. ')}." for part in parts if part)

    def left(self, block: Table) -> str:
        """Classes of style.css: columns of words stand to the left, those of numbers to the right."""
        rows = [row for group in block.groups for row in group if len(row) == len(block.columns)]
        places = [place for place in range(len(block.columns)) if not _numeric([row[place].main for row in rows])]
        return " ".join(f"l{place + 1}" for place in places if place)

    def drawn(self, panel: Panel) -> str:
        """The SVG of a panel with its ids made unique and its links resolved; those that lead nowhere become plain."""
        self.drawings.append(1)
        svg = panel.svg.replace(ID, f"d{len(self.drawings)}-")
        return re.sub(r'<a href="((?:run|study|page):[^"]*)"', self._resolved, svg)

    def _resolved(self, found: re.Match) -> str:
        href = self.href(found[1])
        return f'<a href="{escape(href)}"' if href else '<a role="img" tabindex="0"'


def _numeric(texts: list[str]) -> bool:
    """Whether most of a column's cells begin as numbers do, or say that there is none."""
    known = [text for text in texts if text]
    return not known or 2 * sum(bool(re.match(r"[≤≥<>~+−-]*\s?[\d–]|missing", text)) for text in known) > len(known)


def _relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path.resolve(), folder.resolve()).replace(os.sep, "/")
