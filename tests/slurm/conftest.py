"""Real Slurm daemons for the tests of this folder, and Snakemake processes that can be watched and interrupted."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import cluster
import pytest

IMPATIENT = Path(__file__).with_name("impatient.py")


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
        command = [sys.executable, IMPATIENT, "--cores", "all", "--profile", "slurm", *arguments]
        with open(self.output, "wb") as stream:
            self.process = subprocess.Popen(
                command, cwd=folder, env=env, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
            )

    def wait(self, seconds: float = 900) -> int:
        """Its exit status, once it has ended."""
        return self.process.wait(timeout=seconds)

    def jobs(self) -> list[str]:
        """The Slurm jobs that it has submitted, in order; an array counts as one."""
        return re.findall(r"(?:has been submitted with SLURM jobid|and SLURM job ID) (\d+)", self.text)

    def records(self) -> list[dict[str, str]]:
        """What Slurm remembers of each of them, and of each task of an array: Partition, Comment, TimeLimit, ..."""
        (name,) = re.findall(r"SLURM run ID: (\S+)", self.text)
        lines = cluster.ask("scontrol", "show", "jobs", "--oneliner").splitlines()
        return [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines if f"JobName={name} " in line]

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


def starter(environment: dict[str, str]):
    """start(folder, "target", ...): Snakemake in the background; then what ends all that it has left behind."""
    started = []

    def start(folder: Path, *arguments: str) -> Snakemake:
        started.append(Snakemake(folder, *map(str, arguments), env=environment))
        return started[-1]

    yield start
    for snakemake in started:
        if snakemake.process.poll() is None:
            snakemake.send(signal.SIGKILL)
            snakemake.wait()
        cluster.cancel(snakemake.jobs())


@pytest.fixture
def submit(slurm, command_environment):
    """submit(folder, "target", ...): Snakemake in the background, until the test ends."""
    yield from starter(command_environment())


@pytest.fixture(scope="module")
def submit_in_background(slurm, command_environment):
    """The same, until the tests of the file end."""
    yield from starter(command_environment())


@pytest.fixture(scope="session")
def eventually():
    """eventually(lambda: ..., "what"): wait until it holds, and return what it gave."""

    def wait(condition, what: str, seconds: float = 300):
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
            time.sleep(0.2)
        return value

    return wait
