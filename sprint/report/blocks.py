"""What a page is made of: a few kinds of block, each plain text as a small dataclass and drawn by one macro.

The macro of a block is the one in blocks.html.j2 that is named for its class in small letters. It escapes every value;
only `uri` fields are taken as they are, and those are data URIs made here.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Prose:
    """A paragraph, a list below it, a command at its end: each may be empty."""

    text: str = ""
    items: tuple[str, ...] = ()
    command: str = ""
    style: str = ""  # a class of style.css: answer, refused, study-command


@dataclass(frozen=True)
class Cell:
    """What stands large, what stands small below it, the number of the note that explains it (0: none)."""

    main: str
    small: tuple[str, ...] = ()
    note: int = 0
    commands: tuple[str, ...] = ()  # folded away below the rest
    style: str = ""  # a class of style.css: state, rerun, verdict
    head: bool = False  # whether it heads its row, or its group where it spans several
    rows: int = 1
    columns: int = 1


@dataclass(frozen=True)
class Column:
    name: str
    unit: str = ""


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


@dataclass(frozen=True)
class Panel:
    """One drawn panel and what it shows in words."""

    uri: str
    alt: str


@dataclass(frozen=True)
class Figure:
    """Panels under one legend of (label, colour, marker)."""

    panels: tuple[Panel, ...]
    legend: tuple[tuple[str, str, str], ...]
    caption: str
    title: str = ""


@dataclass(frozen=True)
class Picture:
    """One picture with its width and height in pixels."""

    uri: str
    alt: str
    caption: str
    shape: tuple[int, int]


@dataclass(frozen=True)
class Grid:
    """Pictures in named groups."""

    groups: tuple[tuple[str, tuple[Picture, ...]], ...]
    title: str
    caption: str


@dataclass(frozen=True)
class Facts:
    """Names, each with its values."""

    entries: tuple[tuple[str, tuple[str, ...]], ...]


KINDS = (Prose, Table, Figure, Grid, Facts)
Block = Prose | Table | Figure | Grid | Facts


def text_table(headers: Iterable[str], rows: Iterable[Iterable[str | Cell]], **more) -> Table:
    """A table of rows of text, each headed by its first cell and a group of its own."""
    return Table(tuple(map(Column, headers)), tuple((_row(row),) for row in rows), **more)


def _row(values: Iterable[str | Cell]) -> Row:
    first, *rest = (value if isinstance(value, Cell) else Cell(value) for value in values)
    return (Cell(first.main, first.small, first.note, head=True), *rest)
