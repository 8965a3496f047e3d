"""Plug-ins: one file each, found by listing the folder of their contract.

    METHODS = find("sprint.methods", Method)
    METHODS["tread"]         # the class in sprint/methods/tread.py; UserError, naming the nearest, for another name
    list(METHODS)            # all names, from the files alone

A plug-in's name is its file's; its class is the one subclass of the contract that the file defines. Nothing is listed
anywhere else. A folder below holds what plug-ins share, or those of another contract.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property

from sprint.runtime.errors import UserError
from sprint.runtime.strict import nearest


class Plugins(Mapping):
    """The plug-ins of one contract by name; a file is imported when its class is asked for."""

    def __init__(self, package: str, base: type):
        self.package, self.base = package, base

    @cached_property
    def files(self) -> dict[str, str]:
        """Module by name."""
        folder = importlib.import_module(self.package).__path__
        names = sorted(entry.name for entry in pkgutil.iter_modules(folder) if not entry.ispkg)
        return {name: f"{self.package}.{name}" for name in names}

    def __getitem__(self, name: str) -> type:
        module = importlib.import_module(nearest(self.files, name, self.base.__name__.lower()))
        found = [
            member
            for member in vars(module).values()
            if inspect.isclass(member) and issubclass(member, self.base) and member.__module__ == module.__name__
        ]
        if len(found) != 1:
            raise UserError(
                f"{module.__file__}: defines {len(found)} classes of {self.base.__name__}; allowed: one, the plug-in"
            )
        return found[0]

    def __contains__(self, name: object) -> bool:
        return name in self.files

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)


def find(package: str, base: type) -> Plugins:
    """All plug-ins of the contract `base` in the folder of `package`."""
    return Plugins(package, base)
