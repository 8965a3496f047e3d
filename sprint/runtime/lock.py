"""One writer at a time: a lock on a run's folder that the operating system releases however its holder ends."""

import contextlib
import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from sprint.runtime.errors import UserError

TRIES, PAUSE = 5, 0.1  # a moment's patience, in seconds, with those who only look whether the lock is held


@contextlib.contextmanager
def hold(folder: Path, wait: bool = False) -> Iterator[None]:
    """Hold `folder` for the length of a with-block. Where another holds it, raises UserError that says who, and since
    when; or says so on stderr and waits."""
    path = Path(folder) / "lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = open(path, "a+", encoding="utf-8")  # noqa: SIM115 - closed below; opening must not wait for the lock
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error
    with stream:
        if not _taken(stream, path):
            if not wait:
                raise UserError(f"{folder}: {_holder(path)} is working on this run; wait for it or stop it")
            print(f"{folder}: waiting for {_holder(path)} which is working on this run", file=sys.stderr, flush=True)
            fcntl.flock(stream, fcntl.LOCK_EX)
        _sign(stream, path)
        yield


def is_held(folder: Path) -> bool:
    """Whether a process is working in `folder`, as far as can be told."""
    try:
        with open(Path(folder) / "lock", encoding="utf-8") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _taken(stream: TextIO, path: Path) -> bool:
    for attempt in range(TRIES):
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(PAUSE if attempt < TRIES - 1 else 0)
        except OSError as error:
            raise UserError(f"{path}: cannot be locked ({error.strerror}); choose a file system with locks") from error
    return False


def _sign(stream: TextIO, path: Path) -> None:
    """Write who holds the lock and since when."""
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    try:
        os.ftruncate(stream.fileno(), 0)
        os.write(
            stream.fileno(), json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since}).encode()
        )
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error


def _holder(path: Path) -> str:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return f"process {content['pid']} on {content['host']}, since {content['since']},"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
