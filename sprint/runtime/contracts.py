"""Every contract with its plug-ins, as `sprint plugins` prints them.

What a plug-in says of itself is read from its source, so that listing imports none; where the source leaves it open,
its class is asked.
"""

import ast
import importlib
from dataclasses import dataclass
from pathlib import Path

import sprint
from sprint.runtime.errors import UserError

CONTRACTS = {  # the package of each, whose __init__.py holds its base class and calls find()
    "method": "sprint.methods",
    "data": "sprint.data.sets",
    "layout": "sprint.data.layouts",
    "codec": "sprint.data.codecs",
    "backbone": "sprint.nn.backbones",
    "teacher": "sprint.teachers",
    "metric": "sprint.metrics",
    "extractor": "sprint.metrics.extractors",
    "sampler": "sprint.diffusion.samplers",
    "guidance": "sprint.diffusion.guidance",
    "attention": "sprint.diffusion.attention",
    "view": "sprint.report.views",
    "codebase": "sprint.published.codebases",
}
SAID = ("title", "cites")
ROOT = Path(sprint.__file__).resolve().parent.parent
Classes = dict[str, ast.ClassDef]


@dataclass(frozen=True)
class Contract:
    """A folder of plug-ins, as the call of find() in its __init__.py tells it."""

    package: str
    base: str
    hyphens: bool
    classes: Classes  # of the __init__.py

    @classmethod
    def of(cls, package: str) -> "Contract | None":
        """None where the package has no such call."""
        path = _folder(package) / "__init__.py"
        tree = _tree(path) if path.exists() else ast.Module([], [])
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "find" and len(node.args) == 2:
                hyphens = any(word.arg == "hyphens" and _literal(word.value) for word in node.keywords)
                return cls(package, node.args[1].id, hyphens, _classes(tree))
        return None

    def plugins(self) -> dict[str, dict[str, str]]:
        """{name: {"title", "cites", "file"}}."""
        files = sorted(path for path in _folder(self.package).glob("*.py") if path.stem != "__init__")
        return {
            path.stem.replace("_", "-") if self.hyphens else path.stem: self._about(path)
            | {"file": path.relative_to(ROOT).as_posix()}
            for path in files
        }

    def _about(self, path: Path) -> dict[str, str]:
        here = _classes(_tree(path))
        classes = self.classes | here
        plugins = [name for name in here if self.base in _ancestors(name, classes)]
        if len(plugins) == 1:
            found = {key: _said(key, [plugins[0], *_ancestors(plugins[0], classes)], classes) for key in SAID}
            if None not in found.values():
                return found
        return self._asked(path)

    def _asked(self, path: Path) -> dict[str, str]:
        """What the class itself says."""
        from sprint.runtime.plugins import find

        base = getattr(importlib.import_module(self.package), self.base)
        plugin = find(self.package, base)[path.stem]
        return {key: getattr(plugin, key, "") for key in SAID}


def every_plugin() -> dict[str, dict[str, dict[str, str]]]:
    """{contract: {name: {"title", "cites", "file"}}}, files as seen from the root of the repository."""
    found = {name: Contract.of(package) for name, package in CONTRACTS.items()}
    return {name: contract.plugins() for name, contract in found.items() if contract}


def _folder(package: str) -> Path:
    return ROOT.joinpath(*package.split("."))


def _tree(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (SyntaxError, ValueError) as error:
        raise UserError(f"{path.relative_to(ROOT)}: not Python ({error})") from error


def _classes(tree: ast.Module) -> Classes:
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _ancestors(name: str, classes: Classes) -> list[str]:
    """The bases of a class, and theirs, nearest first, as far as `classes` has them."""
    return [
        base
        for node in (classes[name].bases if name in classes else [])
        for one in [getattr(node, "id", getattr(node, "attr", ""))]
        for base in [one, *_ancestors(one, classes)]
    ]


def _said(key: str, names: list[str], classes: Classes) -> str | None:
    """The text that the first of the classes gives `key`; None where that is no plain text."""
    for node in [node for name in names if name in classes for node in classes[name].body]:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(getattr(target, "id", "") == key for target in targets) and getattr(node, "value", None):
            value = _literal(node.value)
            return value if isinstance(value, str) else None
    return None


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None
