"""What became of a run: train.json once it has ended, and until then status.json as far as it can tell.

A process that was killed says nothing any more: a run that calls itself running while nobody holds its lock was killed.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sprint.runtime.document import LONGEST
from sprint.runtime.errors import UserError, sentence
from sprint.runtime.lock import is_held
from sprint.runtime.results import STATUS, TRAIN

GOES_ON = "the same command goes on from its last checkpoint"


class Interrupted(Exception):
    """The run was asked to stop; it has written a checkpoint and can go on from there."""


def read(folder: Path) -> dict:
    """{"state", "reason", ...} of the run in a folder; {} where none was begun.

    state: done, diverged, failed, interrupted or running. Raises UserError for a file that holds something else.
    """
    for name, kind in (("train.json", TRAIN), ("status.json", STATUS)):
        path = Path(folder) / name
        if not path.exists():
            continue
        found = kind.read(path)
        if found["state"] == "running" and not is_held(folder):
            return {"state": "interrupted", "reason": f"killed; {GOES_ON}"}
        return found
    return {}


def write(folder: Path, state: str, reason: str = "") -> None:
    """Say in status.json what a run is at."""
    STATUS.write(Path(folder) / "status.json", {"state": state, "reason": reason[:LONGEST]})


def record_error(folder: Path, error: BaseException) -> None:
    """Record the error in status.json; where even that cannot be written, the error itself has to do."""
    state, reason = "failed", sentence(error) or f"{type(error).__name__}: {error}"
    if isinstance(error, Interrupted | KeyboardInterrupt):
        state, reason = "interrupted", str(error) or f"stopped by the keyboard; {GOES_ON}"
    with contextlib.suppress(UserError):
        write(folder, state, reason)


@contextlib.contextmanager
def refused(folder: Path) -> Iterator[None]:
    """Have a run that was begun, and that nobody works on, say why it cannot go on when the with-block refuses to."""
    try:
        yield
    except UserError as error:
        with contextlib.suppress(UserError):
            if read(folder).get("state") in ("interrupted", "failed"):
                record_error(folder, error)
        raise
