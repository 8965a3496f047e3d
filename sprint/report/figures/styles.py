"""One method, one colour and one mark, in every figure and table, told apart by colour-blind readers, light and dark.

A method's place among the files of sprint/methods decides both; the next round of colours has other marks. Lines of one
method in one figure differ in dashes, and a guidance fills its mark: hollow is unguided. What is no method (parts of a
step) takes the colours in order. Colours become CSS variables of style.css, so that a figure follows light and dark.
"""

import importlib.util
import pkgutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

LIGHT = ("#1850b9", "#d56c10", "#167d4f", "#b75294", "#3c3f46", "#7d630d", "#3b97c4", "#5c2418")
DARK = ("#5e90f7", "#e3a16e", "#2df7aa", "#ee45ae", "#f7f7f7", "#a38714", "#97d9f7", "#b45441")
MARKS = ("o", "s", "^", "D", "v", "P", "X", "p")
DASHES = ("solid", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (10, 3)))
INK = "#010203"  # stands for the page's text colour
INK_MARK = "currentColor"


@dataclass(frozen=True)
class Style:
    """How a series looks: `slot` of the colours, its mark, its dashes, and how full its marks are (0: hollow)."""

    slot: int
    mark: str
    dash: int = 0
    fill: float = 1.0

    @property
    def ink(self) -> str:
        """What matplotlib draws with; becomes the CSS variable in the SVG."""
        return placeholder(self.slot)

    @property
    def css(self) -> str:
        return f"var(--c{self.slot})"

    @property
    def dashes(self) -> object:
        return DASHES[self.dash % len(DASHES)]


def placeholder(slot: int) -> str:
    """The colour that stands for a slot until the SVG is written."""
    return f"#0a0b{slot:02x}"


@cache
def methods() -> tuple[str, ...]:
    """All methods, by their files; none of them is imported, for they need torch."""
    found = importlib.util.find_spec("sprint.methods")
    return tuple(sorted(entry.name for entry in pkgutil.iter_modules(found.submodule_search_locations)))


def in_order(place: int) -> Style:
    """The style of the `place`-th of anything: every pair of colour and mark comes once before any comes again."""
    count = len(LIGHT)
    return Style(place % count, MARKS[(place + place // count) % count])


def method_style(method: object) -> Style:
    """The style of a method everywhere; of one that is no file any more, the one after all others."""
    known = methods()
    return in_order(known.index(method) if method in known else len(known))


def series_styles(series: Iterable[tuple[str, object]]) -> dict[str, Style]:
    """Styles of (label, method) by label: lines of one method are told apart by their dashes."""
    seen: Counter = Counter()
    styles: dict[str, Style] = {}
    for label, method in series:
        if label not in styles:
            base = method_style(method)
            styles[label] = Style(base.slot, base.mark, seen[method])
            seen[method] += 1
    return styles


def fills_of(guidances: list[str], plain: str) -> dict[str, float]:
    """How full the marks of each guidance are: none of the unguided, then ever fuller."""
    others = [name for name in guidances if name != plain]
    fills = {name: (place + 1) / len(others) for place, name in enumerate(others)}
    return {name: fills.get(name, 0.0) for name in guidances}


def variables() -> str:
    """The CSS of all colours: the light ones, and the dark ones where the reader's screen is dark."""
    light, dark = (";".join(f"--c{slot}:{colour}" for slot, colour in enumerate(side)) for side in (LIGHT, DARK))
    return f":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
