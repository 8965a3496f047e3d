"""Faults done to the real commands, and the table of what was tried, which `make faults` writes.

`make test` tries each fault a few times. With FAULTS=full in the environment, as `make faults` has it, each is tried
as often as docs/reliability.md says, and the table there is written anew.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import trial

DOCUMENT = trial.ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- table written by make faults -->\n", "<!-- end of the table -->"
# tests/plan/test_bad_plans.py and tests/runtime/test_results.py do the same in small
collect_ignore = [] if trial.FULL else ["test_yaml.py", "test_damage.py"]
ROWS: dict[str, dict] = {}  # by fault, in the order of the tests


def pytest_configure(config):
    config.addinivalue_line("markers", "fault(name, outcome): a row of the table in docs/reliability.md")


@pytest.fixture(autouse=True)
def fault(request, record_property):
    """Has the fault that a test is marked with stand in the table."""
    marker = request.node.get_closest_marker("fault")
    record_property("fault", (*marker.args, request.node.nodeid) if marker else None)


@pytest.fixture
def tried(record_property):
    """tried(20): how often a test has done its fault, where that is not once."""
    return lambda times: record_property("times", times)


def pytest_runtest_logreport(report):
    told = dict(report.user_properties)
    if not told.get("fault") or (report.when != "call" and report.passed):
        return
    name, outcome, place = told["fault"]
    row = ROWS.setdefault(name, {"place": place.split("[")[0], "times": 0, "outcome": outcome, "odd": []})
    row["times"] += told.get("times", 1) if report.passed else 0
    if not report.passed:
        row["odd"].append(f"{report.outcome}: {str(report.longrepr[2] if report.skipped else place)[:160]}")


def pytest_sessionfinish(session):
    part = session.config.option.keyword  # of the faults, so no table
    if not trial.FULL or not ROWS or part or hasattr(session.config, "workerinput"):
        return
    lines = ["| fault | times tried | outcome |", "|---|---|---|"]
    for name, row in sorted(ROWS.items(), key=lambda item: item[1]["place"].split("::")[0]):
        lines.append(f"| {name} | {row['times']:,} | {'; '.join(sorted(set(row['odd']))) or row['outcome']} |")
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    DOCUMENT.write_text(f"{before}{BEGIN}{chr(10).join(lines)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


@pytest.fixture
def project(workspace) -> trial.Project:
    """A scratch project with one small study."""
    return trial.Project(workspace)


@pytest.fixture(scope="session")
def whole(tmp_path_factory, new_workspace) -> dict[str, bytes]:
    """The weights of the project's run when nothing befalls it."""
    return trial.Project(new_workspace("whole")).undisturbed(tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture
def sprint(monkeypatch, capsys):
    """sprint(folder, "train", ...): the real command in this process: status, stdout, stderr; never a traceback."""

    def call(folder: Path, *arguments: str) -> trial.Ended:
        from sprint.cli import main as cli

        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["sprint", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return trial.Ended(ended.value.code or 0, *capsys.readouterr())

    return call


@pytest.fixture
def small_disk():
    """small_disk(folder): a file system of 16 MB that can be filled; skips where it cannot be mounted."""
    mounted = []

    def mount(folder: Path) -> trial.Disk:
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
        if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("this user may not mount a small disk (tmpfs) to fill")
        mounted.append(folder)
        return trial.Disk(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
