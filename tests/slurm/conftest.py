"""Real Slurm daemons for the tests of this folder, and Snakemake processes that can be watched and interrupted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cluster
import pytest

# The profile of the repository waits as long as a busy cluster needs; two pretend nodes answer at once.
IMPATIENT = ("--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1")


@pytest.fixture(scope="session")
def slurm():
    """Two Slurm nodes with two pretend GPUs each; skips, saying why, where there can be none."""
    try:
        cluster.up()
    except cluster.CannotStart as reason:
        pytest.skip(str(reason))
    yield cluster
    cluster.down()


class Snakemake:
    """`snakemake --cores all --profile slurm` in a process group of its own, as a terminal would start it."""

    def __init__(self, folder: Path, *arguments: str, env: dict[str, str]):
        self.output = folder / f"snakemake-{time.monotonic_ns()}.out"
        command = [sys.executable, "-m", "snakemake", "--cores", "all", "--profile", "slurm", *IMPATIENT, *arguments]
        with open(self.output, "wb") as stream:
            self.process = subprocess.Popen(
                command, cwd=folder, env=env, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
            )

    def wait(self, seconds: float = 300) -> int:
        return self.process.wait(timeout=seconds)

    def send(self, number: signal.Signals) -> None:
        """To the whole group, like a key pressed at the terminal."""
        os.killpg(self.process.pid, number)

    @property
    def text(self) -> str:
        """What the user's terminal shows so far."""
        return self.output.read_text()


@pytest.fixture(scope="session")
def run_to_end(slurm, command_environment):
    """run_to_end(folder, "target", ...): Snakemake from start to success; returns what the terminal showed."""

    def run(folder: Path, *arguments: str) -> str:
        snakemake = Snakemake(folder, *map(str, arguments), env=command_environment())
        assert snakemake.wait() == 0, snakemake.text
        return snakemake.text

    return run


@pytest.fixture
def submit(slurm, command_environment):
    """submit(folder, "target", ...): start Snakemake; whatever it leaves behind is ended after the test."""
    started = []

    def start(folder: Path, *arguments: str) -> Snakemake:
        started.append(Snakemake(folder, *map(str, arguments), env=command_environment()))
        return started[-1]

    yield start
    for snakemake in started:
        if snakemake.process.poll() is None:
            snakemake.send(signal.SIGKILL)
            snakemake.wait()
    slurm.cancel_everything()


@pytest.fixture
def eventually():
    """eventually(lambda: ..., "what"): wait until it holds, and return what it gave."""

    def wait(condition, what: str, seconds: float = 120):
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
            time.sleep(0.2)
        return value

    return wait
