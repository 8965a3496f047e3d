"""What code shaped a result: a hash of every module of ours that it was made with, read as text and never imported.

    shaping("sprint.methods.mine", "sprint.nn.backbones.dit")   # {"sprint/methods/mine.py": "1f0c...", ...}

A module counts with all of ours that it imports, but for sprint/runtime, from which no number follows. What is hashed
is the parsed code written out again, without docstrings and the texts of plug-ins, so that a changed comment or a line
broken elsewhere changes nothing. No torch.
"""

import ast
import hashlib
import importlib.metadata
from functools import lru_cache
from pathlib import Path

import sprint

PACKAGE = Path(sprint.__file__).parent
NOT_SHAPING = ("sprint.runtime",)
TEXTS = ("title", "cites", "short", "meaning", "form", "digits", "table", "place")  # of a plug-in's class
TOLD_VERSION = "torch"


def shaping(*modules: str) -> dict[str, str]:
    """{file: hash} of the modules and of all of ours that they import, directly or not."""
    found: dict[str, str] = {}
    left = list(modules)
    while left:
        path = _file(left.pop())
        name = path and str(path.relative_to(PACKAGE.parent))
        if path and name not in found:
            found[name], imported = _parsed(path)
            left += [one for one in imported if not one.startswith(NOT_SHAPING)]
    return dict(sorted(found.items()))


def changed(recorded: dict[str, str]) -> list[str]:
    """The files among those recorded whose code is not what it was, or that are gone; none where none were recorded."""
    return [name for name, then in recorded.items() if _now(PACKAGE.parent / name) != then]


def remark(record: dict, what: str = "trained") -> str:
    """`trained with other code: sprint/methods/mine.py; with torch 2.1, where 2.2 is here`; empty where all is alike.

    Of a record with `code` and `versions`, each as far as it was recorded.
    """
    files, parts = changed(record.get("code", {})), []
    if files:
        parts.append(f"{what} with other code: {', '.join(files)}")
    then, here = record.get("versions", {}).get(TOLD_VERSION), importlib.metadata.version(TOLD_VERSION)
    if then not in (None, here):
        parts.append(f"{what} with {TOLD_VERSION} {then}, where {here} is installed")
    return "; ".join(parts)


def apart(records: dict[str, dict], what: str = "trained") -> str:
    """`trained with different versions of torch: 2.1 (A, B), 2.2 (C)`, of records by name; empty where all have one."""
    found: dict[str, list[str]] = {}
    for name, record in records.items():
        if then := record.get("versions", {}).get(TOLD_VERSION):
            found.setdefault(then, []).append(name)
    told = ", ".join(f"{then} ({', '.join(names)})" for then, names in sorted(found.items()))
    return f"{what} with different versions of {TOLD_VERSION}: {told}" if len(found) > 1 else ""


def _file(module: str) -> Path | None:
    """Where a module of ours lies; None for what is none, such as a name in a module."""
    base = PACKAGE.joinpath(*module.split(".")[1:])
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _now(path: Path) -> str:
    try:
        return _parsed(path)[0] if path.is_file() else "gone"
    except OSError:  # of a name that is none here
        return "gone"


def _parsed(path: Path) -> tuple[str, tuple[str, ...]]:
    """The hash of a file's code, and the modules of ours that it names in imports."""
    about = path.stat()
    return _parsed_at(path, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=512)
def _parsed_at(path: Path, modified: int, size: int) -> tuple[str, tuple[str, ...]]:
    data = path.read_bytes()
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):  # of a file that is being edited
        return hashlib.sha256(data).hexdigest()[:16], ()
    imported = tuple(name for node in ast.walk(tree) for name in _imports(node, path))
    return hashlib.sha256(ast.unparse(_Bare().visit(tree)).encode()).hexdigest()[:16], imported


def _imports(node: ast.AST, path: Path) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names if name.name.split(".")[0] == sprint.__name__]
    if not isinstance(node, ast.ImportFrom):
        return []
    module = node.module or ""
    if node.level:
        place = path.relative_to(PACKAGE.parent).with_suffix("").parts[: -node.level]
        module = ".".join([*place, *filter(None, [module])])
    named = [module, *(f"{module}.{name.name}" for name in node.names)]
    return named if module.split(".")[0] == sprint.__name__ else []


class _Bare(ast.NodeTransformer):
    """Code without what no number follows from: docstrings, and the texts of plug-ins."""

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            said = TEXTS if isinstance(node, ast.ClassDef) else ()
            node.body = [one for one in node.body if not _is_text(one, said)] or [ast.Pass()]
        return self.generic_visit(node)


def _is_text(node: ast.stmt, named: tuple[str, ...]) -> bool:
    """A docstring, or one of the texts named."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    one = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in named
    return one and isinstance(node.value, ast.Constant)
