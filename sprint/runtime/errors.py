"""What a user can mend, in one sentence: what was asked, what was got, what is allowed."""

import contextlib
import errno
import sys
from collections.abc import Iterator

OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "bad_alloc",
    "can't start new thread",
)


class UserError(Exception):
    """One sentence for the user. The command line prints it without a traceback and exits with status 2."""


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Have what the user can mend end the process: one sentence on stderr, exit status 2."""
    try:
        yield
    except UserError as error:
        print(f"sprint: {sentence(error)}", file=sys.stderr)
        sys.exit(2)


def sentence(error: BaseException) -> str:
    """What to tell the user of an error; "" where only a programmer can mend it, and a traceback serves better."""
    if isinstance(error, UserError):
        return _on_one_line(str(error))
    said = " ".join(str(error).split())[:200]
    if isinstance(error, MemoryError) or _tells_of_memory(error, said):
        return (
            f"out of memory ({said or type(error).__name__}); take a smaller batch or model, or a machine with more "
            "memory: what is on disk is whole, and the same command goes on from it"
        )
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return f"{_on_one_line(place)}{error.strerror[0].lower()}{error.strerror[1:]}; what is on disk is whole"
    return ""


def _on_one_line(text: str) -> str:
    """The text with line ends and the like, which names of files may hold, as Python writes them."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def _tells_of_memory(error: BaseException, said: str) -> bool:
    """torch raises RuntimeError, on a GPU a kind of its own, and the operating system OSError."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and any(words in said.lower() for words in OUT_OF_MEMORY)
