"""docs/architecture.md, from the imports: rooms, floors, arrows, the smallest example of each contract; and
docs/plugins.md, every plug-in with its paper and its file, as `sprint plugins` lists them; and the list in README.

python tests/architecture.py    # writes the pages anew; a test fails while one is stale
"""

import ast
import re

from test_repository import NAMES, PACKAGE, ROOMS_FROM_THE_TOP, ROOT, imports, room, tree

from sprint.runtime.contracts import every_plugin

PAGE = ROOT / "docs" / "architecture.md"
LIST = ROOT / "docs" / "plugins.md"
README = ROOT / "README.md"
MARKS = ("<!-- what there is, by tests/architecture.py -->\n", "<!-- end of what there is -->\n")
TOLD = ("method", "guidance", "teacher", "backbone", "sampler", "data", "metric")  # contracts in README
ADDING = {  # by the class of the contract: what a user of it writes
    "Method": "a file and a study",
    "DataSet": "a file and a preset",
    "Codec": "a file and a preset",
    "Backbone": "a file and a preset",
}
HEAD = """# Architecture

Written from the imports by `python tests/architecture.py`; a test fails when this page is stale. A room may import from
the rooms below its own and from no other, and no module imports in a circle: `tests/test_repository.py` holds both.

{rooms} rooms on {floors} floors, {arrows} arrows between them, none upward. The picture shows the {drawn}
from which all others follow; the table lists all.
"""
CONTRACTS = """## Contracts

One file is one plug-in, found by listing the folder (`sprint/runtime/plugins.py`); what holds for all of a contract is
tested for every file of its folder. {plugins} plug-ins of {contracts} contracts. Where to look first:
"""
PLUGINS = """# What there is

Every method, guidance, backbone, sampler, data set, metric and so on, with paper and file, as `sprint plugins` says;
written by `python tests/architecture.py`. What differs from the papers is in [fidelity.md](fidelity.md).
"""


def arrows() -> dict[str, set[str]]:
    """The rooms that each room imports from."""
    found: dict[str, set[str]] = {name: set() for name in ROOMS_FROM_THE_TOP}
    for name, path in NAMES.items():
        others = {room(other) for other in imports(path) if other in NAMES}
        if room(name):
            found[room(name)] |= others - {"", room(name)}
    return found


def below(start: str, found: dict[str, set[str]]) -> set[str]:
    """All rooms that a room stands on, directly or not."""
    return found[start].union(*(below(other, found) for other in found[start]))


def shown(found: dict[str, set[str]]) -> dict[str, list[str]]:
    """Arrows without those that follow from others, in the order of the rooms."""
    direct = {
        name: found[name] - set().union(*(below(other, found) for other in found[name])) for name in ROOMS_FROM_THE_TOP
    }
    return {name: [other for other in ROOMS_FROM_THE_TOP if other in direct[name]] for name in ROOMS_FROM_THE_TOP}


def floor(name: str, found: dict[str, set[str]]) -> int:
    """0 for a room that stands on no other."""
    return max((floor(other, found) + 1 for other in found[name]), default=0)


def first_sentence(name: str) -> str:
    text = ast.get_docstring(tree(PACKAGE / name / "__init__.py")).replace("\n", " ")
    return text.partition(". ")[0].rstrip(".").replace("<", "&lt;")


def contracts() -> list[tuple[str, str, list]]:
    """(class, package, files of plug-ins) of each contract, wherever in the package one is found by `find`."""
    listed = []
    for path in sorted(NAMES.values()):
        calls = [node for node in tree(path).body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)]
        for call in (node.value for node in calls if getattr(node.value.func, "id", "") == "find"):
            package, base = call.args[0].value, call.args[1].id
            folder = ROOT.joinpath(*package.split("."))
            listed.append((base, package, sorted(set(folder.glob("*.py")) - {folder / "__init__.py"})))
    return sorted(listed)


def rooms_text(found: dict[str, set[str]]) -> list[str]:
    lines = ["| floor | room | what it is | stands on |", "|---|---|---|---|"]
    for name in sorted(ROOMS_FROM_THE_TOP, key=lambda name: (-floor(name, found), ROOMS_FROM_THE_TOP.index(name))):
        others = ", ".join(other for other in ROOMS_FROM_THE_TOP if other in found[name]) or "–"
        lines.append(f"| {floor(name, found)} | `{name}` | {first_sentence(name)} | {others} |")
    return lines


def contracts_text(listed: list[tuple[str, str, list]]) -> list[str]:
    lines = ["| contract | its class | plug-ins | smallest example | adding one is |", "|---|---|---|---|---|"]
    for base, package, files in listed:
        smallest = min(files, key=lambda path: (len(path.read_text(encoding="utf-8").splitlines()), path.name))
        where = package.replace(".", "/")
        link = f"[{smallest.stem}](../{smallest.relative_to(ROOT)})"
        cells = (base, f"[{where}](../{where}/__init__.py)", len(files), link, ADDING.get(base, "a file"))
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def page() -> str:
    found, listed = arrows(), contracts()
    drawn = shown(found)
    numbers = {
        "rooms": len(found),
        "floors": 1 + max(floor(name, found) for name in found),
        "arrows": sum(map(len, found.values())),
        "drawn": sum(map(len, drawn.values())),
        "contracts": len(listed),
        "plugins": sum(len(files) for _, _, files in listed),
    }
    picture = [f"    {name} --> {other}" for name, others in drawn.items() for other in others]
    blocks = (
        HEAD.format(**numbers),
        "\n".join(["```mermaid", "flowchart TB", *picture, "```", ""]),
        "\n".join([*rooms_text(found), ""]),
        CONTRACTS.format(**numbers),
        "\n".join([*contracts_text(listed), ""]),
    )
    return "\n".join(blocks)


def plugins_page() -> str:
    """Every plug-in by contract: its name and file, what it is, its paper."""
    blocks = [PLUGINS]
    for contract, known in every_plugin().items():
        rows = [
            f"| [{name}](../{about['file']}) | {about['title']} | {about['cites'] or '–'} |"
            for name, about in known.items()
        ]
        plural = {"data": "Data sets", "codebase": "Codebases"}.get(contract, f"{contract.capitalize()}s")
        head = [f"## {plural}", "", "| name and file | what it is | paper or source |", "|---|---|---|"]
        blocks.append("\n".join([*head, *rows, ""]))
    return "\n".join(blocks)


def readme() -> str:
    """README with its list anew: of the contracts that users ask for, each plug-in with its file and its paper."""
    rows = ["| | file and paper |", "|---|---|"]
    for contract, known in every_plugin().items():
        if contract in TOLD:
            rows.append(f"| {contract} | {', '.join(_with_paper(name, about) for name, about in known.items())} |")
    before, rest = README.read_text(encoding="utf-8").split(MARKS[0])
    return "".join([before, MARKS[0], "\n".join([*rows, ""]), MARKS[1], rest.split(MARKS[1])[1]])


def _with_paper(name: str, about: dict) -> str:
    papers = re.findall(r"\b\d{4}\.\d{5}\b", about["cites"] or "")
    links = ", ".join(f"[{paper}](https://arxiv.org/abs/{paper})" for paper in papers[:1])
    return f"[{name}]({about['file']})" + (f" ({links})" if links else "")


if __name__ == "__main__":
    for path, text in ((PAGE, page()), (LIST, plugins_page()), (README, readme())):
        path.write_text(text, encoding="utf-8")
        print(path)
