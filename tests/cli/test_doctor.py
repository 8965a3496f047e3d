"""What `sprint doctor` says of this machine, and of machines made to lack things."""

import hashlib
import os
import stat
from importlib import metadata
from types import SimpleNamespace

import pytest

from sprint.cli.answers import doctor


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """commands(sinfo="echo gpu"): a PATH on which these shell commands stand, and nothing else."""

    def only(**scripts: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        for name, script in scripts.items():
            path = folder / name.replace("_", "-")
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(folder))

    return only


def test_the_command_says_all_of_it_and_is_content_where_tests_run(run_cli, repository):
    done = run_cli("doctor", "--preset", "smoke", cwd=repository)
    assert done.returncode == 0, done.stdout + done.stderr
    for what in (
        "Python",
        "packages",
        "this folder",
        "disk",
        "GPUs",
        "Slurm",
        "Slurm accounting",
        "browser",
        "inception",
    ):
        assert f"{what}: " in done.stdout
    assert "requirements.lock" in done.stdout and "nothing to hold them against" not in done.stdout
    assert done.stdout.endswith("Ready for `make report`.\n") and "MISSING" not in done.stdout and not done.stderr


def test_elsewhere_it_says_what_is_missing_and_fails(run_cli, tmp_path):
    done = run_cli("doctor", cwd=tmp_path)
    assert done.returncode == 1
    assert f"MISSING  this folder: {tmp_path} holds no Snakefile" in done.stdout
    assert "Not ready for `make report`: this folder" in done.stdout.splitlines()[-1]


def test_packages_are_held_against_the_lock(tmp_path):
    lock, version = tmp_path / "requirements.lock", metadata.version("numpy")
    lock.write_text(f"numpy=={version}\n")
    assert doctor.packages(lock).good
    lock.write_text("numpy==0.1\n")
    other = doctor.packages(lock)
    assert not other.good and not other.needed and f"numpy {version} (pinned: 0.1)" in other.said
    lock.write_text(f"numpy=={version}\nno-such-package==1.0\n")
    missing = doctor.packages(lock)
    assert missing.needed and not missing.good and "not installed: no-such-package" in missing.said


def test_a_machine_without_slurm(commands):
    commands(squeue="true")
    assert doctor.slurm().said == "sbatch, scancel, srun, sinfo not here; everything runs on this machine"
    assert not doctor.slurm().needed and doctor.accounting().said == "no `sacct` here"


@pytest.mark.parametrize(("sacct", "said"), [("true", "works"), ("exit 1", "leave `slurm-status-command: squeue`")])
def test_a_cluster_with_and_without_accounting(sacct, said, commands):
    nodes = "echo '2 gpu* gpu:a100:4(S:0-1)'; echo '9 cpu (null)'"
    commands(sbatch="true", squeue="true", scancel="true", srun="true", sinfo=nodes, sacct=sacct)
    assert doctor.slurm().said == "partitions gpu*, cpu (* the default); GPUs of a node: gpu:a100:4"
    assert said in doctor.accounting().said


def test_a_controller_that_does_not_answer(commands):
    commands(**{name: "exit 1" for name in doctor.SLURM})
    assert not doctor.slurm().good and "gets no answer" in doctor.slurm().said


def test_gpus_are_listed(commands):
    commands(**{"nvidia_smi": "echo 'GPU 0: NVIDIA H200 (UUID: GPU-1)'"})
    assert "GPU 0: NVIDIA H200" in doctor.gpus().said and "UUID" not in doctor.gpus().said
    commands(**{"nvidia_smi": "exit 9"})
    assert not doctor.gpus().good


def test_no_room_on_the_disk_is_an_obstacle(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=doctor.DISK // 2))
    assert not doctor.disk(tmp_path).good and doctor.disk(tmp_path).needed


def test_published_weights_are_there_whole_or_not(tmp_path, monkeypatch, repository):
    from sprint.metrics.extractors import EXTRACTORS, Weights

    monkeypatch.chdir(repository)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert [(finding.good, finding.needed) for finding in doctor.weights("digits")] == [(False, False)] * 2
    path, other = EXTRACTORS["inception"].weights.places()
    path.parent.mkdir(parents=True)
    path.write_bytes(b"cut short")
    assert "is not the published file" in next(doctor.weights("digits")).said
    digest = hashlib.sha256(b"cut short").hexdigest()
    whole = Weights(EXTRACTORS["inception"].weights.url, digest[:8])
    assert doctor._weights("inception", whole, True, "imagenet").good
    path.rename(other)  # as pytorch-fid keeps the same file
    assert other.name.startswith("pt_inception") and EXTRACTORS["inception"].weights.cached() == other


def test_a_preset_that_cannot_be_read_is_an_obstacle(monkeypatch, repository):
    monkeypatch.chdir(repository)
    first = next(doctor.weights("digist"))
    assert first.needed and not first.good and "nearest: 'digits'" in first.said


def test_a_folder_that_cannot_be_written(monkeypatch, workspace):
    monkeypatch.chdir(workspace)
    assert doctor.project().good
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert not doctor.project().good and "cannot be written" in doctor.project().said
