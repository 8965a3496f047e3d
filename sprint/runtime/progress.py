"""Progress for people: a bar with rate and time left on a terminal, a line every so often in a log."""

import sys
import time
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sprint.runtime import distributed

SECONDS_BETWEEN_LINES = 20.0


def console() -> Console:
    """For tables on stdout: as wide as the terminal, or 200 columns where there is none."""
    return Console(width=None if Console().is_terminal else 200)


def track(items: Iterable, what: str, total: int, start: int = 0) -> Iterator:
    """Yield `items`, showing `what`, how many of `total` are done (`start` were before), the rate and the time left."""
    if not distributed.is_main():
        return iter(items)
    return _bar(items, what, total, start) if sys.stderr.isatty() else _lines(items, what, total, start)


def _bar(items: Iterable, what: str, total: int, start: int) -> Iterator:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    began = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total, completed=start, rate="")
        for done, item in enumerate(items, start=1):
            yield item
            progress.update(task, advance=1, rate=f"{done / (time.monotonic() - began):.1f}/s")


def _lines(items: Iterable, what: str, total: int, start: int) -> Iterator:
    began = last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            rate = done / (now - began)
            left = (total - start - done) / rate
            print(f"{what}: {start + done}/{total}, {rate:.1f}/s, {left:.0f} s left", file=sys.stderr, flush=True)
            last = now
