"""What a killed workflow leaves outside the project's folder is gone after the next start, and nothing else is."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

from sprint.plan.leftovers import KEPT, remove_leftovers

SLOW = """
include: "Snakefile"
rule slow:
    shell: "sleep 60"
"""


def test_folders_of_a_killed_snakemake_are_removed_by_the_next(workspace, tmp_path, command_environment):
    scratch, home = tmp_path / "scratch", tmp_path / "home"
    scratch.mkdir(), home.mkdir()
    (workspace / "slow.smk").write_text(SLOW)
    environment = command_environment(TMPDIR=str(scratch), HOME=str(home), XDG_CACHE_HOME=str(home / ".cache"))
    command = [sys.executable, "-m", "snakemake", "--config", "preset=smoke"]
    started = subprocess.Popen(
        [*command[:3], "slow", "--snakefile", "slow.smk", *command[3:]],
        cwd=workspace,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    noted = workspace / KEPT
    deadline = time.monotonic() + 120
    while not list(noted.glob("*.json")):
        assert started.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    left = json.loads(next(iter(noted.glob("*.json"))).read_text())["folders"]
    assert len(left) == 2 and all(os.path.isdir(folder) for folder in left)
    subprocess.run([*command[:3], "-n", *command[3:]], cwd=workspace, env=environment, check=True, capture_output=True)
    assert not any(os.path.exists(folder) for folder in left)
    assert not list(scratch.glob("snakemake*")) and not list(noted.glob("*.json"))


def test_only_folders_of_snakemakes_own_and_of_dead_processes_are_removed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = {name: tmp_path / name for name in ("snakemake-dead", "photographs", "snakemake-alive", "snakemake-far")}
    for folder in folders.values():
        folder.mkdir()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    KEPT.mkdir(parents=True)
    here = socket.gethostname()
    for name, (host, pid, left) in {
        "dead": (here, dead.pid, ["snakemake-dead", "photographs"]),
        "alive": (here, os.getppid(), ["snakemake-alive"]),
        "far": ("another machine", dead.pid, ["snakemake-far"]),
    }.items():
        told = {"host": host, "pid": pid, "folders": [str(folders[one]) for one in left]}
        (KEPT / f"{name}.json").write_text(json.dumps(told))
    (KEPT / "broken.json").write_text("{")
    remove_leftovers([])
    assert {name for name, folder in folders.items() if folder.exists()} == set(folders) - {"snakemake-dead"}
    assert {path.stem for path in KEPT.glob("*.json")} >= {"alive", "far"}
    assert not (KEPT / "broken.json").exists() and not (KEPT / "dead.json").exists()
