"""The real commands as tests run them: `python -m` of what a user types, in an environment of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PROJECT_FILES = ("Snakefile", "workflow", "profiles", "ablations", "slurm", "environment.yml")


def environment(**changes: str) -> dict[str, str]:
    """The environment of a command under test: this python's scripts first, one thread, no terminal colours."""
    scripts = Path(sys.executable).parent
    settings = {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    return os.environ | settings | changes


def run(arguments: list, cwd: Path, env: dict[str, str] | None, timeout: float) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=environment(**(env or {})), capture_output=True, text=True, timeout=timeout
    )


def make_workspace(folder: Path) -> Path:
    """A project folder with its own copies of the workflow and the studies, and no results."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PROJECT_FILES:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        elif source.exists():
            shutil.copy2(source, folder / name)
    return folder
