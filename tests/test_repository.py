"""What holds of the repository as a whole: its pins, the direction of its imports, and the size of its parts."""

import ast
import re
import subprocess
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "sprint"
MODULES = sorted(PACKAGE.rglob("*.py"))
METHODS = sorted(path.stem for path in (PACKAGE / "methods").glob("*.py") if path.stem != "__init__")

# Every room by name, from the top floor down: a room may import from the rooms below its own, and from no other.
ROOMS_FROM_THE_TOP = (
    *("cli", "report", "bench", "evaluation", "training", "plan", "published", "cost", "diffusion", "teachers"),
    *("metrics", "data", "methods", "nn", "statistics", "runtime"),
)
FLOORS = {name: number for number, name in enumerate(reversed(ROOMS_FROM_THE_TOP))}
# Where methods may be named: their own files, what translates published ones, and what is no source.
NAMING = {"methods", "published"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_name(path): path for path in MODULES}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported(node: ast.AST, path: Path) -> set[str]:
    """The modules that one import statement names; `from package import module` names the module."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    package = module_name(path).split(".") if path.name == "__init__.py" else module_name(path).split(".")[:-1]
    start = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
    base = ".".join(filter(None, [start, node.module]))
    return {f"{base}.{alias.name}" if f"{base}.{alias.name}" in NAMES else base for alias in node.names}


@cache
def imports(path: Path) -> frozenset[str]:
    """All modules that a file imports, wherever in it."""
    statements = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Import | ast.ImportFrom)]
    return frozenset().union(*(imported(node, path) for node in statements))


def everything_loaded_by(name: str) -> set[str]:
    """All modules that `name` brings in, directly or through others of this package."""
    seen, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        parents = [current.rpartition(".")[0]] if current.startswith("sprint.") else []
        found = imports(NAMES[current]) if current in NAMES else set()
        waiting.extend((set(parents) | found) - seen)
        seen |= {current, *parents, *found}
    return seen


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout, so what belongs to the repository is not known")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def lock() -> list[str]:
    return (ROOT / "requirements.lock").read_text().split()


def test_lock_and_conda_environment_hold_the_same_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (from_pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert from_pip == lock()  # and no path: `--sdm conda` makes the environment of a copy that lies elsewhere


def test_every_pin_is_exact_and_nothing_else():
    assert [pin for pin in lock() if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", pin)] == []


def test_direct_dependencies_have_the_pins_of_the_lock():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = project["dependencies"] + project["optional-dependencies"]["test"]
    assert set(map(plain_pin, direct)) - set(map(plain_pin, lock())) == set()


def plain_pin(pin: str) -> str:
    return re.sub(r"[-_.]+", "-", pin.partition("==")[0]).lower() + "==" + pin.partition("==")[2]


@pytest.mark.parametrize("pin", lock())
def test_what_is_installed_is_what_is_pinned(pin):
    requirement = Requirement(pin)
    installed = metadata.version(requirement.name)
    assert requirement.specifier.contains(installed), f"{requirement.name} is {installed}, the lock says {pin}"


def test_every_module_is_in_a_room_and_every_room_has_a_floor():
    assert {room(name) for name in NAMES if room(name)} == set(ROOMS_FROM_THE_TOP)
    assert {path.name for path in PACKAGE.glob("*.py")} <= {"__init__.py", "__main__.py"}


def test_tests_lie_in_the_room_that_they_are_of():
    """Beside rooms: faults done to the whole, and a real Slurm. What is of the whole house lies at the top."""
    whole = {"adding_a_method", "architecture", "bad_input", "readme", "readme_examples", "repository", "workflow"}
    assert {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")} <= {
        *ROOMS_FROM_THE_TOP,
        "faults",
        "slurm",
    }
    assert {path.stem.removeprefix("test_") for path in (ROOT / "tests").glob("test_*.py")} == whole


def test_no_two_files_of_tests_have_the_same_name():
    """They are modules of no package, and pytest imports each by its name alone."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_point_down(path):
    name = module_name(path)
    others = {other for other in imports(path) if other in NAMES and room(other) not in ("", room(name))}
    upwards = {other for other in others if FLOORS[room(other)] >= FLOORS[room(name)]}
    assert upwards == set(), f"{name} may import only from the rooms below its own, see ROOMS_FROM_THE_TOP"


def test_no_circle_of_imports():
    waiting = {name: {other for other in imports(path) if other in NAMES} for name, path in NAMES.items()}
    while free := [name for name, needs in waiting.items() if not needs & waiting.keys()]:
        for name in free:
            del waiting[name]
    assert waiting == {}, "these import each other in a circle, or something that does"


@pytest.mark.parametrize("method", METHODS)
def test_methods_never_import_each_other(method):
    others = {f"sprint.methods.{other}" for other in METHODS if other != method}
    assert imports(PACKAGE / "methods" / f"{method}.py") & others == set()


def test_the_report_needs_no_torch():
    parts = [module for module in NAMES if module.split(".")[:2] == ["sprint", "report"]]
    loaded = set.union(*map(everything_loaded_by, parts))
    heavy = {"torch", "torchvision", "torch_fidelity", "cleanfid"}
    assert {module for module in loaded if module.split(".")[0] in heavy} == set()


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_nothing_in_the_library_imports_snakemake(path):
    assert {name for name in imports(path) if name.split(".")[0].startswith("snakemake")} == set()


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_every_module_says_what_it_is_and_is_short(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert ast.get_docstring(tree(path)), "no docstring"
    assert lines <= 300, f"{lines} lines: is there a second idea in it?"


@pytest.mark.parametrize("folder", sorted({path.parent for path in MODULES}), ids=lambda folder: folder.name)
def test_a_package_can_be_looked_over(folder):
    """Folders of plug-ins that anybody adds to are apart."""
    plugins = {PACKAGE / "methods", PACKAGE / "metrics", PACKAGE / "report" / "views"}
    assert folder in plugins or len(list(folder.glob("*.py"))) <= 15


def test_functions_are_short():
    long = []
    for path in [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))]:
        functions = [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        long += [f"{path}: {node.name}" for node in functions if node.end_lineno - node.lineno + 1 > 60]
    assert long == []


def names_of_methods() -> set[str]:
    """The files of sprint/methods, and methods that published.yaml tells of and that have none."""
    published = yaml.safe_load((ROOT / "ablations" / "published.yaml").read_text(encoding="utf-8"))
    told = {row["method"] for rows in published.values() if isinstance(rows, list) for row in rows if "method" in row}
    return told | set(METHODS)


def sources_that_name_no_method() -> list[Path]:
    rules = [path for path in (ROOT / "workflow" / "rules").iterdir() if path.is_file()]
    texts = [path for path in sorted(PACKAGE.rglob("*")) if path.suffix in (".j2", ".css", ".js")]
    own = [path for path in MODULES if room(module_name(path)) not in NAMING]
    return [*own, *texts, *sorted(rules), ROOT / "Snakefile"]


def quoted(path: Path) -> list[tuple[int, str]]:
    """(line, value) of every string of a source."""
    if path.suffix == ".py":
        texts = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Constant)]
        return [(node.lineno, node.value) for node in texts if isinstance(node.value, str)]
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return [(number, value) for number, line in lines for value in re.findall(r"[\"'](\w+)[\"']", line)]


@pytest.mark.parametrize("path", sources_that_name_no_method(), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_its_own_file_names_a_method(path):
    """Neither to treat one in another way, nor as the one that others are held against: that is YARDSTICK."""
    methods = names_of_methods()
    assert [f"line {line}: {value!r}" for line, value in quoted(path) if value in methods] == []


def test_a_method_that_is_named_in_a_source_is_found(tmp_path):
    for name, text in (("some.py", 'x = kinds["tread"]\n'), ("some.smk", "rule: params: 'tread'\n")):
        (tmp_path / name).write_text(text)
        assert (1, "tread") in quoted(tmp_path / name)


def test_no_file_holds_a_path_of_somebodys_machine():
    machine_path = re.compile(r"(?<![\w.])/(?:root|work|farm|home/\w+|Users/\w+)/")
    found = []
    for path in tracked_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in machine_path.finditer(text)]
    assert found == []
