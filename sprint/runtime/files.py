"""Files that appear whole or not at all: written beside their place, flushed to disk, then renamed over it."""

import contextlib
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from sprint.runtime.errors import UserError

UNFINISHED = ".unfinished"
DEEPEST = 40  # levels of lists and mappings in a JSON file


def write_bytes(path: Path, data: bytes) -> None:
    """Replace `path` by `data` atomically; its folder is made. Raises UserError when the place cannot be written."""
    with replacing(path) as temporary, open(temporary, "wb") as stream:
        stream.write(data)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """An empty file beside `path` to be filled in the block, which replaces it once it is on disk. As `write_bytes`."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(UNFINISHED, f".{path.name}.", path.parent)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror}); choose a folder with space and write permission"
        ) from error
    try:
        yield Path(temporary)
        os.fsync(handle)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        _settle(path.parent)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); what was there before is intact") from error
    finally:
        os.close(handle)
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def file_sha256(path: Path) -> str:
    """Of a file's bytes, in hexadecimal; they are not all held at once."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def refuse_unwritable(folder: Path) -> None:
    """Raise UserError when nothing could be written below `folder`; makes nothing."""
    folder = Path(folder)
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        what = "no write permission" if there.is_dir() else "not a folder"
        raise UserError(f"{folder}: cannot be written ({there}: {what}); nothing was computed, and nothing lost")


def write_text(path: Path, text: str) -> None:
    """Replace `path` by `text` in UTF-8, atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, content: object) -> None:
    """Replace `path` by JSON with sorted keys, so that equal content is equal bytes. NaN and infinity are refused."""
    write_text(path, json.dumps(content, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path) -> object:
    """The content of a JSON file. Raises UserError when it is missing or broken, or holds what is no number or text."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        content = json.loads(text, parse_constant=_refuse_number, parse_float=_finite)
        _refuse_deep(content)
        if "\\u" in text:
            json.dumps(content, ensure_ascii=False).encode()  # half a letter, which could not be written again
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise UserError(f"{path}: not valid JSON ({str(error)[:200]})") from error
    except RecursionError:
        raise UserError(f"{path}: not valid JSON (nested more than {DEEPEST} levels deep)") from None
    return content


def _refuse_deep(content: object) -> None:
    level = [content]
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return
    raise ValueError(f"nested more than {DEEPEST} levels deep")


def _inside(content: object) -> Iterable:
    return content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()


def _refuse_number(text: str) -> None:
    raise ValueError(f"{text} is not a finite number")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse_number(text)


def remove_unfinished(folder: Path) -> None:
    """Remove what writers that were killed left half done in a folder that nobody else writes to."""
    for path in list(Path(folder).rglob(f".*{UNFINISHED}")):
        path.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    """Have the folder's entries on disk too, so that a rename outlives a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    with contextlib.suppress(OSError):  # of file systems that know no such thing
        os.fsync(handle)
    os.close(handle)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
