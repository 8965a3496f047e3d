"""One writer at a time: a lock on a run's folder that the operating system releases however its holder ends."""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from sprint.errors import UserError


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold `folder` for the length of a with-block. Raises UserError that says who holds it, and since when."""
    path = Path(folder) / "lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = open(path, "a+", encoding="utf-8")  # noqa: SIM115 - closed below; opening must not wait for the lock
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"{folder}: {_holder(path)} is working on this run; wait for it or stop it") from None
        stream.truncate(0)
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        stream.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since}))
        stream.flush()
        yield


def _holder(path: Path) -> str:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return f"process {content['pid']} on {content['host']}, since {content['since']},"
    except (OSError, ValueError, KeyError):
        return "another process"
