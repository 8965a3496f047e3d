"""Options that commands share, and numbers: what is not one, or out of range, is shown beside what is allowed."""

import math
from typing import Annotated

import typer

Preset = Annotated[str, typer.Option(help="A file of workflow/presets, without its ending.")]
RunName = Annotated[
    str, typer.Argument(help="A run's name, as `sprint list` prints it, or as much of its beginning as is unique.")
]


def whole(low: int, high: int, meaning: str):
    """An option that takes whole numbers from `low` to `high`, both included."""

    def number(text: str) -> int:
        try:
            found = int(text)
        except ValueError:
            found = low - 1
        if not low <= found <= high:
            raise typer.BadParameter(f"{str(text)[:40]!r}; allowed: a whole number from {low} to {high}")
        return found

    return typer.Option(parser=number, metavar="N", help=meaning)


def finite(meaning: str):
    """An option that takes finite numbers."""
    return typer.Option(parser=_finite, metavar="NUMBER", help=meaning)


def _finite(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise typer.BadParameter(f"{str(text)[:40]!r}; allowed: a finite number")
    return found
