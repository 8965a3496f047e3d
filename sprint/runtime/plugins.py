"""Plug-ins: one file each, found by listing the folder of their contract.

    METHODS = find("sprint.methods", Method)
    METHODS[name]            # the class in sprint/methods/<name>.py; UserError, naming the nearest, for another name
    list(METHODS)            # all names, from the files alone

A plug-in's name is its file's, with hyphens for underscores where the contract writes its names so; its class is the
one subclass of the contract that the file defines. Nothing is listed anywhere else. A folder below holds what plug-ins
share, or those of another contract.
"""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import ClassVar, Self

from sprint.runtime.errors import UserError
from sprint.runtime.strict import describe, nearest, said, text_of


class Plugins(Mapping):
    """The plug-ins of one contract by name; a file is imported when its class is asked for."""

    def __init__(self, package: str, base: type, hyphens: bool = False):
        self.package, self.base, self.hyphens = package, base, hyphens

    @property
    def kind(self) -> str:
        """What sentences call one: "method", "data set"."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.base.__name__).lower()

    @cached_property
    def files(self) -> dict[str, str]:
        """Module by name."""
        folder = importlib.import_module(self.package).__path__
        modules = sorted(entry.name for entry in pkgutil.iter_modules(folder) if not entry.ispkg)
        return {self._written(module): f"{self.package}.{module}" for module in modules}

    def name_of(self, plugin: type) -> str:
        """The name of a plug-in's class."""
        return self._written(plugin.__module__.rpartition(".")[2])

    def _written(self, module: str) -> str:
        return module.replace("_", "-") if self.hyphens else module

    def __getitem__(self, name: str) -> type:
        module = importlib.import_module(nearest(self.files, name, self.kind))
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


def find(package: str, base: type, hyphens: bool = False) -> Plugins:
    """All plug-ins of the contract `base` in the folder of `package`; `hyphens`: pdg-label is in pdg_label.py."""
    return Plugins(package, base, hyphens)


class Kind:
    """What contracts share whose plug-ins a file names by `kind`, their fields beside it: {kind: heun, steps: 8}."""

    plugins: ClassVar[Plugins]  # all of the contract
    usual: ClassVar[str]  # the kind of a mapping that names none

    @classmethod
    def chosen(cls, content: dict) -> tuple[type[Self], dict]:
        """The plug-in that a mapping names, and the rest of it. Raises UserError for one without a file."""
        kind = content.get("kind", cls.usual)
        if not isinstance(kind, str):
            raise UserError(f"kind is {describe(kind)}; allowed: {', '.join(cls.plugins)}")
        return cls.plugins[kind], {key: value for key, value in content.items() if key != "kind"}

    @classmethod
    def kind(cls) -> str:
        """The plug-in's name."""
        return cls.plugins.name_of(cls)

    def document(self) -> dict:
        """The mapping, complete, as results hold it."""
        return {"kind": self.kind(), **said(self)}

    def __init_subclass__(cls, **named):
        super().__init_subclass__(**named)
        cls.__repr__ = text_of  # here, as a dataclass makes one of its own where the class has none
