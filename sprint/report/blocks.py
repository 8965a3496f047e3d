"""What a page is made of: a few kinds of block, each plain text as a small dataclass and drawn by one macro.

The macro of a block is the one in blocks.html.j2 that is named for its class in small letters. It escapes every value;
only `uri` and `svg` fields are taken as they are, and those are made here. A `target` is a symbolic link, `run:NAME`,
`study:NAME`, `page:NAME` or `file:PATH` below the project's folder, which each page resolves to where it itself stands.
"""

from collections.abc import Iterable
from dataclasses import dataclass

Link = tuple[str, str]  # (text, target)


@dataclass(frozen=True)
class Prose:
    """A paragraph, a list below it, a command at its end, links: each may be empty."""

    text: str = ""
    items: tuple[str, ...] = ()
    command: str = ""
    style: str = ""  # a class of style.css: answer, refused, study-command
    links: tuple[Link, ...] = ()
    title: str = ""


@dataclass(frozen=True)
class Picture:
    """One picture with its width and height in pixels."""

    uri: str
    alt: str
    caption: str
    shape: tuple[int, int]


@dataclass(frozen=True)
class Key:
    """One entry of a legend, and the sign of a setting in a table: colour, shape, dashes, how full it is."""

    label: str
    colour: str
    shape: str
    dash: int = 0
    fill: float = 1.0


@dataclass(frozen=True)
class Cell:
    """What stands large, what stands small below it, the number of the note that explains it (0: none)."""

    main: str
    small: tuple[str, ...] = ()
    note: int = 0
    commands: tuple[str, ...] = ()  # folded away below the rest
    style: str = ""  # a class of style.css: state, rerun, verdict
    head: bool = False  # whether it heads its row
    columns: int = 1
    target: str = ""  # where the large text leads
    links: tuple[Link, ...] = ()  # below the rest
    key: Key | None = None  # the sign before it
    picture: Picture | None = None


@dataclass(frozen=True)
class Column:
    name: str
    unit: str = ""
    ratio: bool = False  # whether its values are told as multiples of a base


Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """Rows in groups, with a line between two groups and none within one."""

    columns: tuple[Column, ...]
    groups: tuple[tuple[Row, ...], ...]
    title: str = ""
    tag: str = ""  # a small mark beside the title
    caption: str = ""
    label: str = ""  # what the table is for those who do not see it; the title, where it has one
    folded: str = ""  # the line that unfolds it; empty for a table that is always in sight
    notes: tuple[str, ...] = ()
    style: str = ""  # a class of style.css: words, for cells of sentences
    pairs: str = ""  # JSON: {column: {guidance: {setting: {base: text}}}}, the paired ratios to every base


@dataclass(frozen=True)
class Panel:
    """One drawn panel, SVG as figures/svg.py writes it, and what it shows in words."""

    svg: str
    alt: str


@dataclass(frozen=True)
class Figure:
    """Panels under one legend; those of `more` are folded away under the line that unfolds them."""

    panels: tuple[Panel, ...]
    legend: tuple[Key, ...]
    caption: str
    title: str = ""
    more: tuple[Panel, ...] = ()
    unfold: str = "Other metrics"


@dataclass(frozen=True)
class Grid:
    """Pictures in named groups."""

    groups: tuple[tuple[str, tuple[Picture, ...]], ...]
    title: str
    caption: str
    compared: bool = False  # whether two of them may be laid over each other


@dataclass(frozen=True)
class Facts:
    """Names, each with its values."""

    entries: tuple[tuple[str, tuple[str, ...]], ...]
    title: str = ""


@dataclass(frozen=True)
class Card:
    """One of several things that a reader may go to: where, what it asks, what it found, how far it is."""

    title: str
    target: str
    question: str
    found: str
    status: str = ""


@dataclass(frozen=True)
class Cards:
    entries: tuple[Card, ...]
    title: str = ""


KINDS = (Prose, Table, Figure, Grid, Facts, Cards)
Block = Prose | Table | Figure | Grid | Facts | Cards


def text_table(headers: Iterable[str], rows: Iterable[Iterable[str | Cell]], **more) -> Table:
    """A table of rows of text, each headed by its first cell and a group of its own."""
    return Table(tuple(map(Column, headers)), tuple((_row(row),) for row in rows), **more)


def _row(values: Iterable[str | Cell]) -> Row:
    first, *rest = (value if isinstance(value, Cell) else Cell(value) for value in values)
    return (Cell(first.main, first.small, first.note, head=True, target=first.target, key=first.key), *rest)
