"""The studies of a plan, each read when it is first asked for: to build the networks of all, in order to see that they
can be built, takes longer than a command about one run may."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sprint.plan.schema import Study


class Studies(Mapping[str, Study]):
    """Studies by name; `read` makes one of its file, once."""

    def __init__(self, files: dict[str, Path], read: Callable[[Path], Study]):
        self.files, self.read, self.known = files, read, {}

    def __getitem__(self, name: str) -> Study:
        if name not in self.known:
            self.known[name] = self.read(self.files[name])
        return self.known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)
