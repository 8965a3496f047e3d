"""A matplotlib figure as SVG within a page: what a mark says under the pointer, where a click leads, whose mark it is.

No dates and a fixed salt: the same numbers give the same bytes. The ids within carry the placeholder ID, which the page
makes unique; links are symbolic (`run:NAME`) until a page resolves them.
"""

import io
import re
from dataclasses import dataclass
from xml.etree import ElementTree

import matplotlib
from matplotlib.artist import Artist
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from sprint.report.blocks import Panel
from sprint.report.figures.styles import INK, LIGHT, placeholder

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
ID = "ID-"  # before every id of a drawn panel
ElementTree.register_namespace("", SVG)


@dataclass(frozen=True)
class Mark:
    """What a drawn thing belongs to (a label of the legend), what it says, and where it leads."""

    series: str
    says: str = ""
    target: str = ""


class Drawing:
    """A figure with a note of what its artists stand for."""

    def __init__(self, figure: Figure):
        self.figure = figure
        self.marks: dict[str, Mark] = {}

    def note(self, artist: Artist, series: str, says: str = "", target: str = "") -> None:
        """Say of an artist what it is."""
        name = f"mark-{len(self.marks)}"
        artist.set_gid(name)
        self.marks[name] = Mark(series, says, target)

    def panel(self, alt: str) -> Panel:
        """The drawn panel, `alt` its values in words."""
        return Panel(_inline(_written(self.figure), self.marks, alt), alt)


def _written(figure: Figure) -> str:
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "sprint-bench", "svg.fonttype": "none"}):
        FigureCanvasSVG(figure).print_svg(stream, metadata={"Date": None, "Creator": None})  # savefig draws twice
    return stream.getvalue()


def _inline(text: str, marks: dict[str, Mark], alt: str) -> str:
    root = ElementTree.fromstring(text)
    _strip(root)
    for parent in list(root.iter()):
        for place, child in enumerate(list(parent)):
            mark = marks.get(child.get("id", ""))
            if mark is not None:
                parent[place] = _told(child, mark)
    for element in root.iter():
        _rename(element)
    _unwrap(root)
    root.attrib = {"viewBox": root.get("viewBox"), "class": "panel", "role": "group", "aria-label": alt}
    return _short(ElementTree.tostring(root, encoding="unicode"))


def _strip(root: ElementTree.Element) -> None:
    """Leave out what a page has no use for: metadata, the style sheet of matplotlib."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)


def _unwrap(root: ElementTree.Element) -> None:
    """Put the content of groups that say nothing in their places."""
    for parent in reversed(list(root.iter())):
        inner = [[*child] if child.tag == f"{{{SVG}}}g" and not child.attrib else [child] for child in parent]
        parent[:] = [one for part in inner for one in part]


def _told(element: ElementTree.Element, mark: Mark) -> ElementTree.Element:
    """The element with its series, its title, and the link around it."""
    element.attrib.pop("id")
    outer = element
    if mark.says:
        element.set("class", "mark")
        if mark.target:
            outer = ElementTree.Element(f"{{{SVG}}}a", {"href": mark.target})
            outer.append(element)
        title = ElementTree.Element(f"{{{SVG}}}title")  # what says a link's name is its own child
        title.text = mark.says
        outer.insert(0, title)
    outer.set("data-series", mark.series)
    return outer


def _rename(element: ElementTree.Element) -> None:
    """Ids with the placeholder, and only where something refers to them; references alike; places with two digits."""
    for key, value in list(element.attrib.items()):
        if key == "id":
            if re.match(r"(m|p|h)[0-9a-f]{6,}", value):
                element.set("id", ID + value)
            else:
                element.attrib.pop("id")
        elif key == f"{{{XLINK}}}href":
            element.attrib.pop(key)
            element.set("href", "#" + ID + value.removeprefix("#"))
        elif key == "clip-path":
            element.set(key, value.replace("#", "#" + ID))
        elif key in ("d", "x", "y", "transform"):
            element.set(key, re.sub(r"\s+", " ", re.sub(r"(\.\d\d)\d+", r"\1", value)).strip())
        elif key == "style":
            element.set(key, re.sub(r"([:;]) ", r"\1", value))


def _short(svg: str) -> str:
    """The same with its colours as the page's, and fewer blanks."""
    svg = svg.replace(INK, "currentColor")
    for slot in range(len(LIGHT)):
        svg = svg.replace(placeholder(slot), f"var(--c{slot})")
    svg = re.sub(r"'?DejaVu Sans'?,[^;\"]*sans-serif", "inherit", svg)
    return re.sub(r">\s+<", "><", svg).strip()
