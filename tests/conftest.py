"""What the tests share: the real commands, run in scratch folders that never touch this checkout's results.

Tests run the same `sprint` and `snakemake` as a user does, with the python that runs the tests.
"""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from commands import REPOSITORY, environment, make_workspace, run

# Whoever starts the tests in the background has Ctrl-C ignored in them and in all that they start; not in these tests.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def command_environment():
    """command_environment(NAME="value"): the environment in which the real commands are tested."""
    return environment


@pytest.fixture(scope="session")
def run_cli():
    """run_cli("train", "--help", cwd=folder, env={...}): the real `sprint` in a process of its own."""

    def call(*arguments, cwd: Path = REPOSITORY, env: dict[str, str] | None = None, timeout: float = 300):
        return run(["sprint.cli", *arguments], cwd, env, timeout)

    return call


@pytest.fixture(scope="session")
def snakemake():
    """snakemake("-n", cwd=workspace): the real snakemake with two cores; nothing is raised."""

    def call(*arguments, cwd: Path, env: dict[str, str] | None = None, timeout: float = 600, cores: str | None = "2"):
        return run(["snakemake", *(["--cores", cores] if cores else []), *arguments], cwd, env, timeout)

    return call


@pytest.fixture
def workspace(tmp_path) -> Path:
    """A scratch project folder: edit, run and break it at will."""
    return make_workspace(tmp_path / "project")


@pytest.fixture(scope="session")
def new_workspace(tmp_path_factory):
    """new_workspace("name"): another one, for what several tests look at."""
    return lambda name: make_workspace(tmp_path_factory.mktemp(name) / "project")


@pytest.fixture(scope="module")
def module_workspace(new_workspace) -> Path:
    """The same, shared by the tests of one file: for a run of the DAG that several tests look at."""
    return new_workspace("module")


@pytest.fixture(scope="session")
def git():
    """git(folder, "status", "--porcelain"): what git prints."""

    def call(folder: Path, *arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout

    return call


@pytest.fixture
def checkout(repository, git, tmp_path) -> Path:
    """A copy of what belongs to the repository, committed, so that git tells what is new."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout, so what belongs to the repository is not known")
    folder = tmp_path / "copy"
    for name in filter(None, listing.stdout.split("\0")):
        if (repository / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / name, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "-m", "before")
    return folder


WHOLE = """
import sys
from sprint.cli.main import app
from sprint.plan.reading import load_plan
preset = sys.argv[1]
plan = load_plan(preset)
run = plan.study("methods").runs[0].name
extractors = [["extractor", name] for name in plan.preset.evaluate.extractors]
for arguments in [*extractors, ["reference"], ["train", run], ["evaluate", run], ["report", "methods"]]:
    app([*arguments, "--preset", preset], standalone_mode=False)
"""


@pytest.fixture(scope="session")
def in_one_process():
    """in_one_process(copy, "preset"): the first run of study methods, by the copy's own commands; the study's page."""

    def call(folder: Path, preset: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", WHOLE, preset],
            cwd=folder,
            env=environment(PYTHONPATH=str(folder)),
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return (folder / "reports" / preset / "methods.html").read_text(encoding="utf-8")

    return call


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of golden tensors, which lies beside a checkout rather than in it."""
    folder = REPOSITORY.parent / "shared" / "golden"
    if not folder.is_dir():
        pytest.skip("the golden tensors (shared/golden beside the checkout) are not on this machine")
    return folder
